"""What a question of facts names goes first, whatever else has more of its words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rag_demo.index.ports import DocKey
from rag_demo.retrieve.judge import Judged
from rag_demo.retrieve.named import lift_named
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.sketch import Sketch
from rag_demo.types import LegRank

EMPTY = np.zeros(0, dtype=np.float32)
LONG, SHORT = {"exact": LegRank(1, 2.0)}, {"exact": LegRank(2, 1.0)}
FOUND = [
    ("method/1", "CommonModule.Цены.Записать", "method", {"lexical": LegRank(1, 9.0)}),
    ("help/1", "Catalog.Валюты", "help", LONG),
    ("short/1", "Catalog.Код", "metadata_object", SHORT),
    ("object/2", "Catalog.Валюты", "metadata_object", LONG),
    ("object/1", "Catalog.Валюты", "metadata_object", LONG),
    ("words/1", "Catalog.ВалютыБанка", "metadata_object", {"lexical": LegRank(2, 3.0)}),
]


def first(question, found):
    sketches, legs = {}, {}
    for doc_id, full_name, sort, ranks in found:
        kind, name, *_ = full_name.split(".")
        key = DocKey("торговля", doc_id)
        sketches[key] = Sketch(full_name, kind, name, frozenset({sort}), EMPTY, EMPTY.astype(np.int32), (0, 0, 0))
        legs[key] = ranks
    judged = Judged(sketches, legs, EMPTY, np.arange(len(found), 0, -1, dtype=np.float32))
    before = judged.scores.copy()
    lifted = lift_named(judged, replace(analyse_question(question), names=("Catalog.Валюты",)))
    assert np.array_equal(judged.scores, before)
    order = np.argsort(-lifted.scores, kind="stable")
    return [found[place][0] for place in order]


def test_the_best_part_of_the_description_goes_first_and_all_others_keep_their_order():
    order = first("Какого типа реквизит Код у справочника Валюты?", FOUND)
    assert order == ["object/2", "method/1", "help/1", "short/1", "object/1", "words/1"]


@pytest.mark.parametrize(
    "question",
    [
        "Как записать реквизит справочника Валюты?",
        "Где меняется реквизит справочника Валюты?",
        "Получить значение реквизита справочника Валюты",
        "справочник Валюты",
    ],
)
def test_ways_places_and_mere_names_ask_for_no_description(question):
    assert first(question, FOUND) == [doc_id for doc_id, *_ in FOUND]


def test_a_name_that_begins_like_a_longer_one_is_not_meant():
    found = [
        ("short", "Catalog.Договоры", "metadata_object", LONG),
        ("long", "Catalog.ДоговорыБанка", "metadata_object", LONG),
    ]
    assert first("Какие реквизиты у справочника Договоры банка?", [FOUND[0], *found]) == ["long", "method/1", "short"]


def test_nothing_is_named():
    assert first("Какие реквизиты у справочников?", FOUND[:2]) == ["method/1", "help/1"]
    assert first("Какие реквизиты у справочников?", []) == []
