"""Keeping an index up to date: what is read again, what is written, and that it equals an index made anew."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from rag_demo import index_wiring, wiring
from rag_demo.dense_wiring import open_dense
from rag_demo.errors import IndexBusy, IndexMissing, InputError, NoRoom, NotADump
from rag_demo.index import build
from rag_demo.index.build import Counts
from rag_demo.index.ports import Where
from rag_demo.index.store import FORMAT, SpaceStore
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from tests.unit.rag_demo.dumps import SmallDump, method
from tests.unit.rag_demo.index_state import state_of

MODEL = "слова"  # any name: nothing is trained


class CountingEmbedder(WordEmbedder):
    """Remembers how many texts it encoded."""

    encoded = 0

    def encode_documents(self, texts):
        CountingEmbedder.encoded += len(texts)
        return super().encode_documents(texts)


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: CountingEmbedder())
    monkeypatch.setattr(CountingEmbedder, "encoded", 0)


@pytest.fixture
def dump(tmp_path):
    return SmallDump(tmp_path / "выгрузка")


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=str(tmp_path / "данные"), model=MODEL)


@pytest.fixture
def library(settings):
    with contextlib.closing(Library(settings)) as library:
        yield library


@pytest.fixture
def index(library, dump):
    stages = []

    def index(space="лавка", **options):
        stages.clear()
        return library.index(
            dump.root, space, progress=lambda stage, done, total: stages.append((stage, done, total)), **options
        )

    index.stages = stages
    index.library = library
    return index


@pytest.fixture
def assert_equals_clean(tmp_path, library, settings, dump):
    def check(docs=()):
        library.close()
        clean = Settings(data_dir=str(tmp_path / "чистое"), model=MODEL)
        shutil.rmtree(clean.data_path, ignore_errors=True)
        with contextlib.closing(Library(clean)) as other:
            other.index(dump.root, "лавка", docs=docs, progress=lambda *_: None)
        ours, theirs = state_of(settings.data_path, "лавка"), state_of(clean.data_path, "лавка")
        for part, value in theirs.items():
            assert ours[part] == value, part

    return check


def age(root):
    """Make all files look older than the moment after which times are trusted."""
    for file in root.rglob("*"):
        if file.is_file():
            os.utime(file, ns=(10**18, 10**18))


def ask(library, question):
    with library.assistant(("лавка",)) as assistant:
        answer = assistant.answer(question, where=Where(("лавка",)), top_k=3)
        assert answer.degraded == ()
        return [source.hit.document.full_name for source in answer.sources]


def test_the_first_run_builds_and_the_second_does_nothing(index, dump, assert_equals_clean):
    age(dump.root)
    first = index()
    assert first.rebuilt == "there is none yet"
    assert first.manifest.revision == 1
    assert first.manifest.counts == {"method": 11, "metadata_object": 6}
    encoded = CountingEmbedder.encoded
    second = index()
    assert second.is_unchanged
    assert second.manifest == first.manifest
    assert encoded == CountingEmbedder.encoded
    assert {stage for stage, *_ in index.stages} == {"compare"}
    assert_equals_clean()


def test_files_are_opened_only_if_size_or_time_is_another(index, dump, library, monkeypatch):
    age(dump.root)
    index()
    os.utime(dump.root / "Catalogs" / "Справочник0.xml", ns=(10**18 + 5, 10**18 + 5))
    opened = []
    original = type(dump.root).open

    def noting(self, *arguments, **options):
        if dump.root in self.parents and self.name != "Configuration.xml":
            opened.append(self.name)
        return original(self, *arguments, **options)

    monkeypatch.setattr(type(dump.root), "open", noting)
    assert index().is_unchanged
    assert opened == ["Справочник0.xml"]
    opened.clear()
    assert index().is_unchanged
    assert opened == []


def test_one_changed_module(index, dump, library, assert_equals_clean):
    age(dump.root)
    index()
    before = CountingEmbedder.encoded
    dump.write_module("Модуль1", ["Посчитать1_0", "Посчитать1_2", "СовсемНовая"], before="// Строка.\n\n")
    report = index()
    assert (report.files, report.documents) == (Counts(changed=1), Counts(added=1, removed=1))
    assert report.manifest.revision == 2
    assert CountingEmbedder.encoded - before == 1
    assert ("files", 1, 1) in index.stages
    assert ask(library, "СовсемНовая")[0] == "CommonModule.Модуль1.СовсемНовая"
    assert "CommonModule.Модуль1.Посчитать1_1" not in ask(library, "Посчитать1_1")
    assert_equals_clean()


def test_lines_that_moved_are_cited_anew_without_encoding(index, dump, library):
    index()
    before = CountingEmbedder.encoded
    dump.write_module("Модуль1", [f"Посчитать1_{k}" for k in range(3)], before="// Раз.\n// Два.\n\n")
    assert index().documents == Counts()
    assert CountingEmbedder.encoded == before
    with library.assistant(("лавка",)) as assistant:
        answer = assistant.answer("Посчитать1_0", where=Where(("лавка",)), top_k=1)
    assert answer.sources[0].hit.document.line_start == 4


def test_the_synonym_of_an_object_reaches_its_modules(index, dump, assert_equals_clean):
    age(dump.root)
    index()
    dump.write_catalogue("Справочник1", synonym="Покупатели")
    age(dump.root / "Catalogs" / "Справочник1")
    report = index()
    assert report.files == Counts(changed=2)
    assert ("files", 2, 2) in index.stages
    assert_equals_clean()


def test_new_and_removed_objects(index, dump, library, assert_equals_clean):
    index()
    shutil.rmtree(dump.root / "Catalogs" / "Справочник0")
    (dump.root / "Catalogs" / "Справочник0.xml").unlink()
    dump.catalogues = ["Справочник1", "Новый"]
    dump.write_catalogue("Новый", synonym="Совсем новый")
    dump.write_configuration()
    report = index()
    assert (report.files.added, report.files.removed) == (2, 2)
    assert (report.documents.added, report.documents.removed) == (2, 2)
    assert ask(library, "Catalog.Новый")[0] == "Catalog.Новый"
    assert_equals_clean()


def test_content_that_comes_back(index, dump, assert_equals_clean):
    index()
    for body in ("Возврат 2;", "Возврат 1;", "Возврат 3;", "Возврат 1;"):
        dump.write_module("Модуль0", ["Посчитать0_0"], body=body)
        assert index().files.changed == 1
    assert_equals_clean()


def test_problems_stay_until_they_are_gone(index, dump):
    file = dump.root / "Catalogs" / "Справочник0.xml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text[:200], encoding="utf-8")
    assert len(index().problems) == 1
    unchanged = index()
    assert unchanged.is_unchanged
    assert unchanged.problems[0].path == "Catalogs/Справочник0.xml"
    dump.write_module("Модуль0", ["Посчитать0_0"])
    assert len(index().problems) == 1
    file.write_text(text, encoding="utf-8")
    assert index().problems == ()


def test_documents_beside_the_dump(index, dump, tmp_path, library, assert_equals_clean):
    docs = tmp_path / "Документация"
    docs.mkdir()
    (docs / "Руководство пользователя.md").write_text(
        "# Руководство\n\nКак оформить возврат товара.\n", encoding="utf-8"
    )
    (docs / "Обмен.txt").write_text("Правила обмена между складами.\n", encoding="utf-8")
    index(docs=[docs])
    assert index(docs=[docs]).is_unchanged
    (docs / "Обмен.txt").write_text("Регламент обмена между магазинами по ночам.\n", encoding="utf-8")
    (docs / "Вопросы.md").write_text("# Вопросы и ответы\n\nГде найти дегустацию?\n", encoding="utf-8")
    report = index(docs=[docs])
    assert report.files == Counts(added=1, changed=1)
    with library.assistant(("лавка",)) as assistant:
        answer = assistant.answer("дегустация", where=Where(("лавка",)), top_k=3)
    assert answer.sources[0].hit.document.path == "Документация/Вопросы.md"
    assert_equals_clean(docs=[docs])
    assert index().files == Counts(removed=3)


def test_another_folder_of_the_same_files_is_compared_by_content(index, dump, library, tmp_path):
    age(dump.root)
    index()
    other = tmp_path / "другая"
    shutil.copytree(dump.root, other)
    module = other / "CommonModules" / "Модуль0" / "Ext" / "Module.bsl"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace("Возврат 1", "Возврат 7"), encoding="utf-8")
    age(other)
    report = library.index(other, "лавка", progress=lambda *_: None)
    assert report.files == Counts(changed=1)


@pytest.mark.parametrize(
    "what", ["full", "settings", "reader", "model", "manifest", "catalogue", "vectors", "words", "format"]
)
def test_what_makes_an_index_anew(index, dump, settings, monkeypatch, what):
    index()
    index.library.close()
    folder = SpaceStore(settings.data_path).require("лавка")[1]
    if what == "settings":
        monkeypatch.setattr(index_wiring, "choices_digest", lambda _: "другой")
    elif what == "reader":
        monkeypatch.setattr(index_wiring, "REVISION", 0)
    elif what == "model":
        monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder(fingerprint="другой"))
    elif what == "manifest":
        (folder.parent / "current.json").write_text("{", encoding="utf-8")
    elif what == "format":
        file = folder.parent / "current.json"
        file.write_text(
            file.read_text(encoding="utf-8").replace(f'"format": {FORMAT}', '"format": 1'), encoding="utf-8"
        )
    elif what == "catalogue":
        (folder / "catalogue.sqlite").write_bytes(b"rubbish" * 100)
    elif what in {"vectors", "words"}:
        part = folder / ("dense" if what == "vectors" else "lexical")
        shutil.rmtree(part)
        dump.write_module("Модуль0", ["Посчитать0_0"])
    report = index(full=what == "full")
    assert report.rebuilt
    assert report.manifest.generation != folder.name
    assert ask(index.library, "Посчитать0_0")[0] == "CommonModule.Модуль0.Посчитать0_0"


def test_the_remains_of_a_dump_do_not_replace_a_good_index(index, dump, library):
    index()
    for file in (dump.root / "Catalogs").rglob("*.xml"):
        file.write_text("<", encoding="utf-8")
    for file in (dump.root / "CommonModules").rglob("*"):
        if file.is_file():
            file.unlink() if file.suffix == ".bsl" else file.write_text("<", encoding="utf-8")
    with pytest.raises(InputError, match="not indexed"):
        index()
    assert ask(library, "Посчитать0_0")[0] == "CommonModule.Модуль0.Посчитать0_0"
    (dump.root / "Configuration.xml").unlink()
    with pytest.raises(NotADump):
        index()


def test_a_failure_leaves_the_old_revision_and_the_next_run_goes_on(
    index, dump, library, monkeypatch, assert_equals_clean
):
    index()
    dump.write_module("Модуль0", ["Посчитать0_0", "СовсемНовая"])

    def fail(*_arguments, **_options):
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(build, "add_vectors", fail)
        with pytest.raises(OSError, match="gone"):
            index()
    assert "CommonModule.Модуль0.СовсемНовая" not in ask(library, "СовсемНовая")
    assert ask(library, "Посчитать0_1")[0] == "CommonModule.Модуль0.Посчитать0_1"
    assert index().files == Counts(changed=1)
    assert ask(library, "СовсемНовая")[0] == "CommonModule.Модуль0.СовсемНовая"
    assert_equals_clean()


def test_a_reader_sees_one_revision_to_its_end(index, dump, library):
    index()
    started, seen = threading.Event(), []
    with library.assistant(("лавка",)) as assistant:
        dump.write_module("Модуль0", ["СовсемНовая"])

        def update():
            started.set()
            index()
            seen.append("updated")

        updating = threading.Thread(target=update)
        updating.start()
        started.wait()
        for _ in range(20):
            answer = assistant.answer("Посчитать0_1", where=Where(("лавка",)), top_k=3)
            assert answer.sources[0].hit.document.full_name == "CommonModule.Модуль0.Посчитать0_1"
            assert "dense" in answer.sources[0].hit.legs
        seen.append("read")
    updating.join()
    assert seen == ["read", "updated"]
    assert ask(library, "СовсемНовая")[0] == "CommonModule.Модуль0.СовсемНовая"


def test_two_indexers_at_once(index, dump, settings):
    index()
    dump.write_module("Модуль0", ["Посчитать0_0"])
    with SpaceStore(settings.data_path).writing("лавка"), pytest.raises(IndexBusy, match="Another process is indexing"):
        index()
    assert not index().is_unchanged


def test_verify_mends_what_differs(index, dump, library, settings, assert_equals_clean):
    index()
    assert not any(library.verify("лавка", progress=lambda *_: None))
    library.close()
    manifest, folder = SpaceStore(settings.data_path).require("лавка")
    dense = open_dense(folder, settings=settings)
    dense.retire(sorted(dense.versions())[:2], revision=manifest.revision)
    dense.seal()
    dense.close()
    shutil.rmtree(folder / "lexical")
    found = {difference.part: difference for difference in library.verify("лавка", progress=lambda *_: None)}
    assert (len(found["vectors"].missing), len(found["words"].missing)) == (2, 17)
    assert not any(library.verify("лавка", progress=lambda *_: None))
    assert_equals_clean()


def test_verify_makes_vectors_anew_that_cannot_be_opened(index, library, settings, assert_equals_clean):
    index()
    library.close()
    shutil.rmtree(SpaceStore(settings.data_path).require("лавка")[1] / "dense")
    assert len(library.verify("лавка", progress=lambda *_: None)[1].missing) == 17
    assert_equals_clean()


def test_what_ordering_needs_is_made_where_it_is_missing(index, dump, library, settings, assert_equals_clean):
    age(dump.root)
    folder = settings.data_path / "spaces"
    index()
    (table,) = folder.glob("*/*/sketches/1")
    shutil.rmtree(table)
    assert ask(library, "Посчитать0_0")[0] == "CommonModule.Модуль0.Посчитать0_0"
    assert index().is_unchanged
    assert table.is_dir()
    shutil.rmtree(table)
    library.verify("лавка", progress=lambda *_: None)
    assert table.is_dir()
    shutil.rmtree(table)
    dump.write_module("Модуль0", ["Посчитать0_0", "СовсемНовая"])
    index()
    assert [entry.name for entry in table.parent.iterdir()] == ["2"]
    assert_equals_clean()


def test_drop(index, library, settings):
    index()
    library.drop("лавка")
    assert SpaceStore(settings.data_path).manifests() == []
    assert list((settings.data_path / "spaces").iterdir()) == []
    with pytest.raises(IndexMissing):
        library.drop("лавка")
    assert index().rebuilt == "there is none yet"


def test_a_drop_that_was_stopped_has_dropped_the_space(index, library, settings):
    index()
    folder = SpaceStore(settings.data_path).require("лавка")[1].parent
    (folder / "current.json").unlink()
    assert index().rebuilt == "there is none yet"
    assert len([entry for entry in folder.iterdir() if entry.is_dir()]) == 1


def test_a_catalogue_that_is_being_committed_is_waited_for(index, dump, settings):
    index()
    dump.write_module("Модуль0", ["Посчитать0_0"])
    folder = SpaceStore(settings.data_path).require("лавка")[1]
    other = sqlite3.connect(folder / "catalogue.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()
    assert index().files == Counts(changed=1)
    other.close()


def test_an_unreadable_file_is_read_again_each_time(index, dump):
    file = dump.root / "CommonModules" / "Модуль0" / "Ext" / "Module.bsl"
    file.unlink()
    file.symlink_to(dump.root / "нет")
    index()
    file.unlink()
    file.write_text(method("Появилась"), encoding="utf-8")
    assert index().documents == Counts(added=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("file", ["lexical/retired.json.new", "../current.json.new"])
def test_a_disk_that_fills_up_leaves_the_old_revision(index, dump, settings, assert_equals_clean, file):
    index()
    folder = SpaceStore(settings.data_path).require("лавка")[1]
    dump.write_module("Модуль0", ["Посчитать0_0", "СовсемНовая"])
    (folder / file).symlink_to("/dev/full")
    with pytest.raises(NoRoom, match="is full. The index is as it was before"):
        index()
    assert ask(index.library, "Посчитать0_1")[0] == "CommonModule.Модуль0.Посчитать0_1"
    (folder / file).unlink()
    assert index().files == Counts(changed=1)
    assert_equals_clean()
