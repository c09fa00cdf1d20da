"""The zero-shot stage with a real, tiny model of random weights: nothing is downloaded, everything is loaded."""

from __future__ import annotations

import logging
import time

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

from rag_demo.classify import Classifier
from rag_demo.classify.nli import NliZeroShot
from rag_demo.errors import InputError
from rag_demo.types import NOTE_TYPES

LABELS = {0: "CONTRADICTION", 1: "NEUTRAL", 2: "ENTAILMENT"}


def make_model(folder, labels):
    folder.mkdir()
    letters = [*"абвгдеёжзийклмнопрстуфхцчшщъыьэюя", *"abcdefghijklmnopqrstuvwxyz", *".,:?"]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=128).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
        num_labels=len(labels),
        id2label=labels,
        label2id={label: number for number, label in labels.items()},
    )
    torch.manual_seed(1)
    model = BertForSequenceClassification(config)
    torch.nn.init.zeros_(model.classifier.weight)
    # Whatever the text is, entailment is what such a model says.
    model.classifier.bias.data = torch.tensor([0.0] * (len(labels) - 1) + [4.0])
    model.save_pretrained(folder, safe_serialization=True)
    return str(folder)


@pytest.fixture
def model(tmp_path):
    return make_model(tmp_path / "nli", LABELS)


def test_a_real_model_is_loaded_and_asked(model):
    found = NliZeroShot(model, timeout_s=60)(["Нажмите кнопку", "Привет"])
    assert len(found) == 2
    assert set(found) <= set(NOTE_TYPES)


def test_it_is_asked_about_the_unknown_only(model):
    verdicts = Classifier(zero_shot=NliZeroShot(model, timeout_s=60)).learned(["Синхрофазотрон мерцает"])
    assert [verdict.stage for verdict in verdicts] == ["zero-shot"]


def test_when_the_time_is_over_the_rest_stays_unknown(model, caplog):
    started = time.monotonic()
    with caplog.at_level(logging.WARNING):
        found = NliZeroShot(model, timeout_s=0.01)(["текст"] * 1_000)
    assert time.monotonic() - started < 10
    assert len(found) == 1_000
    assert found[-1] is None
    assert "RAG_NLI_TIMEOUT" in caplog.text


@pytest.mark.parametrize("broken", ["missing", "labels"])
def test_a_model_that_cannot_serve_is_named(broken, tmp_path):
    model = str(tmp_path / "нет") if broken == "missing" else make_model(tmp_path / "m", {0: "bad", 1: "good"})
    with pytest.raises(InputError, match="RAG_NLI_MODEL"):
        NliZeroShot(model, timeout_s=60)(["текст"])
