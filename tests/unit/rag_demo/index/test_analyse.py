from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.index.analyse import fold, is_compound, natural, split_identifier, stem, terms

LETTERS = st.text("абвгёжАБВЁЖabcxyzABCXYZ019_ .,«»\n", max_size=60)


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("ПолучитьКурсВалюты", ["Получить", "Курс", "Валюты"]),
        ("HTTPСоединение", ["HTTP", "Соединение"]),
        ("HTTPConnection", ["HTTP", "Connection"]),
        ("ДанныеВXML", ["Данные", "В", "XML"]),
        ("JSONВXML", ["JSON", "В", "XML"]),
        ("НДФЛСотрудников", ["НДФЛ", "Сотрудников"]),
        ("XDTO2Пакет", ["XDTO", "2", "Пакет"]),
        ("get_user_id", ["get", "user", "id"]),
        ("ЁлкаЁж", ["Ёлка", "Ёж"]),
        ("слово", ["слово"]),
        ("ОКОПФ", ["ОКОПФ"]),
        ("", []),
    ],
)
def test_split_identifier(identifier, parts):
    assert split_identifier(identifier) == parts


def test_whole_identifier_comes_with_its_parts():
    assert terms("ПолучитьКурсВалюты") == ["#получитькурсвалюты", "получ", "курс", "валют"]


def test_dotted_name_gives_both_names():
    assert {"#работаскурсамивалют", "#получитькурсвалюты"} < set(terms("РаботаСКурсамиВалют.ПолучитьКурсВалюты"))


@pytest.mark.parametrize(
    ("question", "identifier"),
    [
        ("получение курсов валют", "КурсВалюты"),
        ("остатки товаров на складах", "ОстатокТовараНаСкладе"),
        ("sending queries", "SendQuery"),
        ("учёт", "УчетТоваров"),
    ],
)
def test_inflected_words_meet_the_identifier(question, identifier):
    assert set(terms(question)) & set(terms(identifier)) - {"#" + fold(identifier)}


@pytest.mark.parametrize("word", ["data", "info", "query", "module", "foo"])
def test_latin_words_are_not_cut_by_the_russian_stemmer(word):
    assert stem(word)[:3] == word[:3]
    assert stem(word) != "dat"


def test_yo_and_case_and_composition_do_not_matter():
    assert terms("Ёлка") == terms("елка") == terms("ЕЛКА")
    assert terms(unicodedata.normalize("NFD", "Йод")) == terms("Йод")


@pytest.mark.parametrize(("slip", "meant"), [("будeт", "будет"), ("видимоcть", "видимость"), ("сеpвер", "сервер")])
def test_latin_look_alikes_in_cyrillic_words_are_mended(slip, meant):
    assert set(terms(meant)) <= set(terms(slip))


def test_single_latin_capital_between_cyrillic_parts_is_mended():
    assert "#телефонсномером" in terms("ТелефонCНомером")


@pytest.mark.parametrize("name", ["COMОбъект", "JSONВXML", "HTTPСоединение"])
def test_acronyms_beside_cyrillic_are_no_slips(name):
    assert sum(term.startswith("#") for term in terms(name)) == 1


def test_keywords_vanish_from_code_only():
    assert terms("Возврат Цена; КонецФункции", code=True) == terms("Цена")
    assert "возврат" in terms("как оформить возврат")


def test_function_words_and_lone_letters_vanish():
    assert terms("а как это и где в на") == []
    assert "с" not in terms("РаботаСКурсами")


def test_encoded_data_is_left_out():
    assert terms("ж" * 500) == []


@pytest.mark.parametrize(("name", "expected"), [("КурсВалюты", "курс валюты"), ("ДанныеВXML", "данные в XML")])
def test_natural(name, expected):
    assert natural(name) == expected


@pytest.mark.parametrize(
    ("word", "compound"), [("КурсВалюты", True), ("Курс", False), ("user_id", True), ("ИНН", False)]
)
def test_is_compound(word, compound):
    assert is_compound(word) is compound


@given(LETTERS)
def test_splitting_loses_no_letter(text):
    word = "".join(character for character in text if character.isalnum())
    assert "".join(split_identifier(word)) == word


@given(LETTERS)
def test_terms_are_folded_and_repeatable(text):
    found = terms(text)
    assert all(term == fold(term) and term for term in found)
    assert found == terms(text)
    assert set(terms(text, code=True)) <= set(found)


@given(st.text(max_size=200))
def test_any_text_can_be_analysed(text):
    assert all(len(term) <= 200 for term in terms(text))


@given(st.lists(st.sampled_from(["Курс", "Валюты", "HTTP", "Запрос", "Data", "XML", "НДС"]), min_size=2, max_size=5))
def test_the_identifier_has_every_term_of_its_words(words):
    assert set(terms(" ".join(words))) <= set(terms("_".join(words)))
