from __future__ import annotations

import unicodedata

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
        ("attributes of the catalog Контрагенты", ["Catalog"]),
        ("documents, information registers and a scheduled job", ["Document", "InformationRegister", "ScheduledJob"]),
        ("charts of accounts", ["ChartOfAccounts"]),
        ("HTTP services and catalogues", ["HTTPService", "Catalog"]),
        ("", []),
    ],
)
def test_spoken_kinds(question, kinds):
    assert [spoken.kind for spoken in spoken_kinds(words(question))] == kinds


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
        ("attributes of the catalog Контрагенты", ["Catalog.Контрагенты"]),
        ("attributes of the Контрагенты catalog", ["Catalog.Контрагенты"]),
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


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("Which attributes does the catalog Контрагенты have?", "Какие реквизиты у справочника Контрагенты?"),
        ("Dimensions of the information register КурсыВалют", "Измерения регистра сведений КурсыВалют"),
        ("Where is the function ПолучитьЦену?", "Где функция ПолучитьЦену?"),
    ],
)
def test_english_words_that_ask_act_like_the_russian_ones(english, russian):
    one, other = analyse_question(english), analyse_question(russian)
    assert sorted(one.terms) == sorted(other.terms)
    assert (one.kinds, one.wants) == (other.kinds, other.wants)


def test_a_question_in_decomposed_letters_is_the_same_question():
    text = "attributes of the catalog Займы"
    one, other = analyse_question(text), analyse_question(unicodedata.normalize("NFD", text))
    assert (one.terms, one.names) == (other.terms, other.names)


def test_english_words_that_the_index_has_more_often_stay_english():
    text = "set session parameters to the default value"
    english = dict.fromkeys(terms(text), 2)
    russian = dict.fromkeys(terms("параметры сеанса значение"), 1)
    assert analyse_question(text, lambda term: (english | russian).get(term, 0)).terms == tuple(terms(text))
    assert set(analyse_question(text, lambda term: russian.get(term, 0)).terms) >= set(russian)


def test_english_words_without_a_kind_stay_english():
    assert analyse_question("a function for prices").wants == ("method",)
    assert analyse_question("return the default value").terms == tuple(terms("return the default value"))
    assert analyse_question("how to send a document").terms == ("send", "document")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Какие роли есть в конфигурации?", "Role"),
        ("Какие HTTP-сервисы есть?", "HTTPService"),
        ("Сколько справочников?", "Catalog"),
        ("список регистров сведений", "InformationRegister"),
        ("List the scheduled jobs", "ScheduledJob"),
        ("Which documents are there?", "Document"),
        ("list all enumerations", "Enum"),
        ("какие рег. задания есть", "ScheduledJob"),
        ("Какие подсистемы входят в конфигурацию?", "Subsystem"),
        ("Что такое справочник?", ""),
        ("Какие роли у кладовщика?", ""),
        ("Какие документы и отчеты есть?", ""),
        ("справочник Контрагенты", ""),
    ],
)
def test_questions_for_a_list(question, kind):
    assert analyse_question(question).listed == kind


@pytest.mark.parametrize(
    ("question", "names", "asks"),
    [
        (
            "Какого типа РегистрСведений.Курсы.Курс?",
            ("InformationRegister.Курсы.Курс", "InformationRegister.Курсы"),
            True,
        ),
        ("Где РегистрыСведений.Курсы.НайтиКурс?", ("InformationRegister.Курсы.НайтиКурс",), False),
        ("Как заполнить измерение РегистрСведений.Курсы.Дата?", ("InformationRegister.Курсы.Дата",), False),
        ("Какого типа ОбщегоНазначения.Метод.Имя?", ("ОбщегоНазначения.Метод.Имя",), True),
        ("Какая процедура пишет измерение РегистрСведений.Курсы.Дата?", ("InformationRegister.Курсы.Дата",), False),
        ("Какого типа реквизит Метод?", (), True),
        ("What dimensions has the register?", (), True),
        ("", (), False),
    ],
)
def test_a_question_of_facts_names_the_object_of_a_member_too(question, names, asks):
    query = analyse_question(question)
    assert (query.names, query.asks_facts) == (names, asks)
