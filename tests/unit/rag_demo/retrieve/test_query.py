from __future__ import annotations

import pytest

from rag_demo.index.analyse import terms
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds, words
from rag_demo.retrieve.query import analyse_question


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Справочники.Валюты", "Catalog.Валюты"),
        ("Справочник.Валюты.Код", "Catalog.Валюты.Код"),
        ("СправочникСсылка.Валюты", "Catalog.Валюты"),
        ("ДокументОбъект.Заказ", "Document.Заказ"),
        ("CatalogRef.Currencies", "Catalog.Currencies"),
        ("catalogs.Валюты", "Catalog.Валюты"),
        ("РегистрыСведений.КурсыВалют", "InformationRegister.КурсыВалют"),
        ("ОбщегоНазначения.Метод", "ОбщегоНазначения.Метод"),
        ("Справочники", "Справочники"),
    ],
)
def test_canonical_name(written, canonical):
    assert canonical_name(written) == canonical


@pytest.mark.parametrize(
    ("question", "kinds"),
    [
        ("реквизиты справочника Валюты", ["Catalog"]),
        ("в регистре сведений и в документах", ["InformationRegister", "Document"]),
        ("план видов характеристик", ["ChartOfCharacteristicTypes"]),
        ("РЕГИСТРЫ НАКОПЛЕНИЯ", ["AccumulationRegister"]),
        ("HTTP-сервисы", ["HTTPService"]),
        ("просто регистр", []),
        ("", []),
    ],
)
def test_spoken_kinds(question, kinds):
    assert [kind for kind, _ in spoken_kinds(words(question))] == kinds


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("что делает РаботаСКурсами.ПолучитьКурс?", ["РаботаСКурсами.ПолучитьКурс"]),
        ("справочник Виды цен", ["Catalog.Виды", "Catalog.Видыцен"]),
        ("реквизиты справочника Контрагенты", ["Catalog.Контрагенты"]),
        ("где вызывается ПолучитьЦену", ["ПолучитьЦену"]),
        ("получитьцену", ["получитьцену"]),
        ("Валюты", ["Валюты"]),
        ("как записать документ", []),
        ("как получить цену", []),
    ],
)
def test_names(question, names):
    assert sorted(analyse_question(question).names) == sorted(names)


def test_a_dotted_name_with_a_collection_is_looked_up_by_kind():
    assert "Catalog.Валюты.НайтиПоКоду" in analyse_question("Справочники.Валюты.НайтиПоКоду()").names


def test_words_that_ask_are_no_search_terms():
    query = analyse_question("Какой функцией получить цену?")
    assert query.terms == ("получ", "цен")
    assert query.wants == ("method",)


def test_a_question_of_nothing_but_such_words_keeps_them():
    assert analyse_question("какие функции?").terms == ("функц",)


def test_attributes_want_objects():
    assert analyse_question("какие реквизиты у номенклатуры").wants == ("metadata_object",)
    assert analyse_question("реквизит").terms == analyse_question("реквизитов").terms


def test_verbs_are_known():
    query = analyse_question("как проводится и загружает, получить реализация валюту печать документ")
    assert set(terms("проводится загружает получить")) <= query.actions
    assert not set(terms("реализация валюту документ")) & query.actions


@pytest.mark.parametrize("question", ["", "?!", "«»", "\0", "....", "_", "а.б.", "🙂"])
def test_odd_questions(question):
    assert analyse_question(question).text == question
