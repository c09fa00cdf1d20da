import numpy as np
import pytest

from rag_demo.adapt.held_out import choose_weight, hold_out, ranks, word_scores
from rag_demo.adapt.pairs import PairMaker
from rag_demo.testing import make_document

RANDOM = np.random.default_rng(2)


def commented(n):
    doc = "Пишет в журнал запись номер {} о том, что случилось."
    return [make_document(f"CommonModule.М{i}.Метод{i}", doc=doc.format(i), text="") for i in range(n)]


def test_held_out_comments_are_learned_from_nowhere():
    documents = commented(300)
    pairs = list(PairMaker().pairs(documents))
    left, held = hold_out(pairs, len(documents), seed=0)
    asked = {pair.text for pair in held.pairs}
    assert len(held.pairs) == 60
    assert not any(pair.text in asked for pair in left)
    hidden = {pair.document for pair in held.pairs}
    assert not any(pair.source in {"comment", "description"} and pair.document in hidden for pair in left)
    assert [held.pool[place] for place in held.answers] == [pair.document for pair in held.pairs]
    assert not held.fields.doc


def test_without_comments_names_are_asked():
    documents = [make_document(f"CommonModule.М{i}.ДлинныйМетод{i}", doc="", text="") for i in range(100)]
    _, held = hold_out(list(PairMaker().pairs(documents)), len(documents), seed=0)
    assert {pair.source for pair in held.pairs} == {"name"}
    assert not held.fields.name


def test_of_too_few_nothing_is_held_out():
    documents = commented(3)
    pairs = list(PairMaker().pairs(documents))
    assert hold_out(pairs, 3, seed=0) == (pairs, None)


def test_a_tie_is_no_success():
    assert ranks(np.array([[1.0, 1.0, 0.5]], np.float32), np.array([0])).tolist() == [2]
    assert ranks(np.array([[2.0, 1.0, 0.5]], np.float32), np.array([0])).tolist() == [1]


def test_rare_words_count_more():
    scores = word_scores(["курс валюты"], ["курс", "валюты", "курс товара", "курс дня"])
    assert scores[0].argmax() == 1


def scores_of(strength, n=100):
    answers = np.arange(n)
    scores = RANDOM.standard_normal((n, 500)).astype(np.float32)
    scores[np.arange(n), answers] += strength
    return scores, answers


def test_vectors_that_find_more_get_a_weight():
    words, answers = scores_of(1.0)
    vectors, _ = scores_of(4.0)
    choice = choose_weight(words, vectors, answers)
    assert choice.weight >= 1.0
    assert choice.both > choice.words
    assert choice.questions == 100


@pytest.mark.parametrize("strength", [0.0, 0.3])
def test_vectors_that_find_nothing_step_aside(strength):
    words, answers = scores_of(4.0)
    vectors, _ = scores_of(strength)
    choice = choose_weight(words, vectors, answers)
    assert choice.weight == 0.0
    assert choice.both == choice.words


def test_the_weight_can_be_bounded():
    words, answers = scores_of(1.0)
    vectors, _ = scores_of(4.0)
    assert choose_weight(words, vectors, answers, most=0.5).weight == 0.5
