"""The whole path with the real model and the bundled configuration, without network; every citation is checked."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from rag_demo import cli
from rag_demo.commands import DEMO_QUESTIONS
from rag_demo.configurations import bundled

ANSWERABLE = [
    ("Какой функцией получить курс валюты на дату?", "CommonModule.РаботаСКурсамиВалют.ПолучитьКурсВалюты"),
    ("как пересчитать сумму из одной валюты в другую", "CommonModule.РаботаСКурсамиВалют.ПересчитатьВВалюту"),
    ("Какие реквизиты у справочника Контрагенты?", "Catalog.Контрагенты"),
    ("Где проверяется лимит задолженности?", "CommonModule.ВзаиморасчетыСервер.ПроверитьЛимитЗадолженности"),
    ("Как рассчитать сумму НДС?", "CommonModule.УчетНДСКлиентСервер.РассчитатьСуммуНДС"),
    ("Какие значения у перечисления СтатусыЗаказов", "Enum.СтатусыЗаказов"),
    ("РаботаСКурсамиВалют.УстановитьКурсВалюты", "CommonModule.РаботаСКурсамиВалют.УстановитьКурсВалюты"),
    ("Справочники.Валюты.ЗависимыеВалюты", "Catalog.Валюты.ManagerModule.ЗависимыеВалюты"),
]
UNANSWERABLE = [
    "Какая погода в Москве?",
    "Как рассчитать заработную плату сотрудника?",
    "Какие реквизиты у справочника Самолёты?",
    "How do I train a neural network?",
]
_PLACE = re.compile(r"^    \[(\d+)\] (.+):(\d+)-(\d+)$", re.MULTILINE)
_QUOTE = re.compile(r"((?:^    \|.*\n)+)^    \[(\d+)\] (.+):(\d+)-(\d+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def indexed(data, model_cache):
    """The bundled configuration, indexed once with the real model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_DATA_DIR", str(data))
        patch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
        assert cli.main(["index", str(bundled()), "--space", "маяк"]) == 0
    return data


@pytest.fixture
def ask(indexed, monkeypatch, capsys):
    monkeypatch.setenv("RAG_DATA_DIR", str(indexed))

    def ask(question, *options):
        assert cli.main(["ask", question, "--space", "маяк", "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


def lines_of(path, first, last):
    text = (bundled() / path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    return "\n".join(text.split("\n")[first - 1 : last])


def assert_citations_hold(answer):
    assert [source["n"] for source in answer["sources"]] == list(range(1, len(answer["sources"]) + 1))
    for source in answer["sources"]:
        assert "\\" not in source["path"]
        assert source["text"] == lines_of(source["path"], source["line_start"], source["line_end"])
    for number, path, first, last in _PLACE.findall(answer["answer"]):
        source = answer["sources"][int(number) - 1]
        assert path == source["path"]
        assert source["line_start"] <= int(first) <= int(last) <= source["line_end"]
    for quoted, _, path, first, last in _QUOTE.findall(answer["answer"]):
        text = "\n".join(line.removeprefix("    | ") for line in quoted.rstrip("\n").split("\n"))
        assert text == lines_of(path, int(first), int(last))


def test_the_network_is_blocked():
    outside = ("192.0.2.1", 80)  # RFC 5737: belongs to nobody
    with (
        socket.socket() as connection,
        pytest.warns(UserWarning, match="socket"),
        pytest.raises(SocketConnectBlockedError),
    ):
        connection.connect(outside)


@pytest.mark.parametrize(("question", "expected"), ANSWERABLE)
def test_the_right_thing_comes_first_and_every_citation_holds(ask, question, expected):
    answer = ask(question)
    assert not answer["refused"]
    assert answer["degraded"] == []
    assert answer["sources"][0]["full_name"] == expected
    assert len(_PLACE.findall(answer["answer"])) >= 1
    assert_citations_hold(answer)


@pytest.mark.parametrize("question", UNANSWERABLE)
def test_what_the_configuration_does_not_know_is_refused(ask, question):
    answer = ask(question)
    assert answer["refused"]
    assert answer["sources"] == []


def test_filters_and_number_of_sources(ask):
    answer = ask("валюта", "--doc-type", "metadata_object", "--doc-type", "form", "--top-k", "7")
    assert len(answer["sources"]) == 7
    assert {source["doc_type"] for source in answer["sources"]} <= {"metadata_object", "form"}
    assert_citations_hold(answer)


def test_at_most_two_sources_of_one_object_among_the_first_five(ask):
    for question in ("курс валюты", "цена товара", "документ реализация"):
        owners = [".".join(source["full_name"].split(".")[:2]) for source in ask(question)["sources"][:5]]
        assert all(owners.count(owner) <= 2 for owner in owners)


def test_demo_answers_its_questions_and_indexes_only_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "demo"))
    assert cli.main(["demo"]) == 0
    first = capsys.readouterr()
    assert "Indexed" in first.out
    assert all(question in first.out for question in DEMO_QUESTIONS)
    assert "не нашёл" not in first.out
    assert "rag-demo ask" in first.out
    for quoted, _, path, start, end in _QUOTE.findall(first.out):
        text = "\n".join(line.removeprefix("    | ") for line in quoted.rstrip("\n").split("\n"))
        assert text == lines_of(path, int(start), int(end))

    (current,) = (tmp_path / "demo").glob("spaces/*/current.json")
    before = current.read_bytes()
    assert cli.main(["demo"]) == 0
    assert "Indexed" not in capsys.readouterr().out
    assert current.read_bytes() == before


def test_demo_writes_nowhere_but_to_its_folders(tmp_path, monkeypatch, capsys):
    before = {file: file.stat().st_mtime_ns for file in Path(bundled()).rglob("*")}
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "demo"))
    assert cli.main(["demo"]) == 0
    assert {file: file.stat().st_mtime_ns for file in Path(bundled()).rglob("*")} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["demo"]
