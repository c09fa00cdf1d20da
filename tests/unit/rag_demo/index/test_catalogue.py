from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import subprocess
import sys

import pytest

from rag_demo.errors import IndexBroken, IndexBusy, NoRoom
from rag_demo.index import catalogue_tables
from rag_demo.index.catalogue import Catalogue
from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.ports import DocKey, Where
from rag_demo.index.states import FileState
from rag_demo.ingest import Problem
from rag_demo.testing import make_document

RATE = make_document("CommonModule.РаботаСКурсами.ПолучитьКурс", deprecated=True, context="НаСервере")
HIDDEN = make_document("CommonModule.РаботаСКурсамиСлужебный.ПолучитьКурс", export=False)
CURRENCIES = make_document("Catalog.Валюты", doc_type="metadata_object", synonym="Валюты мира")
OTHER = make_document("Catalog.Валюты", space_id="другое", doc_type="metadata_object")
YO = make_document("Catalog.УчётТоваров")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "каталог #1?.sqlite"
    catalogue = Catalogue.create(file)
    catalogue.add([HIDDEN, RATE, CURRENCIES, OTHER, YO])
    catalogue.seal()
    catalogue.close()
    return file


@pytest.fixture
def catalogue(file):
    catalogue = CatalogueReader.open(file)
    yield catalogue
    catalogue.close()


def test_every_field_comes_back(catalogue):
    found = catalogue.fetch([DocKey("trade", RATE.doc_id)])
    assert found == {DocKey("trade", RATE.doc_id): RATE}
    (document,) = found.values()
    assert all(type(value) is type(getattr(RATE, name)) for name, value in dataclasses.asdict(document).items())


def test_unknown_keys_are_left_out(catalogue):
    assert catalogue.fetch([DocKey("trade", "нет"), DocKey("нет", RATE.doc_id)]) == {}


def test_thousands_of_keys(tmp_path):
    documents = [make_document(f"CommonModule.М.Метод{n}") for n in range(2500)]
    catalogue = Catalogue.create(tmp_path / "много.sqlite")
    catalogue.add(documents)
    catalogue.seal()
    with contextlib.closing(catalogue.at(1)) as reader:
        assert len(reader.fetch([DocKey("trade", document.doc_id) for document in documents])) == 2500
    catalogue.close()


@pytest.mark.parametrize(
    "name",
    ["Catalog.Валюты", "catalog.валюты", "ВАЛЮТЫ", "Валюты"],
)
def test_look_up_by_any_ending_in_any_case(catalogue, name):
    assert catalogue.look_up(name, 10, where=Where(("trade",))) == [DocKey("trade", "Catalog.Валюты")]


def test_look_up_takes_yo_for_ye(catalogue):
    assert catalogue.look_up("УчетТоваров", 10) == catalogue.look_up("учётТоваров", 10) == [DocKey("trade", YO.doc_id)]


def test_exported_namesakes_come_first(catalogue):
    assert [key.doc_id for key in catalogue.look_up("ПолучитьКурс", 10)] == [RATE.doc_id, HIDDEN.doc_id]
    assert [key.doc_id for key in catalogue.look_up("ПолучитьКурс", 1)] == [RATE.doc_id]


def test_module_and_method(catalogue):
    assert [key.doc_id for key in catalogue.look_up("РаботаСКурсамиСлужебный.ПолучитьКурс", 10)] == [HIDDEN.doc_id]


@pytest.mark.parametrize("name", ["Курс", "Получить%", "ПолучитьКурс' OR '1'='1", "", "алюты"])
def test_look_up_finds_whole_names_only(catalogue, name):
    assert catalogue.look_up(name, 10) == []


def test_filters(catalogue):
    assert len(catalogue.look_up("Валюты", 10)) == 2
    assert [key.space_id for key in catalogue.look_up("Валюты", 10, where=Where(("другое",)))] == ["другое"]
    assert catalogue.look_up("Валюты", 10, where=Where((), ("method",))) == []


@pytest.mark.parametrize("content", [None, b"", b"this is not a database at all, not even nearly"])
def test_an_unreadable_file_is_broken(tmp_path, content):
    file = tmp_path / "catalogue.sqlite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(IndexBroken, match="Index again"):
        Catalogue.open(file)


def test_what_cannot_be_written_is_told(tmp_path):
    with (
        contextlib.closing(Catalogue.create(tmp_path / "c.sqlite")) as catalogue,
        pytest.raises(IndexBroken, match="cannot be written"),
    ):
        catalogue.add([RATE, RATE])


