"""Spaces whose vectors are on a Qdrant server: indexed, asked, changed by several, and without the server."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import rag_demo
from rag_demo import cli, wiring
from rag_demo.errors import IndexBusy, InputError, VectorsAway
from rag_demo.index.ports import Where
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.work import check_workers, holding
from tests.qdrant_server import QdrantServer
from tests.unit.rag_demo.dumps import SmallDump

KEY = "ключ".encode().hex()
UPLOAD = "PUT /collections/{collection_name}/points"
INDEX = """
import sys
from pathlib import Path
from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
wiring.build_embedder = lambda *_: WordEmbedder()
data, dump, url, key = sys.argv[1:]
library = Library(Settings(data_dir=data, model="слова", qdrant_url=url, qdrant_api_key=key))
library.index(Path(dump), "лавка", full=True, progress=lambda *_: None)
"""


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())


@pytest.fixture
def qdrant():
    with QdrantServer(api_key=KEY).serving() as server:
        yield server


@pytest.fixture
def dump(tmp_path):
    return SmallDump(tmp_path / "выгрузка")


@pytest.fixture
def settings(tmp_path, qdrant):
    return Settings(data_dir=str(tmp_path / "данные"), model="слова", qdrant_url=qdrant.url, qdrant_api_key=KEY)


@pytest.fixture
def open_library(settings):
    with contextlib.ExitStack() as opened:
        yield lambda given=settings: opened.enter_context(contextlib.closing(Library(given)))


@pytest.fixture
def library(open_library):
    return open_library()


def index(library, dump, **options):
    return library.index(dump.root, "лавка", progress=lambda *_: None, **options)


def ask(library, question="Посчитать0_1"):
    answer = library.ask(question, Where(("лавка",)), 3)
    return [source.hit.document.name for source in answer.sources], answer.degraded


def test_indexed_asked_and_dropped(library, dump, qdrant):
    report = index(library, dump)
    (collection,) = qdrant.collections()
    assert collection.endswith(report.manifest.generation)
    assert qdrant.client.count(collection).count == sum(report.manifest.counts.values())
    names, degraded = ask(library)
    assert names[0] == "Посчитать0_1"
    assert degraded == ()
    assert not list(Path(library._settings.data_dir).rglob("dense"))
    library.drop("лавка")
    assert qdrant.collections() == []


def test_an_update_sends_what_changed(library, dump, qdrant):
    index(library, dump)
    qdrant.exchanges.clear()
    dump.write_module("Модуль0", ["Посчитать0_0", "НовыйМетод"])
    report = index(library, dump)
    assert report.rebuilt == ""
    assert sum(len(body["points"]) for body in qdrant.bodies(UPLOAD)) == report.documents.added
    assert ask(library, "НовыйМетод")[0][0] == "НовыйМетод"


def test_while_the_server_is_away_words_answer(library, dump, qdrant, caplog):
    index(library, dump)
    assert ask(library)[1] == ()
    qdrant.stop()
    names, degraded = ask(library, "Посчитать1_1")
    assert (names[0], degraded) == ("Посчитать1_1", ("dense",))
    assert "The Qdrant server http://127.0.0.1" in caplog.text
    qdrant.start()
    assert ask(library, "Посчитать1_2")[1] == ()


def test_a_process_that_starts_without_the_server_finds_it_later(library, dump, qdrant, open_library):
    index(library, dump)
    qdrant.stop()
    other = open_library()
    assert ask(other)[1] == ("dense",)
    qdrant.start()
    assert ask(other, "Посчитать1_1")[1] == ()


def test_nothing_is_indexed_while_it_is_away(library, dump, qdrant):
    before = index(library, dump).manifest
    dump.write_module("Модуль0", ["НовыйМетод"])
    qdrant.stop()
    for full in (False, True):
        with pytest.raises(VectorsAway, match=r"cannot be reached.*QDRANT_URL"):
            index(library, dump, full=full)
    with pytest.raises(VectorsAway):
        library.drop("лавка")
    qdrant.start()
    assert library._store.manifest("лавка") == before
    assert ask(library)[1] == ()


def test_a_wrong_key_is_told(dump, settings, open_library):
    with pytest.raises(VectorsAway, match="QDRANT_API_KEY") as caught:
        index(open_library(dataclasses.replace(settings, qdrant_api_key="не-тот".encode().hex())), dump)
    assert "не-тот".encode().hex() not in str(caught.value)


@pytest.mark.parametrize("url", ["localhost:6333", "ftp://server", "http://", "http://server:нет", "http://a b:1"])
def test_an_address_that_is_none(dump, settings, open_library, url):
    with pytest.raises(InputError, match="QDRANT_URL is no address"):
        index(open_library(dataclasses.replace(settings, qdrant_url=url)), dump)


def test_questions_are_told_of_such_an_address_too(library, dump, settings, open_library):
    index(library, dump)
    with pytest.raises(InputError, match="QDRANT_URL is no address"):
        ask(open_library(dataclasses.replace(settings, qdrant_url="http://[::1")))


def test_a_key_that_cannot_be_sent(dump, settings, open_library):
    with pytest.raises(InputError, match="QDRANT_API_KEY holds other than ASCII"):
        index(open_library(dataclasses.replace(settings, qdrant_api_key="ключ")), dump)


def test_secrets_are_not_shown(settings):
    secret = dataclasses.replace(settings, qdrant_url="http://user:password@server:6333")
    assert KEY not in repr(secret)
    assert "password" not in repr(secret)


def test_vectors_move_when_the_setting_changes(library, dump, settings, open_library, caplog):
    index(library, dump)
    embedded = open_library(dataclasses.replace(settings, qdrant_url=""))
    assert ask(embedded)[1] == ("dense",)
    assert "on the Qdrant server http://127.0.0.1" in caplog.text
    report = index(embedded, dump)
    assert report.rebuilt.startswith("its vectors are on the Qdrant server")
    assert ask(embedded)[1] == ()
    embedded.close()
    assert index(library, dump).rebuilt.startswith("its vectors are in the data folder")
    assert ask(library)[1] == ()


def test_the_replaced_index_stays_for_those_who_read_it(library, dump, qdrant, open_library):
    index(library, dump)
    reading = open_library()
    with reading.assistant(("лавка",)) as assistant:
        index(library, dump, full=True)
        assert len(qdrant.collections()) == 2
        assert assistant.answer("Посчитать0_1", where=Where(("лавка",)), top_k=3).degraded == ()
    index(library, dump)
    assert len(qdrant.collections()) == 1


def test_what_an_update_retires_stays_for_other_processes_until_the_next(library, dump, open_library):
    index(library, dump)
    reading = open_library()
    with reading.assistant(("лавка",)) as assistant:
        dump.write_module("Модуль0", ["НовыйМетод"])
        index(library, dump)
        found = assistant.search("Посчитать0_1", where=Where(("лавка",)), limit=1)
        assert found.hits[0].document.name == "Посчитать0_1"
        assert set(found.hits[0].legs) == {"lexical", "exact", "dense"}
    assert ask(reading, "НовыйМетод")[0][0] == "НовыйМетод"


def test_verify_makes_a_lost_collection_anew(library, dump, qdrant):
    report = index(library, dump)
    qdrant.client.delete_collection(qdrant.collections()[0])
    assert ask(library, "Посчитать2_2")[1] == ("dense",)
    words, vectors = library.verify("лавка", progress=lambda *_: None)
    assert not words
    assert len(vectors.missing) == sum(report.manifest.counts.values())
    assert ask(library, "Посчитать2_1")[1] == ()


def test_what_a_killed_process_left_on_the_server_is_removed(library, dump, settings, qdrant):
    before = index(library, dump).manifest
    environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1]), "PYTHONUTF8": "1"}
    arguments = [settings.data_dir, str(dump.root), qdrant.url, KEY]
    child = subprocess.Popen([sys.executable, "-c", INDEX, *arguments], env=environment, stderr=subprocess.PIPE)
    qdrant.before = lambda operation: child.send_signal(signal.SIGKILL) if operation == UPLOAD else None
    with contextlib.suppress(BrokenPipeError):
        _, told = child.communicate()
    qdrant.before = lambda _: None
    assert child.returncode == -signal.SIGKILL, told
    assert len(qdrant.collections()) == 2
    assert library._store.manifest("лавка") == before
    assert ask(library)[1] == ()
    assert index(library, dump).rebuilt == ""
    assert len(qdrant.collections()) == 1


def test_with_a_server_every_process_may_hold_the_library(settings, library, dump):
    index(library, dump)
    with holding(settings, command="serve") as one, holding(settings, command="serve") as two:
        assert ask(one)[1] == ask(two)[1] == ()
    check_workers(4, settings)


def test_without_one_a_folder_belongs_to_one_process(settings):
    embedded = dataclasses.replace(settings, qdrant_url="")
    check_workers(1, embedded)
    with pytest.raises(InputError, match="4 workers need a Qdrant server.*Set QDRANT_URL"):
        check_workers(4, embedded)
    another = holding(embedded, command="two")
    with holding(embedded, command="one"), pytest.raises(IndexBusy, match="Another process holds the indexes"):
        another.__enter__()


def test_the_commands(settings, dump, qdrant, monkeypatch, capsys):
    for name, value in {
        "RAG_DATA_DIR": settings.data_dir,
        "RAG_MODEL": "слова",
        "QDRANT_URL": qdrant.url,
        "QDRANT_API_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, value)
    said = {}
    for command in (
        ["index", str(dump.root), "--space", "лавка"],
        ["spaces"],
        ["ask", "Посчитать0_1", "--explain"],
        ["verify"],
        ["drop", "лавка", "--yes"],
    ):
        assert cli.main(command) == 0
        said[command[0]] = capsys.readouterr().out
    assert "dense" in said["ask"]
    assert "as the catalogue says" in said["verify"]
    assert qdrant.collections() == []
    qdrant.stop()
    assert cli.main(["index", str(dump.root), "--space", "лавка"]) == 2
    assert "cannot be reached" in capsys.readouterr().err
