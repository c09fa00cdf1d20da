"""LlamaIndex: everything a BaseEmbedding is used for, with the real model."""

import asyncio
import pickle

import numpy as np
import pytest
from llama_index.core import Document, Settings, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from pydantic import ValidationError

from llama_index.embeddings.hybrid import HybridEmbedding

TEXTS = ["первый", "", "second", "первый", "a longer text about currency rates"]


@pytest.fixture(scope="module")
def embedding(model_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
        made = HybridEmbedding()
    yield made
    made.service.close()


def test_is_a_base_embedding_with_large_batches(embedding):
    assert isinstance(embedding, BaseEmbedding)
    assert embedding.embed_batch_size == 2048
    assert embedding.class_name() == "HybridEmbedding"


def test_empty_list_order_and_duplicates(embedding):
    assert embedding.get_text_embedding_batch([]) == []
    vectors = embedding.get_text_embedding_batch(TEXTS)
    assert vectors[0] == vectors[3]
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert np.dot(embedding.get_text_embedding(text), vector) > 0.999
    assert {type(value) for value in vectors[0]} == {float}


async def test_async_equals_sync_and_does_not_block(embedding):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticker = asyncio.create_task(tick())
    many = await embedding.aget_text_embedding_batch(TEXTS + ["слово " * 200 + str(number) for number in range(30)])
    ticker.cancel()
    assert ticks > 20
    np.testing.assert_allclose(many[:5], embedding.get_text_embedding_batch(TEXTS), atol=2e-2)
    np.testing.assert_allclose(await embedding.aget_query_embedding("a"), embedding.get_query_embedding("a"), atol=2e-2)
    np.testing.assert_allclose(await embedding.aget_text_embedding("a"), embedding.get_text_embedding("a"), atol=2e-2)


def test_serialised_form_has_what_changes_the_vector_and_nothing_else(monkeypatch):
    monkeypatch.setenv("EMBEDDING_PRECISION", "exact")
    form = HybridEmbedding(truncate_dim=64, hybrid_mode=False).to_dict()
    assert (form["precision"], form["truncate_dim"]) == ("exact", 64)
    assert form["model_name"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert not {"embed_batch_size", "hybrid_mode"} & set(form)
    assert HybridEmbedding.from_dict(form).to_dict() == form


def test_pickled_copy(embedding):
    copy = pickle.loads(pickle.dumps(embedding))
    np.testing.assert_allclose(copy.get_query_embedding("a"), embedding.get_query_embedding("a"), atol=1e-6)
    copy.service.close()


def test_typos_and_bad_values():
    with pytest.raises(TypeError, match="unknown options: num_wrokers"):
        HybridEmbedding(num_wrokers=2)
    with pytest.raises(ValidationError, match="greater than 0"):
        HybridEmbedding(truncate_dim=-1)


def test_query_engine_finds_the_right_text(embedding, monkeypatch):
    monkeypatch.setattr(Settings, "_embed_model", None)
    monkeypatch.setattr(Settings, "_llm", None)
    Settings.embed_model = embedding
    Settings.llm = MockLLM()
    texts = ["Goods are written off from the warehouse", "The exchange rate of a currency", "Printing an invoice"]
    index = VectorStoreIndex.from_documents([Document(text=text) for text in texts])
    answer = index.as_query_engine(similarity_top_k=1).query("how much is a dollar worth in euro")
    assert answer.source_nodes[0].text == texts[1]


def test_ingestion_in_worker_processes(embedding, tmp_path):
    # Without a splitter: llama-index-core 0.14.25 hangs with SentenceSplitter and workers, whatever the embedding.
    script = tmp_path / "ingest.py"
    script.write_text(
        """
import warnings
warnings.simplefilter("ignore")
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.embeddings.hybrid import HybridEmbedding

if __name__ == "__main__":
    pipeline = IngestionPipeline(transformations=[HybridEmbedding()])
    documents = [Document(text=f"text number {number}") for number in range(4)]
    nodes = pipeline.run(documents=documents, num_workers=2)
    print([len(node.embedding) for node in nodes])
""",
        encoding="utf-8",
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=200, check=False)
    assert done.stdout.strip() == str([384] * 4), done.stderr


def test_ingestion_in_this_process(embedding):
    pipeline = IngestionPipeline(transformations=[SentenceSplitter(), embedding])
    nodes = pipeline.run(documents=[Document(text="курс валюты")])
    np.testing.assert_allclose(nodes[0].embedding, embedding.get_text_embedding("курс валюты"), atol=2e-2)


def test_changed_option_changes_the_vectors_and_the_cache_key_alike(embedding):
    changed = HybridEmbedding()
    changed.truncate_dim = 64
    assert changed.to_dict()["truncate_dim"] == len(changed.get_text_embedding("a")) == 64
    changed.close()
    assert len(changed.get_text_embedding("a")) == 64
    changed.close()
