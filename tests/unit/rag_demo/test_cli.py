"""The command line as a user meets it: real indexes and a real reader; the model is a stand-in.

`tests/e2e` runs it with the real model.
"""

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import sys

import pytest

from rag_demo import cli, wiring
from rag_demo.index.store import SpaceStore
from rag_demo.testing import WordEmbedder

CONFIGURATION = """<?xml version="1.0" encoding="UTF-8"?>
<MetaDataObject xmlns="http://v8.1c.ru/8.3/MDClasses" version="2.17">
	<Configuration uuid="00000000-0000-0000-0000-000000000001">
		<Properties><Name>Лавка</Name><Version>1.0</Version></Properties>
		<ChildObjects><CommonModule>Цены</CommonModule><Catalog>Товары</Catalog></ChildObjects>
	</Configuration>
</MetaDataObject>
"""
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<MetaDataObject xmlns="http://v8.1c.ru/8.3/MDClasses" version="2.17">
	<CommonModule uuid="00000000-0000-0000-0000-000000000002">
		<Properties><Name>Цены</Name><Server>true</Server></Properties>
	</CommonModule>
</MetaDataObject>
"""
CODE = """// Возвращает цену товара на дату.
Функция ПолучитьЦену(Товар, Дата) Экспорт
	Возврат 1;
