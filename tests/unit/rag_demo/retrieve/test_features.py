"""Features and the order that the ranker makes of them."""

from __future__ import annotations

import json
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.index.analyse import stem
from rag_demo.index.catalogue_reader import Outline
from rag_demo.index.fields import OTHER_WORD
from rag_demo.index.traits import Traits, decode_traits, encode_traits
from rag_demo.retrieve.features import NAMES, Asked, Candidate, features
from rag_demo.retrieve.purpose import purposes_of
from rag_demo.retrieve.rank import PARAMETERS, Ranker
from rag_demo.retrieve.sketch import sketch
from rag_demo.retrieve.vectors import Words
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import LegRank

ASKED = Asked(("получить", "курс", "валюты"), np.array([1.0, 2.0, 3.0], dtype=np.float32))
SOFT = [name for name in NAMES if name.startswith("soft")]


def outline(full_name, **changes):
    document = make_document(full_name, **{"doc": "", "body": "", "signature": ""} | changes)
    traits = decode_traits(encode_traits(document))
    return Outline(full_name, document.object_kind, document.object_name, traits)


RATE = outline("CommonModule.Курсы.ПолучитьКурсВалюты"), {"lexical": LegRank(1, 9.0), "dense": LegRank(2, 0.5)}
STOCK = outline("CommonModule.Склад.ПолучитьОстаток"), {"lexical": LegRank(30, 3.0)}


def table(found, words=None, asked=ASKED):
    words = Words() if words is None else words
    candidates = [Candidate(sketch(one, words), legs) for one, legs in found]
    return dict(zip(NAMES, features(asked, candidates, words).T, strict=True))


def with_vectors():
    return Words(WordEmbedder().encode_documents)


