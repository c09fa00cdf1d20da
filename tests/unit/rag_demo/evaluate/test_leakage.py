"""Nothing that is evaluated may be seen in training or stand in the index."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.configurations import bundled
from rag_demo.evaluate.golden_sets import known_items
from rag_demo.evaluate.leakage import ALIKE, Withheld, indexed_variant, jaccard, training_variant, withheld
from rag_demo.evaluate.plan import plans
from rag_demo.index.analyse import terms
from rag_demo.ingest import read_configuration
from rag_demo.testing import make_document

RATE = "Возвращает курс валюты на указанную дату."


@pytest.fixture(scope="module")
def documents():
    return read_configuration(bundled(), space_id="demo").documents


def test_the_evaluated_comments_of_a_real_configuration_are_gone(documents):
    cases = known_items(documents)
    assert len(cases) >= 50
    evaluated = [frozenset(terms(case.question)) for case in cases]
    sources = {case.source_id for case in cases}
    learned = training_variant(documents, withheld(documents, cases))
    assert [document.doc_id for document in learned] == [document.doc_id for document in documents]
    assert not any(document.doc for document in learned if document.doc_id in sources)
    kept = [document for document in learned if document.doc]
    assert kept
    for document in kept:
        words = frozenset(terms(document.doc))
        assert max(jaccard(words, other) for other in evaluated) < ALIKE


def test_the_model_to_start_from_knows_no_evaluated_comment_either(documents):
    half = {path for number, path in enumerate(sorted({document.path for document in documents})) if number % 2}
    named = [document for document in documents if document.path in half]
    copies = [
        dataclasses.replace(document, doc_id=f"{document.doc_id}-copy", path="Copy.bsl")
        for document in named
        if document.doc
    ]
    rest = [document for document in documents if document.path not in half] + copies
    ingested = dataclasses.replace(read_configuration(bundled(), space_id="demo"), documents=named)
    made = {plan.name: plan for plan in plans(ingested, [], [], most=1_000, rest=rest)}
    bare = made["bare"]
    evaluated = [frozenset(terms(case.question)) for case in bare.searched]
    assert len(evaluated) >= 20
    assert [document.doc_id for document in bare.base_from] == [document.doc_id for document in rest]
    kept = [document.doc for document in bare.base_from if document.doc]
    assert kept
    for doc in kept:
        assert max(jaccard(frozenset(terms(doc)), other) for other in evaluated) < ALIKE
    assert made["full"].base_from == rest


def test_no_method_of_the_index_has_its_comment(documents):
    indexed = indexed_variant(documents)
    methods = [document for document in indexed if document.doc_type == "method"]
    assert not any(document.doc for document in methods)
    assert not any(document.text.lstrip().startswith("//") for document in methods)
    assert [d for d in indexed if d.doc_type != "method"] == [d for d in documents if d.doc_type != "method"]


def test_what_is_left_of_a_method_is_its_lines():
    (method,) = indexed_variant([make_document()])
    assert method.text.startswith("Функция ПолучитьЦену")
    assert (method.line_start, method.line_end) == (4, 6)
    assert method.content_hash != make_document().content_hash


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RATE, True),
        ("возвращает КУРС валют на указанные даты", True),
        ("Устарела. Возвращает курс валюты на указанную дату", True),
        ("Параметры:\nВозвращает курс валюты на дату\nСтрока", True),
        ("Возвращает остаток товара на складе", False),
        ("", False),
    ],
)
def test_what_is_withheld(text, expected):
    assert Withheld([RATE])(text) is expected


def test_comments_of_cases_are_withheld_as_a_whole():
    source = make_document(doc=f"{RATE}\n\nЕсли курса на эту дату нет, берется последний установленный до нее.")
    (case,) = known_items([source])
    excluded = withheld([source], [case])
    assert excluded("Если курса на эту дату нет, берётся последний установленный до неё")
    assert excluded(case.question)


WORDS = st.lists(
    st.sampled_from(["цена", "курс", "дата", "товар", "склад", "заказ", "сумма", "налог", "скидка", "остаток"]),
    max_size=8,
)


@given(st.lists(WORDS, min_size=1, max_size=4), WORDS)
def test_the_search_for_similar_ones_misses_none(known, asked):
    excluded = Withheld(" ".join(words) for words in known)
    sets = [frozenset(terms(" ".join(words))) for words in known]
    own = frozenset(terms(" ".join(asked)))
    assert excluded(" ".join(asked)) == any(jaccard(own, other) >= ALIKE for other in sets if other)
