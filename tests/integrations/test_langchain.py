"""LangChain: its standard suites, and what they leave out."""

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests
from pydantic import ValidationError

from hybrid_embeddings import InputError
from langchain_hybrid_embeddings import HybridEmbeddings


class TestStandardUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self):
        return HybridEmbeddings

    @property
    def init_from_env_params(self):
        return {"EMBEDDING_MODEL": "all-MiniLM-L6-v2"}, {}, {"model_name": "sentence-transformers/all-MiniLM-L6-v2"}


class TestStandardIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self):
        return HybridEmbeddings


@pytest.fixture(scope="module")
def embeddings(model_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
        made = HybridEmbeddings()
    yield made
    made.service.close()


TEXTS = ["первый", "", "second", "первый", "a longer text about currency rates"]


def test_empty_list_empty_string_order_and_duplicates(embeddings):
    assert embeddings.embed_documents([]) == []
    vectors = embeddings.embed_documents(TEXTS)
    assert [len(vector) for vector in vectors] == [384] * 5
    assert vectors[0] == vectors[3]
    for text, vector in zip(TEXTS, vectors, strict=True):
        assert np.dot(embeddings.embed_query(text), vector) > 0.999


def test_plain_python_numbers(embeddings):
    assert {type(value) for value in embeddings.embed_query("a")} == {float}


async def test_async_equals_sync(embeddings):
    documents, query = await asyncio.gather(embeddings.aembed_documents(TEXTS), embeddings.aembed_query(TEXTS[0]))
    np.testing.assert_allclose(documents, embeddings.embed_documents(TEXTS), atol=2e-2)
    np.testing.assert_allclose(query, documents[0], atol=2e-2)


def test_threads_share_one_object(embeddings):
    with ThreadPoolExecutor(16) as pool:
        vectors = list(pool.map(embeddings.embed_query, TEXTS * 20))
    expected = embeddings.embed_documents(TEXTS) * 20
    assert min(np.einsum("ij,ij->i", vectors, expected)) > 0.999


def test_text_is_passed_on_unchanged(embeddings):
    raw = "line one\nline two\t  end  "
    direct = embeddings.service.encode(raw, kind="document")
    np.testing.assert_allclose(embeddings.embed_documents([raw])[0], direct, atol=2e-2)


def test_pickled_copy(embeddings):
    copy = pickle.loads(pickle.dumps(embeddings))
    np.testing.assert_allclose(copy.embed_query("a"), embeddings.embed_query("a"), atol=1e-6)
    copy.service.close()


def test_chain_from_question_to_document(embeddings):
    store = InMemoryVectorStore(embeddings)
    texts = ["Goods are written off from the warehouse", "The exchange rate of a currency", "Printing an invoice"]
    store.add_documents([Document(page_content=text) for text in texts])
    chain = (
        RunnablePassthrough()
        | store.as_retriever(search_kwargs={"k": 1})
        | RunnableLambda(lambda found: found[0].page_content)
    )
    assert chain.invoke("how much is a dollar worth in euro") == texts[1]


def test_options_reach_the_engine_and_typos_do_not():
    assert HybridEmbeddings(model="all-MiniLM-L6-v2", truncate_dim=32, precision="exact").service.dimension == 32
    with pytest.raises(ValidationError, match="Extra inputs"):
        HybridEmbeddings(modle="x")
    with pytest.raises(ValueError, match="argument truncate_dim"):
        HybridEmbeddings(truncate_dim=-1)


def test_bad_text_is_named(embeddings):
    with pytest.raises(InputError, match="text 1 is NoneType"):
        embeddings.embed_documents(["a", None])


def test_changed_option_changes_the_vectors(embeddings):
    changed = embeddings.model_copy(update={"truncate_dim": 64})
    assert len(changed.embed_query("a")) == 64
    assert len(embeddings.embed_query("a")) == 384
    changed.truncate_dim = 32
    assert len(changed.embed_query("a")) == 32
    changed.close()


def test_closed_adapter_starts_again():
    own = HybridEmbeddings()
    before = own.embed_query("a")
    own.close()
    assert own.embed_query("a") == before
    own.close()


def test_json_round_trip_keeps_what_the_environment_decided(monkeypatch):
    monkeypatch.setenv("EMBEDDING_TRUNCATE_DIM", "64")
    form = HybridEmbeddings().model_dump_json()
    monkeypatch.delenv("EMBEDDING_TRUNCATE_DIM")
    assert HybridEmbeddings.model_validate_json(form).service.dimension == 64
    assert HybridEmbeddings() == HybridEmbeddings()
    assert HybridEmbeddings() != HybridEmbeddings(truncate_dim=5)


async def test_single_string_is_refused_by_both_forms(embeddings):
    with pytest.raises(InputError, match="takes a list"):
        embeddings.embed_documents("abc")
    with pytest.raises(InputError, match="takes a list"):
        await embeddings.aembed_documents("abc")


async def test_list_is_no_question(embeddings):
    with pytest.raises(InputError, match="question is list"):
        embeddings.embed_query(["a"])
    with pytest.raises(InputError, match="question is list"):
        await embeddings.aembed_query(["a"])