def test_one_row_for_each_candidate():
    words = Words()
    found = features(ASKED, [Candidate(sketch(one, words), legs) for one, legs in (RATE, STOCK)], words)
    assert found.shape == (2, len(NAMES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_no_candidates_no_rows():
    assert features(ASKED, [], Words()).shape == (0, len(NAMES))


@pytest.mark.parametrize("words", [Words(), with_vectors()])
def test_a_question_without_words_has_no_match(words):
    columns = table([RATE, STOCK], words, Asked((), np.zeros(0, dtype=np.float32)))
    assert not any(columns[name].any() for name in (*SOFT, "cover_name", "cover_all", "precise_name"))
    assert columns["lexical_rank"].all()


@pytest.mark.parametrize("words", [Words(), with_vectors()])
def test_another_word_stands_for_the_one_that_was_said(words):
    said = Asked(("вытащить", "курс", "валюты"), ASKED.idf)
    both = Asked(said.words, said.idf, others=((0, "получить"), (0, "остаток")))
    without, found = table([RATE, STOCK], words, said), table([RATE, STOCK], words, both)
    assert found["cover_name"] - without["cover_name"] == pytest.approx([OTHER_WORD / 6] * 2)
    assert table([RATE, STOCK], words, Asked(ASKED.words, ASKED.idf, others=((0, "курс"),)))["cover_name"][0] == 1.0


def test_coverage_weighs_rare_words():
    columns = table([RATE, STOCK])
    assert columns["cover_name"] == pytest.approx([1.0, 1 / 6])
    assert columns["precise_name"][0] == 1.0
    assert columns["precise_name"][1] == pytest.approx(1 / 3)


def test_legs_by_rank_and_by_share_of_the_best_score():
    columns = table([RATE, STOCK])
    assert columns["lexical_score"] == pytest.approx([1.0, 1 / 3])
    assert columns["dense_rank"][0] > columns["dense_rank"][1] == 0.0


def test_soft_features_are_those_of_the_nearest_words():
    columns = table([RATE, STOCK], with_vectors())
    assert columns["soft_name"][0] == pytest.approx(1.0, abs=1e-5)
    assert columns["soft_back"][0] == pytest.approx(1.0, abs=1e-5)
    assert columns["soft_name"][1] < 0.6
    without = table([RATE, STOCK])
    assert not any(without[name].any() for name in SOFT)


def test_a_name_without_words_has_no_soft_match():
    nameless = outline("CommonModule.А.Б", object_name="", name=""), {}
    assert table([RATE, nameless], with_vectors())["soft_name"][1] == 0.0


def test_a_function_counts_more_where_something_is_returned():
    function = outline("CommonModule.Курсы.КурсВалюты", is_function=True), {}
    procedure = outline("CommonModule.Курсы.КурсВалюты", is_function=False), {}
    said = ("возвращает", "курс")
    asked = Asked(said, np.ones(2, dtype=np.float32), purposes_of(said))
    assert table([function, procedure], asked=asked)["returns_function"].tolist() == [1.0, 0.0]
    assert not table([function, procedure])["returns_function"].any()


@pytest.mark.parametrize(
    ("question", "purposes"),
    [
        ("возвращает курс валюты", {"returns"}),
        ("как заполнить табличную часть", {"does"}),
        ("вызывается при записи документа", {"called"}),
        ("возвращает истина если курс задан", {"returns", "whether"}),
        ("курс валюты", set()),
    ],
)
def test_the_verb_tells_what_is_asked_for(question, purposes):
    assert purposes_of(question.split()) == purposes


WORD = st.sampled_from(["курс", "курса", "валюта", "валюты", "цена", "цены", "склад", "получить", "получение"])
SOME = st.lists(WORD, unique=True, max_size=5).map(tuple)


@given(st.lists(st.tuples(SOME, SOME, SOME), min_size=1, max_size=6), st.lists(WORD, unique=True, min_size=1))
def test_coverage_is_that_of_going_over_every_word(found, asked):
    words = with_vectors()
    outlines = [Outline("А.Б.В", "", "", Traits(*texts, frozenset(), 0.0)) for texts in found]
    idf = np.arange(1, len(asked) + 1, dtype=np.float32)
    columns = table([(one, {}) for one in outlines], words, Asked(tuple(asked), idf))
    vector = {word: words.vectors(words.numbers([word]))[0] for word in {*asked, *chain(*chain(*found))}}
    for row, texts in enumerate(found):
        for name, seen in (("name", texts[0]), ("owner", texts[0] + texts[1]), ("all", texts[0] + texts[1] + texts[2])):
            stems = {stem(word) for word in seen}
            covered = sum(worth for word, worth in zip(asked, idf, strict=True) if stem(word) in stems)
            assert columns[f"cover_{name}"][row] == pytest.approx(covered / idf.sum(), abs=1e-5)
            near = [max([0.0, *(vector[word] @ vector[other] for other in seen)]) for word in asked]
            assert columns[f"soft_{name}"][row] == pytest.approx(near @ idf / idf.sum(), abs=1e-4)


def test_word_vectors_are_computed_once():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.eye(len(texts), 3, dtype=np.float32) * 2

    words = Words(encode)
    assert words.vectors(words.numbers(["курс", "цена", "курс"])).tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    words.numbers(["цена"])
    assert asked == ["курс", "цена"]


def test_words_keep_their_numbers_when_more_come():
    words = with_vectors()
    first = words.numbers(["курс", "курса", "цена"])
    before = words.vectors(first)
    words.numbers([f"слово{number}" for number in range(5_000)])
    assert words.numbers(["курс", "курса", "цена"]).tolist() == first.tolist()
    assert np.array_equal(words.vectors(first), before)
    assert words.stems(first)[0] == words.stems(first)[1] != words.stems(first)[2]


def test_the_shipped_weights_name_features():
    tables = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    assert set(tables) == {"soft", "plain"}
    for weights in tables.values():
        assert set(weights) <= set(NAMES)
    assert not any(name.startswith("soft") for name in tables["plain"])


@pytest.mark.parametrize("soft", [True, False])
def test_the_shipped_weights_put_the_right_one_first(soft):
    words = with_vectors() if soft else Words()
    found = features(ASKED, [Candidate(sketch(one, words), legs) for one, legs in (STOCK, RATE)], words)
    scores = Ranker.load().scores(found, soft=soft)
    assert scores[1] > scores[0]
