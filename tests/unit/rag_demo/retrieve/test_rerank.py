"""Hits in the order of a real cross-encoder (tiny, with random weights), and in their old one where it is late."""

from __future__ import annotations

import threading

import pytest
import torch

from rag_demo import index_wiring, wiring
from rag_demo.errors import InputError
from rag_demo.events import Events, Reranked
from rag_demo.index.ports import Where
from rag_demo.ingest import Ingested
from rag_demo.retrieve.cross_encoder import CrossEncoderScore
from rag_demo.retrieve.rerank import Reranker, passage
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import Hit, LegRank

TOPICS = ["валюта", "склад", "заказ", "остаток", "контрагент", "номенклатура", "договор", "скидка", "оплата"]
DOCUMENTS = [
    make_document(f"CommonModule.М{n}.ПолучитьЦену", header="", doc=f"Цена: {topic * (n + 1)}.", text=topic)
    for n, topic in enumerate(TOPICS)
]
LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё0123456789"


def make_model(folder, *, labels=1):
    """A cross-encoder with random weights, as sentence-transformers loads it."""
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=256).save_pretrained(folder)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=256,
        num_labels=labels,
        initializer_range=0.5,  # so that scores differ by more than rounding
    )
    model = BertForSequenceClassification(config)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("модели") / "ранжировщик")


def hits():
    return [Hit(document, 1.0 - n / 10, {"lexical": LegRank(n + 1, 5.0)}) for n, document in enumerate(DOCUMENTS)]


def heard(events):
    told = []
    events.subscribe(told.append)
    return told


def test_the_first_hits_stand_as_the_model_says_and_the_rest_stay(model):
    from sentence_transformers import CrossEncoder

    events = Events()
    told = heard(events)
    score = CrossEncoderScore.load(str(model))
    ordered = Reranker(score, top=6, timeout_s=600, events=events)("цена товара", hits())
    expected = CrossEncoder(str(model)).predict(
        [("цена товара", passage(document)) for document in DOCUMENTS[:6]], show_progress_bar=False
    )
    best_first = sorted(range(6), key=lambda place: -expected[place])
    assert best_first != list(range(6))
    assert [hit.document for hit in ordered.hits] == [DOCUMENTS[place] for place in (*best_first, 6, 7, 8)]
    assert [hit.score for hit in ordered.hits] == [hit.score for hit in hits()]
    assert [hit.legs["rerank"].rank for hit in ordered.hits[:6]] == [1, 2, 3, 4, 5, 6]
    assert [hit.legs["rerank"].score for hit in ordered.hits[:6]] == pytest.approx(
        [float(expected[place]) for place in best_first], abs=1e-4
    )
    assert ordered.complete
    assert [(type(event), event.candidates, event.outcome) for event in told] == [(Reranked, 6, "done")]


def test_what_comes_late_changes_nothing():
    events, release, ended = Events(), threading.Event(), threading.Event()
    told = heard(events)
    batches = []

    def score(_, passages):
        batches.append(len(passages))
        release.wait()
        ended.set()
        return [float(n) for n in range(len(passages))]

    ordered = Reranker(score, top=9, timeout_s=0.01, events=events)("цена", hits())
    assert ordered == (hits(), False)
    assert [event.outcome for event in told] == ["timeout"]
    release.set()
    ended.wait()
    for thread in threading.enumerate():
        if thread.name == "rag-rerank":
            thread.join()
    assert batches == [4]  # it ended after the batch that it was at


def test_what_fails_changes_nothing(caplog):
    events = Events()
    told = heard(events)

    def score(*_):
        raise RuntimeError("CUDA out of memory")

    assert Reranker(score, top=9, timeout_s=600, events=events)("цена", hits()) == (hits(), False)
    assert [event.outcome for event in told] == ["failed"]
    assert "CUDA out of memory" in caplog.text


def test_a_model_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(InputError, match="RAG_RERANK_MODEL=.*нет.* cannot be used"):
        CrossEncoderScore.load(str(tmp_path / "нет"))
    with pytest.raises(InputError, match="is no reranker: it has 3 labels"):
        CrossEncoderScore.load(str(make_model(tmp_path / "три", labels=3)))


@pytest.fixture
def settings(tmp_path, model):
    return Settings(data_dir=str(tmp_path / "данные"), rerank_model=str(model), rerank_timeout_s=600)


def search(settings, reranker, *, limit=9):
    index_wiring.index(
        Ingested(DOCUMENTS, [], "Торговля", "1.0", "designer 2.20"),
        source=settings.data_path,
        embedder=WordEmbedder,
        settings=settings,
        progress=lambda *_: None,
    )
    with wiring.open_assistant(
        ("trade",), embedder=lambda *_: WordEmbedder(), settings=settings, reranker=reranker
    ) as assistant:
        return assistant.search("цена товара", where=Where(("trade",)), limit=limit)


def test_a_search_uses_the_model_of_the_settings(settings):
    found = search(settings, wiring.build_reranker(settings))
    assert found.degraded == ()
    assert found.timings_ms["rerank"] > 0
    assert [hit.legs["rerank"].rank for hit in found.hits] == list(range(1, len(found.hits) + 1))


def test_a_search_says_when_it_did_without(settings):
    late = Reranker(lambda *_: threading.Event().wait(), top=5, timeout_s=0.01)
    found = search(settings, late)
    assert found.degraded == ("rerank",)
    assert len(found.hits) == len(DOCUMENTS)
    assert not any("rerank" in hit.legs for hit in found.hits)


def test_none_is_loaded_where_none_is_named():
    assert wiring.build_reranker(Settings()) is None
