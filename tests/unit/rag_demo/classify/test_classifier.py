"""The stages of the classifier, with the shipped parameters."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest

from rag_demo.classify import Classifier, assign
from rag_demo.classify.classifier import SURE
from rag_demo.classify.features import DIMENSION, lexical_features
from rag_demo.classify.parameters import load, save
from rag_demo.classify.regression import fit, probabilities
from rag_demo.classify.rules import by_rules
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import NOTE_TYPES

ORDER = "Кладовщик обязан сообщить о расхождении в тот же день. Нарушение влечёт дисциплинарную ответственность."
NOTHING = "Синхрофазотрон мерцает"


def note(doc, headings="Текст", path="docs/текст.md"):
    return dataclasses.replace(make_document(), full_name=headings, doc_type="note", path=path, doc=doc)


@pytest.mark.parametrize(
    ("headings", "path", "sort"),
    [
        (["Магазин", "Версия 3.1.4"], "docs/a.md", "release_notes"),
        (["Руководство кассира"], "docs/a.md", "manual"),
        (["Руководство кассира", "Часто задаваемые вопросы"], "docs/a.md", "faq"),
        (["Магазин"], "docs/Регламенты/закрытие.txt", "regulation"),
        (["Магазин"], "docs/release_notes.md", "release_notes"),
        (["Магазин"], "docs/ТЗ_обмен-с-сайтом.html", "specification"),
        (["Регламентные задания"], "docs/a.md", None),
        (["Приказ о вводе", "Магазин"], "docs/faq.md", "regulation"),
        (["Приказ: руководство пользователя"], "docs/a.md", None),
        ([], "docs", None),
    ],
)
def test_rules(headings, path, sort):
    assert by_rules(headings, path) == sort


def test_the_learned_stage_decides_where_the_rules_do_not():
    (verdict,) = Classifier().classify([note(ORDER)])
    assert (verdict.sort, verdict.stage) == ("regulation", "learned")
    assert verdict.probability >= SURE
    (verdict,) = Classifier().classify([note(ORDER, "FAQ")])
    assert (verdict.sort, verdict.stage, verdict.probability) == ("faq", "rules", 1.0)


def test_what_nothing_tells_is_a_note_unless_a_model_is_asked():
    assert Classifier().learned(["", NOTHING])[1].stage == "unknown"
    asked = []

    def zero_shot(texts):
        asked.append(list(texts))
        return [None, "manual"]

    verdicts = Classifier(zero_shot=zero_shot).learned([NOTHING, ORDER, "бубубу"])
    assert asked == [[NOTHING, "бубубу"]]
    assert [(one.sort, one.stage) for one in verdicts] == [
        ("note", "unknown"),
        ("regulation", "learned"),
        ("manual", "zero-shot"),
    ]


def test_vectors_of_another_model_are_not_used(caplog):
    class Untouchable(WordEmbedder):
        def encode_documents(self, texts):
            raise AssertionError

    with caplog.at_level(logging.INFO):
        verdicts = Classifier(embedder=Untouchable()).learned([ORDER])
    assert "word-directions" in caplog.text
    assert verdicts == Classifier().learned([ORDER])


def test_assign_leaves_everything_else_alone():
    method, passage = make_document(), note(ORDER)
    first, second = assign([method, passage], Classifier())
    assert first is method
    assert second.doc_type == "regulation"
    assert second.doc_id == passage.doc_id
    assert second.content_hash != passage.content_hash
    assert assign([], Classifier()) == []


def test_features_have_length_one_and_survive_any_text():
    rows = lexical_features([ORDER, "", "\ud800", "1" * 100_000])
    assert rows.shape == (4, DIMENSION)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 0, 1, 1])
    assert np.array_equal(rows[0], lexical_features([ORDER])[0])


def test_regression_separates_what_can_be_separated():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 20)
    rows = (np.eye(3, 5)[labels] + 0.1 * rng.normal(size=(60, 5))).astype(np.float32)
    weights, bias = fit(rows, labels, classes=3, penalty=1e-3)
    shares = probabilities(rows, weights, bias)
    assert (shares.argmax(axis=1) == labels).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(60))
    # At the minimum the gradient is zero.
    errors = (shares - np.eye(3)[labels]) / 60
    assert np.abs(rows.T @ errors + 1e-3 * weights).max() < 1e-4
    assert np.abs(errors.sum(axis=0)).max() < 1e-4


def test_parameters_survive_their_file(tmp_path: Path):
    shipped = load()
    assert shipped.classes == NOTE_TYPES
    save(shipped, tmp_path / "p.npz")
    again = load(tmp_path / "p.npz")
    assert again.model_fingerprint == shipped.model_fingerprint
    assert np.array_equal(again.joint.weights, shipped.joint.weights)
    assert again.lexical.weights.shape == (DIMENSION, len(NOTE_TYPES))
