from __future__ import annotations

import itertools

import numpy as np
import pytest
from navec import Navec
from navec.meta import Meta
from navec.pq import PQ
from navec.vocab import Vocab

from rag_demo.adapt import general, train
from rag_demo.adapt.general import directions
from rag_demo.adapt.tokenizer import train_tokenizer
from tests.unit.rag_demo.adapt.test_train import examples

FORMS = ["цена", "цены", "ценами", "стоимость", "стоимости", "пароль"]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A file of vectors as Navec writes it: «стоимость» lies near «цена», all other words anywhere."""
    random = np.random.default_rng(0)
    words = [*FORMS, *map("".join, itertools.product("бвгдж", "аеиоу", "клмнп", "аеиоу"))]
    indexes = random.integers(0, 256, (len(words), 100), dtype=np.uint8)
    indexes[[1, 2, 3, 4]] = indexes[0]
    indexes[3:5, :20] = indexes[5, :20]
    codes = random.standard_normal((100, 256, 3)).astype(np.float32)
    counts = list(range(len(words), 0, -1))
    file = tmp_path / general._FILE
    Navec(Meta("test"), Vocab(words, counts), PQ(len(words), 300, 100, 256, indexes, codes)).dump(file)
    monkeypatch.setattr(general, "_installed", lambda: file)


@pytest.fixture
def tokenizer():
    return train_tokenizer(["Цена ЦеныТоваров стоимость Стоимости пароль Password"] * 5)


def test_words_that_mean_the_same_have_near_directions(installed, tokenizer):
    rows = directions(tokenizer, 256)
    price, cost, word, english = (
        rows[tokenizer.token_to_id(name)] for name in ("цен", "стоимост", "парол", "password")
    )
    assert rows.shape == (tokenizer.get_vocab_size(), 256)
    assert rows.dtype == np.float32
    assert price @ cost > 0.6
    assert price @ word < 0.4
    assert np.linalg.norm([price, cost, word], axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert not english.any()


def test_more_dimensions_than_there_are_stay_empty(installed, tokenizer):
    assert not directions(tokenizer, 400)[:, 298:].any()


def test_without_the_package_there_are_none(tokenizer, monkeypatch):
    monkeypatch.setattr(general, "PACKAGE", "no-such-package")
    assert directions(tokenizer, 256) is None


def test_training_starts_half_from_what_words_mean_and_half_at_random():
    rows = np.zeros((120, 64), dtype=np.float32)
    rows[:60] = np.eye(64, dtype=np.float32)[np.arange(60)]
    recipe, random = train.Recipe(dimension=64), np.random.default_rng(0)
    first = train._first(examples(), recipe, random, rows)
    plain = train._first(examples(), recipe, np.random.default_rng(0), None)
    units = first / np.linalg.norm(first, axis=1, keepdims=True)
    assert (units[:60] * rows[:60]).sum(axis=1).mean() == pytest.approx(0.5**0.5, abs=0.05)
    assert np.array_equal(first[60:], plain[60:])
