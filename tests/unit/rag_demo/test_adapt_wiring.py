"""Models of indexes: which one an index gets, that it stays, and when it is trained anew."""

import shutil

import numpy as np
import pytest

from rag_demo import adapt_wiring, indexer, wiring
from rag_demo.adapt_wiring import ADAPTED, ModelChoice
from rag_demo.configurations import bundled
from rag_demo.index.ports import Where
from rag_demo.index.store import SpaceStore
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder, make_document

MODULE = "CommonModules/РаботаСКурсамиВалют/Ext/Module.bsl"


def quiet(*_):
    pass


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Nothing is loaded where no adapted model is asked for."""
    monkeypatch.setattr(wiring, "build_embedder", lambda name="": WordEmbedder(fingerprint=name or "words"))


@pytest.fixture
def dump(tmp_path):
    return shutil.copytree(bundled(), tmp_path / "дамп")


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=str(tmp_path / "данные"))


@pytest.fixture
def opened(settings):
    opened = Library(settings)
    yield opened
    opened.close()


def model_of(settings, manifest):
    _, folder = SpaceStore(settings.data_path).require(manifest.space_id)
    return {file.name: file.read_bytes() for file in (folder / manifest.model_folder).iterdir()}


def change(dump, text):
    file = dump / MODULE
    file.write_text(file.read_text(encoding="utf-8-sig") + text, encoding="utf-8-sig")


def test_an_index_gets_a_model_of_its_own_and_keeps_it(dump, settings, opened):
    first = opened.index(dump, "trade", progress=quiet).manifest
    assert (first.model_choice, first.model_folder, first.model_name) == (ADAPTED, "model", ADAPTED)
    assert first.dimension == 256
    assert first.dense_weight > 0
    before = model_of(settings, first)

    change(dump, "\nФункция НоваяФункция()\n\tВозврат 1;\nКонецФункции\n")
    second = opened.index(dump, "trade", progress=quiet)
    assert not second.rebuilt
    assert second.manifest.changed == 1
    assert second.manifest.model_fingerprint == first.model_fingerprint
    assert model_of(settings, second.manifest) == before
    with opened.assistant(("trade",)) as assistant:
        answer = assistant.answer("Как получить курс валюты на дату?", where=Where(("trade",)), top_k=5)
    assert "ПолучитьКурсВалюты" in [source.hit.document.name for source in answer.sources]
    assert not answer.degraded
    assert any("dense" in source.hit.legs for source in answer.sources)


def test_many_changes_make_a_new_model(dump, settings, opened, monkeypatch):
    first = opened.index(dump, "trade", progress=quiet).manifest
    monkeypatch.setattr(indexer, "_WORN", 0.001)
    change(dump, "".join(f"\nФункция Новая{n}()\n\tВозврат {n};\nКонецФункции\n" for n in range(3)))
    second = opened.index(dump, "trade", progress=quiet)
    assert "3 documents have changed" in second.rebuilt
    assert second.manifest.changed == 0
    assert second.manifest.generation != first.generation
    assert second.manifest.model_fingerprint != first.model_fingerprint


def test_another_model_can_be_asked_for_and_stays(dump, settings, opened):
    named = opened.index(dump, "trade", model=ModelChoice("чужая"), progress=quiet).manifest
    assert (named.model_choice, named.model_folder, named.model_fingerprint) == ("чужая", "", "чужая")
    assert named.dense_weight < 0
    again = opened.index(dump, "trade", progress=quiet)
    assert again.is_unchanged
    adapted = opened.index(dump, "trade", model=ModelChoice(ADAPTED), progress=quiet)
    assert "another model was asked for" in adapted.rebuilt
    assert adapted.manifest.model_folder == "model"


def test_a_model_can_start_from_that_of_another_space(dump, settings, opened):
    opened.index(dump, "one", progress=quiet)
    _, folder = SpaceStore(settings.data_path).require("one")
    choice = ModelChoice(ADAPTED, folder / "model")
    two = opened.index(dump, "two", model=choice, progress=quiet).manifest
    assert model_of(settings, two)["tokenizer.json"] == (folder / "model" / "tokenizer.json").read_bytes()


def test_spaces_with_different_models_are_asked_together(dump, opened):
    opened.index(dump, "one", progress=quiet)
    opened.index(dump, "two", model=ModelChoice("чужая"), progress=quiet)
    with opened.assistant(("one", "two")) as assistant:
        answer = assistant.answer("Где проверяется лимит задолженности?", where=Where(("one", "two")), top_k=6)
    found = {source.hit.document.space_id for source in answer.sources if "dense" in source.hit.legs}
    assert found == {"one", "two"}
    assert not answer.degraded


def test_of_too_little_no_model_is_trained(tmp_path):
    assert adapt_wiring.train_model([make_document()], tmp_path / "model") is None
    assert not (tmp_path / "model").exists()


def test_the_service_gives_the_vectors(dump, settings, opened):
    manifest = opened.index(dump, "trade", progress=quiet).manifest
    _, folder = SpaceStore(settings.data_path).require("trade")
    embedder = adapt_wiring.open_adapted(folder / "model")
    try:
        assert embedder.fingerprint == manifest.model_fingerprint
        assert np.isfinite(embedder.encode_query("курс")).all()
    finally:
        embedder.close()


@pytest.mark.parametrize(("with_base", "told"), [(True, "WARNING"), (False, "INFO")])
def test_a_base_that_is_not_used_is_told(tmp_path, caplog, with_base, told):
    base = tmp_path / "основа" if with_base else None
    with caplog.at_level("INFO", logger=adapt_wiring.__name__):
        assert adapt_wiring.train_model([make_document()], tmp_path / "модель", base=base) is None
    (record,) = caplog.records
    assert record.levelname == told
    assert "too little to learn from" in record.getMessage()
    assert (str(base) in record.getMessage()) is with_base
