"""Answers on what an object has and has not, what lacks something, and how many there are."""

from __future__ import annotations

import pytest

from rag_demo.chat.asked import Asked, what_is_asked
from rag_demo.chat.extractive import overview
from tests.unit.rag_demo.chat.bundle import answer

ORDER = "Document.ЗаказПокупателя"


@pytest.mark.parametrize(
    "question",
    [
        "в каких документах нет реквизита Валюта?",
        "какие документы не имеют реквизита Склад?",
        "какие документы без реквизита Склад?",
        "документы без реквизита Склад",
        "which catalogs have no attribute ИНН",
        "which catalogs do not have attribute ИНН",
        "which catalogs don't have the attribute ИНН",
    ],
)
def test_what_lacks_something_is_no_list_of_what_has_it(facts, question):
    assert what_is_asked(question) == Asked(lacking=True)
    text = answer(facts, question, "Document.РеализацияТоваров").text
    assert "Где есть" not in text
    assert "Objects that have" not in text


@pytest.mark.parametrize(
    "question",
    [
        "Почему у справочника Валюты нет реквизита КПП?",
        "в каких документах есть реквизит Склад или нет?",
        "Какие поля у документа ОплатаБезНДС?",
    ],
)
def test_no_question_for_what_lacks_something(question):
    assert not what_is_asked(question).lacking


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Какие из методов модуля Х не экспортные?", Asked(methods=True, unexported=True)),
        ("Какие неэкспортные методы в модуле Х?", Asked(methods=True, unexported=True)),
        ("which functions of the module Х are not exported", Asked(methods=True, unexported=True)),
        ("Какие экспортные методы в модуле Х?", Asked(methods=True, exported=True)),
        ("устаревшие методы модуля Х", Asked(methods=True, deprecated=True)),
        ("deprecated functions of module Х", Asked(methods=True, deprecated=True)),
        ("Какие не устаревшие методы в модуле Х?", Asked(methods=True)),
        ("методы модуля Х", Asked(methods=True)),
        ("методы модуля менеджера справочника Х", Asked(methods=True, module="ManagerModule")),
    ],
)
def test_which_methods_are_asked_for(question, wanted):
    assert what_is_asked(question) == wanted


@pytest.mark.parametrize(
    ("question", "members"),
    [
        ("какие формы у перечисления СтатусыЗаказов", ("form",)),
        ("какие команды у справочника ЕдиницыИзмерения", ("command",)),
        ("какие измерения у РегистрНакопления.ТоварыНаСкладах", ("dimension",)),
    ],
)
def test_the_name_of_an_object_is_no_wish(question, members):
    assert what_is_asked(question).members == members


def test_the_name_of_a_tabular_section_may_have_several_words():
    asked = what_is_asked("какие реквизиты в табличной части ДополнительныеРасходы")
    assert asked.section == "дополнительныерасходы"


@pytest.mark.parametrize(
    ("question", "names", "said"),
    [
        (
            "какие ресурсы у справочника Валюты",
            ["Catalog.Валюты", "InformationRegister.КурсыВалют"],
            "У Catalog.Валюты нет того, о чём вы спрашиваете (ресурсы).",
        ),
        (
            "есть ли измерения у справочника Контрагенты",
            ["AccumulationRegister.ТоварыНаСкладах", "Catalog.Контрагенты"],
            "У Catalog.Контрагенты нет того, о чём вы спрашиваете (измерения).",
        ),
        (
            "какие табличные части у справочника Валюты",
            ["Catalog.Валюты", ORDER],
            "У Catalog.Валюты нет того, о чём вы спрашиваете (табличные части).",
        ),
    ],
)
def test_of_an_object_that_is_named_nothing_else_is_told(facts, question, names, said):
    text = answer(facts, question, *names).text
    assert said in text
    assert "\n|" not in text


@pytest.mark.parametrize("field", ["ПустаяСсылка", "EmptyRef", "Представление", "ВерсияДанных", "НайтиПоКоду"])
def test_what_the_platform_gives_is_not_said_to_be_missing(facts, field):
    assert "нет ничего" not in answer(facts, f"Что такое Справочник.Валюты.{field}?", "Catalog.Валюты").text


def test_a_dotted_name_that_is_not_there_is_said_not_to_be(facts):
    assert "«Нету»" in answer(facts, "Что такое Справочник.Валюты.Нету?", "Catalog.Валюты").text


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("сколько табличных частей у документа ЗаказПокупателя", "\nТабличные части: 1\n"),
        ("сколько реквизитов в табличной части Товары документа ЗаказПокупателя", "\nТабличная часть Товары: 8\n"),
    ],
)
def test_how_many_there_are(facts, question, line):
    assert line in answer(facts, question, ORDER).text


def test_any_register_may_have_a_dimension(facts):
    text = answer(facts, "В каких регистрах есть измерение Склад?", "AccumulationRegister.ТоварыНаСкладах").text
    assert text.startswith("Где есть «Склад»: 4\n")
    assert "  • InformationRegister.ДоступКСкладам — " in text
    assert "Document." not in text


def test_a_number_that_was_cut_off_is_the_least(facts, monkeypatch):
    monkeypatch.setattr(overview, "_MOST_FOUND", 5)
    text = answer(facts, "В каких объектах есть реквизит Склад?", ORDER).text
    assert text.startswith("Где есть «Склад»: не менее ")
