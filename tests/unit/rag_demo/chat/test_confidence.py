"""Signs by hand; what the weights make of them is measured in docs/results/chat_refusal.json."""

from __future__ import annotations

import json
import math

import pytest

from rag_demo.chat.confidence import NAMES, PARAMETERS, Confidence, is_ruled, signs
from rag_demo.chat.evidence import weigh
from rag_demo.index.analyse import terms
from rag_demo.testing import make_document
from rag_demo.types import Hit, LegRank

PRICE = make_document(body="Возврат ЦеныТоваров(Склад);")
OTHER = make_document("CommonModule.Склад.Остаток", doc="", body="", header="", text="Процедура Остаток()")


def question(text, **rarity):
    return weigh({term: rarity.get(term, 2.0) for term in terms(text)}, frozenset())


def hit(document, **ranks):
    return Hit(document, 1.0, {leg: LegRank(rank, 1.0) for leg, rank in ranks.items()})


def test_signs_of_an_example():
    found = dict(
        zip(NAMES, signs([hit(OTHER, lexical=3), hit(PRICE, dense=1)], question("цена остатков склада")), strict=True)
    )
    assert found == pytest.approx(
        {
            "best": 2 / 3,  # «Склад.Остаток», and the price has «цена» and «склад»
            "first": 2 / 3,
            "told": 2 / 3,
            "name": 1 / 3,
            "named": math.sqrt(1 / 3),  # all of «Остаток» is asked for
            "rarest": 1.0,
            "legs": 1 / 4 + 1 / 100,
            "words": 3,
        }
    )


def test_the_best_of_hits_that_have_nothing_to_do_with_it_is_not_enough():
    asked = question("расписание приема пациентов врачом")
    assert Confidence.load().of([hit(PRICE, lexical=1, dense=1), hit(OTHER, dense=2)], asked) < 1


def test_what_is_called_as_the_question_says_is_enough():
    asked = question("возвращает цену товара на дату")
    assert Confidence.load().of([hit(PRICE, lexical=1, dense=1)], asked) > 1


def test_no_hits_no_answer():
    assert Confidence.load().of([], question("цена товара на дату")) == 0


@pytest.mark.parametrize(
    ("text", "ranks", "enough"),
    [
        ("Где используется ПолучитьЦены?", {"lexical": 1, "dense": 1}, False),  # nothing is called so
        ("Где используется ЦеныТоваров?", {"lexical": 9}, True),  # the body mentions it
        ("фискальный регистратор", {"lexical": 1, "dense": 1}, False),
        ("цена товара", {"lexical": 9}, True),
        ("расписание приема пациентов", {"exact": 1}, True),
    ],
)
def test_rules_before_weights(text, ranks, enough):
    hits = [hit(PRICE, **ranks)]
    assert is_ruled(hits, question(text))
    # Weights that would say the opposite.
    contrary = Confidence(dict.fromkeys(NAMES, 0.0), -9.0 if enough else 9.0)
    assert (contrary.of(hits, question(text)) >= 1) is enough


def test_every_sign_has_a_weight():
    assert set(json.loads(PARAMETERS.read_text(encoding="utf-8"))["weights"]) == set(NAMES)