def test_a_full_disk_is_told_from_damage(file):
    with contextlib.closing(Catalogue.open(file)) as catalogue:
        pages = catalogue._connection.execute("PRAGMA page_count").fetchone()[0]
        catalogue._connection.execute(f"PRAGMA max_page_count = {pages}")
        many = [make_document("CommonModule.М.Метод", path=f"{n}.bsl") for n in range(5000)]
        with pytest.raises(NoRoom, match="RAG_DATA_DIR"):
            catalogue.add(many, revision=2)
    with contextlib.closing(CatalogueReader.open(file)) as reader:
        assert len(reader.versions()) == 5


def test_revisions_hang_on_files(file):
    changed = make_document("Catalog.Валюты", path="Catalogs/Валюты.xml", doc_type="metadata_object", synonym="Деньги")
    with contextlib.closing(Catalogue.open(file)) as catalogue:
        catalogue.replace(FileState(RATE.path), [YO], problems=[Problem(RATE.path, "cut")], revision=2)
        catalogue.replace(FileState(changed.path), [changed], revision=2)
        catalogue.seal()
        old, new = catalogue.at(1), catalogue.at(2)
        assert (len(old.versions()), len(new.versions())) == (5, 2)
        assert (old.problems(), new.problems()) == ([], [Problem(RATE.path, "cut")])
        assert old.look_up("ПолучитьКурс", 10)
        assert not new.look_up("ПолучитьКурс", 10)
        assert new.of_kind("CommonModule") == old.of_kind("Catalog")[:0]
        assert set(new.states()) == {RATE.path, changed.path}
        catalogue.collect(1)
        catalogue.seal()
        assert (len(old.versions()), len(new.versions())) == (5, 5)
        catalogue.remove([RATE.path], revision=2)
        catalogue.seal()
        catalogue.collect(2)
        catalogue.seal()
        assert (len(old.versions()), len(new.versions())) == (0, 0)
        for table in ("files", "documents", "names", "problems"):
            assert catalogue._connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (0,)  # noqa: S608
        old.close()
        new.close()


def test_what_is_not_sealed_is_not_there(file):
    with contextlib.closing(Catalogue.open(file)) as catalogue:
        catalogue.remove([RATE.path], revision=2)
    with contextlib.closing(CatalogueReader.open(file, revision=2)) as reader:
        assert len(reader.versions()) == 5


KILLED = """
import sqlite3, sys, os
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 5")
connection.execute("BEGIN")
connection.execute("UPDATE documents SET text = hex(randomblob(20000))")
os._exit(9)
"""


def test_a_reader_opens_what_a_killed_writer_left_behind(file):
    """A journal that must be played back first, which a connection that may only read cannot do."""
    subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert file.with_name(f"{file.name}-journal").stat().st_size > 512
    with contextlib.closing(CatalogueReader.open(file)) as reader:
        assert reader.fetch([DocKey("trade", RATE.doc_id)])[DocKey("trade", RATE.doc_id)] == RATE


def test_readers_change_nothing(file):
    with contextlib.closing(CatalogueReader.open(file)) as reader, pytest.raises(sqlite3.OperationalError):
        reader._connection.execute("DELETE FROM documents")


def test_names_of_other_kinds_are_filtered_out(catalogue):
    assert catalogue.look_up("Валюты", 10, where=Where(("trade",), (), ("Document",))) == []
    assert catalogue.look_up("Валюты", 10, where=Where(("trade",), (), ("Document", "Catalog"))) == [
        DocKey("trade", "Catalog.Валюты")
    ]
    assert catalogue.kinds() == {"CommonModule": 2, "Catalog": 3}


def test_a_large_update_does_not_keep_readers_out(file):
    catalogue = Catalogue.open(file)
    for n in range(40):  # 8 MB, four times what SQLite keeps in memory unless it is told otherwise
        catalogue.add([make_document(f"CommonModule.М{n}.Метод", path=f"М{n}.bsl", text="ъ" * 100_000)], revision=2)
    with contextlib.closing(catalogue.at(1)) as reader:
        assert len(reader.versions()) == 5
    catalogue.seal()
    with contextlib.closing(catalogue.at(2)) as reader:
        assert len(reader.versions()) == 45
    catalogue.close()


def test_a_file_that_is_locked_is_busy_not_broken(file, monkeypatch):
    monkeypatch.setattr(catalogue_tables, "WAIT_S", 0.0)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(IndexBusy, match="Try again"):
            CatalogueReader.open(file)
