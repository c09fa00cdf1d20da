from __future__ import annotations

import pytest

from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.whole import Telling, join_parts
from rag_demo.testing import make_document


def part(first, last, name="Catalog.Контрагенты", **changes):
    lines = "\n".join(f"строка {number}" for number in range(first, last + 1))
    values = {
        "doc_id": f"{name}:{first}",
        "line_start": first,
        "line_end": last,
        "text": lines,
        "body": f"тело {first}",
    }
    kind = {"doc_type": "metadata_object", "path": "Catalogs/Контрагенты.xml"}
    return make_document(name, **values | kind | changes)


PARTS = [part(3, 9), part(10, 12), part(13, 20)]


@pytest.mark.parametrize("seed", PARTS)
def test_any_part_leads_to_the_whole(seed):
    whole, ids = join_parts(seed, reversed(PARTS))
    assert (whole.line_start, whole.line_end) == (3, 20)
    assert whole.text == part(3, 20).text
    assert whole.body == "тело 3\nтело 10\nтело 13"
    assert ids == {document.doc_id for document in PARTS}


@pytest.mark.parametrize(
    "stranger",
    [
        part(22, 30),
        part(15, 22, doc_id="overlap"),
        part(21, 30, path="Catalogs/Другие.xml"),
        part(21, 30, doc_type="help"),
    ],
)
def test_what_does_not_continue_it_is_left_out(stranger):
    whole, ids = join_parts(PARTS[0], [*PARTS, stranger])
    assert whole.line_end == 20
    assert stranger.doc_id not in ids


def test_alone():
    assert join_parts(PARTS[1], []) == (PARTS[1], {PARTS[1].doc_id})


HEAD = part(3, 9, body="Справочник Контрагенты\nКомментарий: устарел\nТип кода: Строка\nТипы значений: Строка")
MEMBERS = part(30, 40, body="Реквизит ИмяПользователя: Строка(100)\nРеквизит Комментарий: Строка(0)")
LATER = part(41, 50, body="Реквизит Пользователь: СправочникСсылка.Пользователи")
OTHERS = part(70, 80, body="Реквизит ИмяПользователяСервера: Число")


def shown(question, *found):
    telling = Telling([OTHERS, LATER, MEMBERS, HEAD], analyse_question(question))
    return [document and document.line_start for document in map(telling.show, found)]


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("тип реквизита Комментарий", 30),
        ("реквизит Пользователь", 30),
        ("type of the attribute Комментарий", 30),
        ("типы и план реквизита Комментарий", 30),
    ],
)
def test_the_piece_that_tells_what_was_asked_for_stands_where_any_was_found(asked, first):
    assert shown(f"{asked} у справочника Контрагенты", HEAD.doc_id)[0] == first


def test_each_piece_is_shown_once_for_each_that_was_found():
    found = [LATER.doc_id, OTHERS.doc_id, MEMBERS.doc_id, HEAD.doc_id]
    assert shown("какого типа код справочника Контрагенты", *found) == [3, 30, None, 70]
