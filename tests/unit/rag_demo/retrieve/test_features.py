"""Features and the order that the ranker makes of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rag_demo.index.traits import decode_traits, encode_traits
from rag_demo.retrieve.features import NAMES, Asked, Candidate, features
from rag_demo.retrieve.rank import PARAMETERS, Ranker
from rag_demo.retrieve.vectors import WordVectors
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import LegRank

ASKED = Asked(("получить", "курс", "валюты"), np.array([1.0, 2.0, 3.0], dtype=np.float32))


def candidate(full_name, legs=None, **changes):
    traits = decode_traits(
        encode_traits(make_document(full_name, **{"doc": "", "body": "", "signature": ""} | changes))
    )
    return Candidate(traits, legs or {})


def table(candidates, vectors=None):
    return dict(zip(NAMES, features(ASKED, candidates, vectors).T, strict=True))


RATE = candidate("CommonModule.Курсы.ПолучитьКурсВалюты", {"lexical": LegRank(1, 9.0), "dense": LegRank(2, 0.5)})
STOCK = candidate("CommonModule.Склад.ПолучитьОстаток", {"lexical": LegRank(30, 3.0)})


def test_one_row_for_each_candidate():
    found = features(ASKED, [RATE, STOCK], None)
    assert found.shape == (2, len(NAMES))
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


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
    vectors = WordVectors(WordEmbedder().encode_documents)
    columns = table([RATE, STOCK], vectors.rows)
    assert columns["soft_name"][0] == pytest.approx(1.0, abs=1e-5)
    assert columns["soft_back"][0] == pytest.approx(1.0, abs=1e-5)
    assert columns["soft_name"][1] < 0.6
    assert not table([RATE, STOCK])["soft_name"].any()


def test_a_name_without_words_has_no_soft_match():
    nameless = candidate("CommonModule.А.Б", object_name="", name="")
    vectors = WordVectors(WordEmbedder().encode_documents)
    assert table([RATE, nameless], vectors.rows)["soft_name"][1] == 0.0


def test_word_vectors_are_computed_once():
    asked = []

    def encode(texts):
        asked.extend(texts)
        return np.eye(len(texts), 3, dtype=np.float32) * 2

    vectors = WordVectors(encode)
    first = vectors.rows(["курс", "цена", "курс"])
    assert first.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    vectors.rows(["цена"])
    assert asked == ["курс", "цена"]


def test_the_shipped_weights_name_features():
    tables = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    assert set(tables) == {"soft", "plain"}
    for weights in tables.values():
        assert set(weights) <= set(NAMES)
    assert not any(name.startswith("soft") for name in tables["plain"])


@pytest.mark.parametrize("soft", [True, False])
def test_the_shipped_weights_put_the_right_one_first(soft):
    vectors = WordVectors(WordEmbedder().encode_documents)
    found = features(ASKED, [STOCK, RATE], vectors.rows if soft else None)
    scores = Ranker.load().scores(found, soft=soft)
    assert scores[1] > scores[0]
