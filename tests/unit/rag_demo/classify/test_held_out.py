"""How well the shipped classifier does on passages that it was not trained on, and that it is what training makes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService
from rag_demo.classify import Classifier
from rag_demo.classify.parameters import load
from rag_demo.classify.train import f1_scores, read_passages, train
from rag_demo.types import NOTE_TYPES

HELD_OUT = Path(__file__).with_name("held_out.yaml")
TRAINING, HELD = read_passages(), read_passages(HELD_OUT)


@pytest.fixture(scope="module")
def embedder(model_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
        with EmbeddingService(precision="exact") as embedder:
            yield embedder


def words(text):
    return frozenset(re.findall(r"\w+", text.lower()))


def test_enough_passages_of_every_sort():
    assert np.bincount(TRAINING[1]).min() >= 60
    assert np.bincount(HELD[1]).min() >= 35


def test_no_passage_is_nearly_another_one():
    held, all_ = [words(text) for text in HELD[0]], [words(text) for text in HELD[0] + TRAINING[0]]
    for place, mine in enumerate(held):
        nearest = max(len(mine & other) / len(mine | other) for other in all_[:place] + all_[place + 1 :])
        assert nearest < 0.6, HELD[0][place]


@pytest.mark.parametrize("with_vectors", [False, True])
def test_macro_f1(embedder, with_vectors):
    verdicts = Classifier(embedder=embedder if with_vectors else None).learned(HELD[0])
    scores = f1_scores(np.array([NOTE_TYPES.index(verdict.sort) for verdict in verdicts]), HELD[1])
    assert sum(scores.values()) / len(scores) >= 0.90, scores
    assert min(scores.values()) >= 0.80, scores


def test_the_package_holds_what_training_makes(embedder):
    made, shipped = train(*TRAINING, embedder=embedder), load()
    assert made.classes == shipped.classes
    assert made.model_fingerprint == shipped.model_fingerprint
    for name in ("lexical", "joint"):
        for part in ("weights", "bias"):
            # The file is in half precision: 11 bits.
            expected, got = getattr(getattr(made, name), part), getattr(getattr(shipped, name), part)
            np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-3)
