from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.index.analyse import stem
from rag_demo.retrieve.glossary import RUSSIAN, cyrillic
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.reading import Spelling, distance, read_as, with_other_words

WORDS = [
    *("реквизиты", "контрагенты", "валюты", "цена", "проверка", "штрихкода"),
    *("покупатель", "реализация", "контрагент", "token", "партия", "фифо"),
    *("слово", "закупки", "купон", "смена"),
]
KNOWN = {stem(word) for word in WORDS} | {stem("информационная"), stem("база")}


def counted(stems):
    return lambda stem: int(stem in stems)


def reading(text):
    return read_as(text, frequency=counted(KNOWN), spelling=lambda: Spelling(WORDS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("какие рекизиты у контрогента", "какие реквизиты у контрагенты"),
        ("курс волюты", "курс валюты"),
        ("price", "цена"),
        ("Where is FIFO?", "Where is ФИФО?"),
        ("proverka", "проверка"),
        ("token", "token"),
        ("продажа", "продажа"),
        ("снова одна цель", "снова одна цель"),
        ("закупали", "закупки"),
        ("ТОКЕН, ТО", "token, ТО"),
        ("купить сметы", "купить сметы"),
        ("бегемот в посудной лавке", "бегемот в посудной лавке"),
        ("ПолучитьКурсВолюты", "ПолучитьКурсВолюты"),
        ("штрих-код", "штрихкод"),
        ("печать штрих кода и цена", "печать штрихкода и цена"),
        ("proverka shtrih koda", "проверка штрихкода"),
        ("цена-партия", "цена-партия"),
        ("", ""),
    ],
)
def test_only_what_is_not_known_is_read_otherwise(text, expected):
    assert reading(text) == expected


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("ИБ", [("иб", "информационная"), ("иб", "база")]),
        ("Чем клиенту оплатить?", [("клиенту", "покупатель")]),
        ("продажа", [("продажа", "реализация")]),
        ("реализация", []),
        ("МЧД", []),
        ("ЦенаКлиента", []),
    ],
)
def test_other_words_stand_beside_those_that_were_said(text, others):
    query = analyse_question(text)
    found = with_other_words(query, counted(KNOWN))
    assert list(found.others) == others
    assert (found.text, found.terms) == (query.text, query.terms)
    assert {stem(other) for _, other in others} <= set(found.related)


def test_verbs_and_their_nouns_are_searched_too():
    related = with_other_words(analyse_question("кто проверяет цены"), counted(KNOWN)).related
    assert related == (stem("проверка"),)


def test_the_glossary_is_of_two_languages():
    assert len(RUSSIAN) > 350
    assert all(english.isascii() and russian for english, russian in RUSSIAN.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is the price of a batch?", "Where is the цена of a партия?"),
        ("price", "price цена"),
        ("price партии of a batch", "price цена партии of a партия"),
    ],
)
def test_a_question_in_english_is_read_in_russian_even_where_the_index_has_its_words(text, expected):
    counts = dict.fromkeys(KNOWN, 5) | {stem("price"): 1}
    assert read_as(text, frequency=lambda term: counts.get(term, 0), spelling=lambda: Spelling(WORDS)) == expected


def test_a_configuration_in_english_is_asked_in_english():
    counts = dict.fromkeys(KNOWN, 1) | {stem("price"): 5, stem("batch"): 5}
    for text in ("Where is the price of a batch?", "price"):
        assert read_as(text, frequency=lambda term: counts.get(term, 0), spelling=lambda: Spelling(WORDS)) == text


def test_a_configuration_in_english_gets_no_russian_words_beside_its_own():
    often = {stem("attribute"): 2, stem("реквизит"): 5, stem("value"): 9, stem("значение"): 1}
    question = "the form attribute value"
    assert read_as(question, frequency=lambda word: often.get(word, 0), spelling=lambda: Spelling([])) == question


def test_latin_spelling():
    assert cyrillic("shtrihkod") == "штрихкод"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("курс", "курс", 0), ("курс", "курсы", 1), ("крус", "курс", 1), ("волюта", "валюты", 2), ("", "аб", 2)],
)
def test_distance(one, other, expected):
    assert distance(one, other) == distance(other, one) == expected


@given(st.text("абвг", min_size=5, max_size=8), st.integers(0, 7))
def test_a_word_with_one_letter_left_out_is_found(word, place):
    shorter = word[: 1 + place % (len(word) - 1)] + word[2 + place % (len(word) - 1) :]
    assert distance(word, shorter) <= 1


@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    assert isinstance(reading(text), str)
