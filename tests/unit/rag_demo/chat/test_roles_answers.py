"""Answers on roles and rights, and what asks for them."""

from __future__ import annotations

import dataclasses
import re

import pytest

from rag_demo.chat.asked import what_is_asked
from rag_demo.ingest.facts import Relation
from rag_demo.ingest.rights import ALL_OBJECTS
from tests.unit.rag_demo.chat.bundle import answer

SALE = "Document.РеализацияТоваров"


def roles(text):
    return re.findall(r"^  • Role\.(\w+)", text, re.MULTILINE)


def test_roles_with_rights_to_everything_are_listed_too(facts):
    text = answer(facts, "Какие роли имеют доступ к справочнику Валюты?", "Catalog.Валюты").text
    assert roles(text) == ["ПолныеПрава"]
    assert "  • Role.ПолныеПрава: все права [2]" in text


@pytest.mark.parametrize(
    ("question", "name", "expected"),
    [
        ("кто может удалять справочник Контрагенты", "Catalog.Контрагенты", ["ПолныеПрава"]),
        ("Кто может проводить РеализацияТоваров?", SALE, ["МенеджерПродаж", "ПолныеПрава"]),
        ("who may read catalog Контрагенты?", "Catalog.Контрагенты", ["Бухгалтер", "МенеджерПродаж", "ПолныеПрава"]),
        ("Кто имеет права на перечисление СтатусыЗаказов?", "Enum.СтатусыЗаказов", []),
    ],
)
def test_only_roles_with_the_right_that_is_asked_for(facts, question, name, expected):
    assert roles(answer(facts, question, name).text) == expected


class Denying:
    """The facts, and a role with rights to everything but to what it denies."""

    def __init__(self, facts, denied):
        self._facts = facts
        role = next(one for one in facts.relations_to(ALL_OBJECTS, "right"))
        self._denials = [dataclasses.replace(role, kind="denial", target=SALE, detail=denied)]

    def __getattr__(self, name):
        return getattr(self._facts, name)

    def relations_to(self, name, kind) -> list[Relation]:
        return self._denials if (name, kind) == (SALE, "denial") else self._facts.relations_to(name, kind)

    def relations_from(self, name, kind) -> list[Relation]:
        wanted = kind == "denial" and name == "Role.ПолныеПрава"
        return self._denials if wanted else self._facts.relations_from(name, kind)


def test_what_is_denied_is_left_out_or_told(facts):
    question = "Кто может удалять документ РеализацияТоваров?"
    assert roles(answer(Denying(facts, "Удаление"), question, SALE).text) == []
    text = answer(Denying(facts, "Удаление"), "Какие роли дают доступ к документу РеализацияТоваров?", SALE).text
    assert "  • Role.ПолныеПрава: все права, кроме: Удаление [" in text
    text = answer(Denying(facts, "Удаление"), "Какие права у роли ПолныеПрава?", "Role.ПолныеПрава").text
    assert f"запреты: 1\n  • {SALE}: Удаление [" in text


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("кто может подсказать, как считается скидка по карте?", None),
        ("Кто может объяснить справочник Склады?", None),
        ("who has written catalog Склады", None),
        ("who can tell me about catalog Склады", None),
        ("Кто имеет доступ к справочнику Валюты?", "roles"),
        ("who has access to catalog Валюты", "roles"),
        ("Какие роли имеют право на удаление документа?", "deleters"),
        ("which roles can edit the document ЗаписьКалендаря", "changers"),
        ("Какие роли имеют доступ к документу Ввод остатков?", "roles"),
        ("Какие роли не имеют доступа к справочнику Валюты?", None),
        ("Какие документы движут регистр ТоварыНаСкладах?", "movers"),
        ("Какие документы не делают движения по регистру ТоварыНаСкладах?", None),
    ],
)
def test_what_asks_for_roles_and_other_links(question, wanted):
    assert what_is_asked(question).relations == wanted
