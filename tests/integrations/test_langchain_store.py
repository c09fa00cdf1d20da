"""Our cache as a LangChain store: LangChain's own tests, and under ``CacheBackedEmbeddings``."""

import pytest
from langchain_classic.embeddings import CacheBackedEmbeddings
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import BaseStoreAsyncTests, BaseStoreSyncTests

from hybrid_embeddings import Settings, SettingsError
from langchain_hybrid_embeddings import HybridByteStore


def byte_store(folder, **options) -> HybridByteStore:
    return HybridByteStore(settings=Settings.load(env_file=None, cache_sql_url=f"sqlite:///{folder}/v.db", **options))


class StoreCase:
    @pytest.fixture
    def kv_store(self, tmp_path):
        store = byte_store(tmp_path)
        yield store
        store.close()

    @pytest.fixture
    def three_values(self):
        return b"one", b"", "три".encode()


class TestSync(StoreCase, BaseStoreSyncTests[bytes]):
    pass


class TestAsync(StoreCase, BaseStoreAsyncTests[bytes]):
    pass


class Counting(Embeddings):
    """Counts what reaches the model."""

    def __init__(self):
        self.texts = []

    def embed_documents(self, texts):
        self.texts += texts
        return [[float(len(text)), 1.0] for text in texts]

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def test_under_cache_backed_embeddings_nothing_is_computed_twice(tmp_path):
    for expected in (["а", "бб"], ["ввв"]):
        model, store = Counting(), byte_store(tmp_path)
        cached = CacheBackedEmbeddings.from_bytes_store(model, store, namespace="модель", key_encoder="blake2b")
        texts = ["а", "бб"] if len(expected) == 2 else ["бб", "ввв", "а"]
        assert cached.embed_documents(texts) == [[float(len(text)), 1.0] for text in texts]
        assert model.texts == expected
        store.close()


def test_a_damaged_value_is_gone_and_a_store_that_is_away_is_empty(tmp_path):
    import sqlite3

    store = byte_store(tmp_path)
    store.mset([("a", b"1"), ("b", b"2")])
    with sqlite3.connect(tmp_path / "v.db") as connection:
        connection.execute("update hybrid_embeddings_records set record = substr(record, 1, length(record) - 1)")
    connection.close()
    assert store.mget(["a", "b"]) == [None, None]
    assert list(store.yield_keys()) == []
    store.close()
    away = HybridByteStore(settings=Settings.load(env_file=None, cache_redis_url=f"unix://{tmp_path}/no.sock"))
    away.mset([("a", b"1")])
    assert away.mget(["a"]) == [None]
    assert list(away.yield_keys()) == []
    away.close()


def test_namespaces_and_secrets_do_not_mix(tmp_path):
    store = byte_store(tmp_path)
    store.mset([("a", b"1")])
    url = f"sqlite:///{tmp_path}/v.db"
    other = HybridByteStore("other", settings=Settings.load(env_file=None, cache_sql_url=url))
    secret = byte_store(tmp_path, cache_secret="тайна")  # noqa: S106 - a secret of the test
    assert (other.mget(["a"]), secret.mget(["a"]), store.mget(["a"])) == ([None], [None], [b"1"])
    for one in (store, other, secret):
        one.close()


def test_without_a_store_it_says_what_to_set():
    with pytest.raises(SettingsError, match="EMBEDDING_CACHE_SQL_URL"):
        HybridByteStore(settings=Settings.load(env_file=None))