КонецФункции
"""


@pytest.fixture
def dump(tmp_path):
    root = tmp_path / "выгрузка"
    (root / "CommonModules" / "Цены" / "Ext").mkdir(parents=True)
    (root / "Configuration.xml").write_text(CONFIGURATION, encoding="utf-8")
    (root / "CommonModules" / "Цены.xml").write_text(MODULE, encoding="utf-8")
    (root / "CommonModules" / "Цены" / "Ext" / "Module.bsl").write_text(CODE, encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    """Put the stand-in where the real model would be built: this file is about the command line."""
    monkeypatch.setattr(wiring, "build_embedder", WordEmbedder)


@pytest.fixture
def run(capsys):
    def run(*arguments):
        try:
            status = cli.main([str(argument) for argument in arguments])
        except SystemExit as leaving:  # argparse
            status = leaving.code
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture
def indexed(run, dump):
    assert run("index", dump, "--space", "лавка")[0] == 0


def assert_refused(result, message):
    status, out, err = result
    assert status == 2
    assert message in err
    assert out == ""
    assert "Traceback" not in err


def test_index_reports_what_it_read(run, dump):
    status, out, err = run("index", dump, "--space", "лавка")
    assert status == 0
    assert "Indexed Лавка 1.0 as space 'лавка'" in out
    assert "1 method" in out
    assert "indexing words      [####" in err


def test_ask_prints_an_answer_with_sources(run, indexed):
    status, out, err = run("ask", "Как получить цену товара?")
    assert (status, err) == (0, "")
    assert "[1] CommonModules/Цены/Ext/Module.bsl:1-4  CommonModule.Цены.ПолучитьЦену" in out


def test_ask_json_prints_one_object(run, indexed, dump):
    status, out, _ = run("ask", "Как получить цену товара?", "--json", "--doc-type", "method", "--top-k", "1")
    assert status == 0
    assert out.count("\n") == 1
    answer = json.loads(out)
    assert list(answer)[:6] == ["question", "answer", "refused", "degraded", "sources", "timings_ms"]
    (source,) = answer["sources"]
    lines = (dump / source["path"]).read_text(encoding="utf-8").split("\n")
    assert source["text"] == "\n".join(lines[source["line_start"] - 1 : source["line_end"]])


def test_a_question_can_come_from_standard_input(run, indexed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Как получить цену товара?\n"))
    assert "ПолучитьЦену" in run("ask", "-")[1]


def test_a_chat_is_a_conversation(run, indexed, monkeypatch):
    lines = ["Как получить цену товара?", "А какие параметры?", "new", "А какие параметры?"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    status, out, err = run("chat", "--space", "лавка")
    assert status == 0
    assert err.count("(asked as: какие параметры у ") == 1
    assert out.count("Функция CommonModule.Цены.ПолучитьЦену — ") == 2  # a refusal names it, too, in a line


def test_chat_answers_until_exit(run, indexed, monkeypatch):
    lines = ["help", "", "Как получить цену товара?", "x" * 10_000, "Как дрессировать бегемота?", "exit", "never"]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    status, out, err = run("chat", "--space", "лавка")
    assert status == 0
    assert "CommonModule.Цены.ПолучитьЦену" in out
    assert "не нашёл" in out
    assert "10,000 bytes" in err
    assert "never" not in out


def test_chat_ends_with_its_input(run, indexed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("chat")[0] == 0


def test_chat_ends_where_input_is_closed(run, indexed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert run("chat")[0] == 0


def test_ctrl_c_ends_the_chat_quietly(run, indexed, monkeypatch):
    def interrupted(_prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.input", interrupted)
    status, _, err = run("chat")
    assert (status, err) == (0, "")


# ------------------------------------------------------------------ bad input


def test_a_folder_that_is_no_dump(run, tmp_path):
    folder = tmp_path / "фото"
    folder.mkdir()
    (folder / "кот.jpg").write_bytes(b"\xff\xd8")
    assert_refused(run("index", folder, "--space", "x"), "Configuration.xml")


def test_an_empty_folder(run, tmp_path):
    folder = tmp_path / "пусто"
    folder.mkdir()
    assert_refused(run("index", folder, "--space", "x"), "пусто")


def test_a_folder_that_does_not_exist(run, tmp_path):
    assert_refused(run("index", tmp_path / "нет", "--space", "x"), "нет")


def test_a_file_instead_of_a_folder(run, dump):
    assert_refused(run("index", dump / "Configuration.xml", "--space", "x"), "Configuration.xml")


def test_nothing_is_written_for_what_cannot_be_indexed(run, tmp_path):
    run("index", tmp_path, "--space", "x")
    assert not (tmp_path / "rag-data").exists()


def test_a_broken_file_is_reported_and_the_rest_indexed(run, dump):
    (dump / "Catalogs").mkdir()
    (dump / "Catalogs" / "Товары.xml").write_text("<MetaDataObject><Catalog>", encoding="utf-8")
    status, out, err = run("index", dump, "--space", "лавка")
    assert status == 0
    assert "problem: Catalogs/Товары.xml" in err
    assert "1 method" in out


def test_a_file_in_cp1251_is_reported_and_everything_can_be_found(run, dump):
    old = dump / "CommonModules" / "Старый" / "Ext" / "Module.bsl"
    old.parent.mkdir(parents=True)
    old.write_bytes(CODE.replace("ПолучитьЦену", "СтараяЦена").encode("cp1251"))
    status, out, err = run("index", dump, "--space", "лавка")
    assert status == 0
    assert "problem: CommonModules/Старый/Ext/Module.bsl" in err
    assert "2 method" in out
    assert "CommonModule.Старый.СтараяЦена" in run("ask", "СтараяЦена")[1]


def test_no_index_yet(run):
    assert_refused(run("ask", "Как?"), "Nothing has been indexed")
    assert_refused(run("chat"), "rag-demo index DIR --space NAME")


def test_an_unknown_space_lists_the_known_ones(run, indexed):
    assert_refused(run("ask", "Как?", "--space", "склад"), "no space 'склад'. Known spaces: лавка")


@pytest.mark.parametrize("name", ["", "../x", "a/b"])
def test_a_space_that_cannot_be_called_so(run, dump, name):
    assert_refused(run("index", dump, "--space", name), "cannot be the name of a space")


@pytest.mark.parametrize("question", ["", "   ", "\n"])
def test_an_empty_question(run, indexed, question):
    assert_refused(run("ask", question), "question is empty")


def test_a_megabyte_of_question(run, indexed, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("x" * 2**20))
    assert_refused(run("ask", "-"), "1,048,576 bytes")


def test_a_question_that_is_no_text(run, indexed):
    assert_refused(run("ask", "\udcff\udcfe"), "not valid UTF-8")


@pytest.mark.parametrize(("kind", "names"), [("ОбщийМодуль", {"CommonModule"}), ("справочники", {"Catalog"})])
def test_only_objects_of_a_kind(run, indexed, kind, names):
    _, out, _ = run("ask", "Как получить цену товара?", "--json", "--kind", kind, "--top-k", "20")
    sources = json.loads(out)["sources"]
    assert {source["full_name"].partition(".")[0] for source in sources} <= names
    assert sources or kind == "справочники"


def test_a_wrong_kind(run, indexed):
    assert_refused(run("ask", "Как?", "--kind", "бегемот"), "is no kind of metadata object")


def test_a_wrong_doc_type(run, indexed):
    assert_refused(run("ask", "Как?", "--doc-type", "picture"), "invalid choice: 'picture'")


@pytest.mark.parametrize(("value", "message"), [("0", "out of range"), ("51", "1 to 50"), ("x", "not a whole number")])
def test_a_wrong_top_k(run, indexed, value, message):
    assert_refused(run("ask", "Как?", "--top-k", value), message)


def test_a_wrong_setting(run, indexed, monkeypatch):
    monkeypatch.setenv("RAG_TOP_K", "many")
    assert_refused(run("ask", "Как?"), "RAG_TOP_K='many' is not a number")


def test_no_command(run):
    assert_refused(run(), "COMMAND")


def test_a_damaged_index(run, indexed, tmp_path):
    _, folder = SpaceStore(tmp_path / "rag-data").require("лавка")
    (folder / "catalogue.sqlite").write_bytes(b"")
    assert_refused(run("ask", "Как?"), "Index again")


def test_the_data_folder_is_a_file(run, dump, tmp_path):
    (tmp_path / "rag-data").write_text("", encoding="utf-8")
    assert_refused(run("index", dump, "--space", "x"), "rag-data")


@pytest.mark.parametrize("command", [("demo",), ("index", "DUMP", "--space", "demo")])
def test_a_locale_that_cannot_spell_file_names(run, dump, tmp_path, monkeypatch, command):
    assert run("index", dump, "--space", "demo")[0] == 0
    before = SpaceStore(tmp_path / "rag-data").require("demo")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    assert_refused(run(*(dump if part == "DUMP" else part for part in command)), "PYTHONUTF8=1")
    assert SpaceStore(tmp_path / "rag-data").require("demo") == before


def test_remains_of_a_dump_do_not_replace_an_index(run, indexed, dump, tmp_path):
    before = SpaceStore(tmp_path / "rag-data").require("лавка")
    (dump / "Catalogs").mkdir()
    for number in range(9):
        (dump / "Catalogs" / f"Товары{number}.xml").write_text("<MetaDataObject><Catalog>", encoding="utf-8")
    assert_refused(run("index", dump, "--space", "лавка"), "could be read and 9 not, so it was not indexed")
    assert SpaceStore(tmp_path / "rag-data").require("лавка") == before


def test_a_damaged_manifest_costs_its_own_space_only(run, indexed, dump, tmp_path):
    assert run("index", dump, "--space", "другая")[0] == 0
    _, folder = SpaceStore(tmp_path / "rag-data").require("другая")
    (folder.parent / "current.json").write_text("{", encoding="utf-8")
    assert "ПолучитьЦену" in run("ask", "цена товара", "--space", "лавка")[1]
    assert "ПолучитьЦену" in run("ask", "цена товара")[1]
    assert_refused(run("ask", "цена товара", "--space", "другая"), "Index this space again")
    assert run("index", dump, "--space", "другая")[0] == 0
    assert "ПолучитьЦену" in run("ask", "цена товара", "--space", "другая")[1]


# Whoosh leaves a file open that it fails to read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("pattern", "size"), [("*.toc", 0), ("*.toc", 40), ("*.seg", 0), ("*.seg", 300)])
def test_a_word_index_cut_short(run, indexed, tmp_path, pattern, size):
    _, folder = SpaceStore(tmp_path / "rag-data").require("лавка")
    for file in (folder / "lexical").glob(pattern):
        file.write_bytes(file.read_bytes()[:size])
    assert_refused(run("ask", "Как получить цену?"), "Index again")


def test_a_catalogue_whose_damage_shows_in_the_search(run, indexed, tmp_path):
    file = SpaceStore(tmp_path / "rag-data").require("лавка")[1] / "catalogue.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TABLE documents")
    assert_refused(run("ask", "Как получить цену?"), "Index again")


def test_a_server_without_its_libraries_names_the_command(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "rag_demo.web.server", raising=False)
    assert cli.main(["serve"]) == 2
    assert 'pip install "hybrid-embeddings[web]"' in capsys.readouterr().err
