from __future__ import annotations

from dataclasses import replace

import pytest

from rag_demo.chat.evidence import coverage, is_evidence, weigh, weights_of
from rag_demo.index.analyse import terms
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.search import Found
from rag_demo.testing import make_document
from rag_demo.types import Hit, LegRank

DOCUMENT = make_document()
LEXICAL = {"lexical": LegRank(1, 9.0)}


def weights(**by_word):
    return {terms(word)[0]: weight for word, weight in by_word.items()}


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ({"цена": 2.0}, 1.0),
        ({"цена": 3.0, "бегемот": 1.0}, 0.75),
        ({"цена": 1.0, "бегемот": 3.0}, 0.25),
        ({"бегемот": 3.0}, 0.0),
        ({}, 0.0),
        ({"цена": 0.0}, 0.0),
    ],
)
def test_coverage(question, share):
    assert coverage(DOCUMENT, weights(**question)) == pytest.approx(share)


def test_the_rare_word_decides():
    assert is_evidence(Hit(DOCUMENT, 1.0, LEXICAL), weights(цена=3.0, бегемот=1.0))
    assert not is_evidence(Hit(DOCUMENT, 1.0, LEXICAL), weights(цена=1.0, бегемот=3.0))


def test_a_high_score_is_no_evidence():
    assert not is_evidence(Hit(DOCUMENT, 1e9, {"dense": LegRank(1, 0.99)}), weights(бегемот=1.0))


def test_a_name_as_written_is_evidence():
    assert is_evidence(Hit(DOCUMENT, 0.0, {"exact": LegRank(1, 2.0)}), weights(бегемот=1.0))


def test_verbs_weigh_less():
    weighed = weigh({"проведен": 4.0, "документ": 2.0}, frozenset({"проведен"}))
    assert weighed["документ"] == 2.0
    assert 0 < weighed["проведен"] < 2.0


@pytest.mark.parametrize(
    ("question", "others", "expected"),
    [
        ("тариф", [("тариф", "цена")], "цена"),
        ("цена", [("цена", "тариф")], "цена"),
        ("тариф", [("тариф", "бегемот")], "тариф"),
    ],
)
def test_the_other_name_that_hits_use_stands_for_the_one_that_they_lack(question, others, expected):
    query = replace(analyse_question(question), others=tuple(others))
    found = Found(query, (Hit(DOCUMENT, 1.0, LEXICAL),), dict.fromkeys(query.terms, 4.0))
    assert weights_of(found) == weights(**{expected: 4.0})


@pytest.mark.parametrize(
    ("question", "counted"), [("Что такое цена?", "цена"), ("для чего нужна цена", "цена"), ("нужен", "нужен")]
)
def test_words_that_ask_what_something_is_are_not_looked_for(question, counted):
    query = analyse_question(question)
    found = Found(query, (Hit(DOCUMENT, 1.0, LEXICAL),), dict.fromkeys(query.terms, 4.0))
    assert weights_of(found) == weights(**{counted: 4.0})


def question(text):
    return weigh(dict.fromkeys(terms(text), 5.0), frozenset())


def test_an_identifier_is_more_than_its_parts():
    parts = Hit(make_document(body="Отразить движения. Товары на складе."), 1.0, LEXICAL)
    whole = Hit(make_document(body="Склад.ОтразитьТовары(Ссылка);"), 1.0, LEXICAL)
    asked = question("Где используется ОтразитьТовары?")
    assert not is_evidence(parts, asked)
    assert is_evidence(whole, asked)
    assert is_evidence(parts, question("как отразить товары"))


def test_a_word_with_a_number_counts_by_its_parts():
    hit = Hit(make_document(body="Контрольная цифра штрихкода EAN-13"), 1.0, LEXICAL)
    assert is_evidence(hit, question("контрольная цифра EAN13"))
