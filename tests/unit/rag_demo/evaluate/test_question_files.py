"""Files of questions that users write: what is read, what is refused, and golds that are not there."""

from __future__ import annotations

import pytest

from rag_demo.errors import InputError
from rag_demo.evaluate.cases import make_case, read_cases
from rag_demo.evaluate.missing import missing_golds, told
from rag_demo.testing import make_document


@pytest.fixture
def read(tmp_path):
    def written(text):
        file = tmp_path / "вопросы.yaml"
        file.write_text(text, encoding="utf-8")
        return [(case.question, case.kind, case.gold) for case in read_cases(file)]

    return written


def test_questions_with_paraphrases_and_without_an_answer(read):
    first = "- question: Как узнать курс?\n  gold: [Catalog.Валюты]\n  paraphrases: [курс]"
    assert read(f"questions:\n{first}\n- question: Погода?\n") == [
        ("Как узнать курс?", "own", ("Catalog.Валюты",)),
        ("курс", "own", ("Catalog.Валюты",)),
        ("Погода?", "unanswerable", ()),
    ]


def test_one_text_is_a_list_of_one_and_kinds_may_be_russian(read):
    text = "questions:\n- {question: курс, gold: Справочник.Валюты, paraphrases: валюта}"
    assert read(text) == [("курс", "own", ("Catalog.Валюты",)), ("валюта", "own", ("Catalog.Валюты",))]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no list"),
        ("questions: 5", "no list"),
        ("questions: {a: 1}", "no list"),
        ("- a", "no list"),
        ("a: [", "line 1"),
        ("questions: [5]", "number 1 has no text"),
        ("questions: [{gold: [a]}]", "number 1 has no text"),
        ("questions: [{question: ' ', gold: [a]}]", "number 1 has no text"),
        ("questions: [{question: a}, {question: b, golds: [a]}]", "number 2 has golds"),
        ("questions: [{question: a, gold: [5]}]", "gold of number 1"),
        ("questions: [{question: a, gold: {b: c}}]", "gold of number 1"),
        ("questions: [{question: a, paraphrases: [[b]]}]", "paraphrases of number 1"),
    ],
)
def test_what_is_no_list_of_questions(read, text, said):
    with pytest.raises(InputError, match=f"(?s){said}.*Expected"):
        read(text)


def test_files_that_cannot_be_read(tmp_path):
    for file in (tmp_path / "нет.yaml", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_cases(file)
    (tmp_path / "двоичный").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="Expected"):
        read_cases(tmp_path / "двоичный")


DOCUMENTS = [
    make_document("CommonModule.Цены.ПолучитьЦену"),
    make_document("Catalog.Валюты", doc_type="metadata_object", text="<Name>Курс</Name>"),
    make_document("Catalog.Валюты", doc_type="metadata_object", text="<Name>Код</Name>"),
]


def test_golds_that_nothing_answers_to():
    there = ["CommonModule.Цены.ПолучитьЦену", "Catalog.Валюты", "Catalog.Валюты.Attribute.Код"]
    gone = ["CommonModule.Цены.ПолучитьЦены", "Catalog.Валюта", "Catalog.Валюты.Attribute.Наценка", "Ракета"]
    missing = missing_golds([make_case("1", "?", "own", there), make_case("2", "?", "own", gone)], DOCUMENTS)
    assert missing == gone
    names = [document.full_name for document in DOCUMENTS]
    assert told(missing, names).split("\n") == [
        "  CommonModule.Цены.ПолучитьЦены (nearest: CommonModule.Цены.ПолучитьЦену)",
        "  Catalog.Валюта (nearest: Catalog.Валюты)",
        "  Catalog.Валюты.Attribute.Наценка (nearest: Catalog.Валюты)",
        "  Ракета",
    ]
    assert told(["Ракета"] * 12, names).endswith("and 2 more")
