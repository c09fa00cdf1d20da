"""A process that reads beside the one that holds the indexes, and does not keep others from them."""

from __future__ import annotations

import contextlib

import pytest

from rag_demo import wiring
from rag_demo.dense_wiring import open_dense
from rag_demo.errors import InputError
from rag_demo.index.ports import Where
from rag_demo.index.store import SpaceStore
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.work import holding, visiting
from tests.unit.rag_demo.dumps import SmallDump

SPACE = Where(("лавка",))


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())


@pytest.fixture
def settings(tmp_path):
    settings = Settings(data_dir=str(tmp_path / "данные"), model="слова", answer_cache="off")
    with holding(settings, command="test") as library:
        library.index(SmallDump(tmp_path / "выгрузка").root, "лавка", progress=lambda *_: None)
    return settings


def legs(library, question="Посчитать1_1", where=SPACE):
    with library.assistant(("лавка",)) as assistant:
        found = assistant.search(question, where=where, limit=3)
    assert found.degraded == ()
    return [(hit.document.full_name, dict(hit.legs)) for hit in found.hits]


def test_the_holder_searches_the_vectors_for_it(settings):
    with holding(settings, command="serve") as holder, visiting(settings) as visitor:
        for where in (SPACE, Where(("лавка",), ("method",), ("CommonModule",)), Where(("лавка",), (), ("Role",))):
            assert legs(visitor, where=where) == legs(holder, where=where)
        assert "dense" in legs(visitor)[0][1]


def test_alone_it_leaves_the_vectors_to_others(settings):
    _, folder = SpaceStore(settings.data_path).require("лавка")
    with visiting(settings) as visitor:
        before = legs(visitor)
        with contextlib.closing(open_dense(folder, settings=settings)):
            pass
        assert legs(visitor) == before


def test_it_follows_when_the_holder_comes_and_goes(settings, tmp_path):
    with visiting(settings) as visitor:
        alone = legs(visitor)
        with holding(settings, command="serve") as holder:
            assert legs(visitor) == alone
            SmallDump(tmp_path / "выгрузка").write_module("Модуль0", ["НовыйМетод"])
            holder.index(tmp_path / "выгрузка", "лавка", progress=lambda *_: None)
            assert legs(visitor, "НовыйМетод")[0][0].endswith("НовыйМетод")
        assert legs(visitor, "НовыйМетод")[0][0].endswith("НовыйМетод")


@pytest.mark.parametrize("folder", ["..", "../..", "", "a/b", "../../etc", "/etc/ssl", "x"])
def test_only_folders_of_generations_are_opened(settings, folder):
    with holding(settings, command="serve") as holder, pytest.raises(InputError, match="There is no index"):
        holder.vectors(folder, 1)
