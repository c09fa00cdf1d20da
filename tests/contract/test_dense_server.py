"""The Qdrant server behind the same contract, by the client's own engine in memory; and what its errors become."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from qdrant_client import QdrantClient

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import IndexBroken, VectorsAway
from rag_demo.index.dense import Hnsw
from rag_demo.index.dense_connection import Server
from rag_demo.index.dense_server import ServerIndex
from rag_demo.index.ports import Where
from rag_demo.testing import make_document
from tests.contract.test_dense import DIMENSION, DenseIndexContract, axis
from tests.qdrant_server import QdrantServer

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]


class TestServer(DenseIndexContract):
    @pytest.fixture
    def index(self):
        server = Server(QdrantClient(":memory:"), name="The server")
        index = ServerIndex.create(server, "торговля", dimension=DIMENSION, hnsw=Hnsw(m=8, int8=True))
        yield index
        index.close()


class TestServerOverHttp(DenseIndexContract):
    @pytest.fixture
    def index(self):
        with QdrantServer().serving() as qdrant:
            server = Server.connect(qdrant.url, name="The server", api_key="", timeout_s=5)
            index = ServerIndex.create(server, "торговля", dimension=DIMENSION, hnsw=Hnsw(m=8))
            yield index
            index.close()


def test_a_collection_that_is_not_there_is_broken():
    index = ServerIndex(Server(QdrantClient(":memory:"), name="The server"), "нет", ef_search=16)
    with contextlib.closing(index), pytest.raises(IndexBroken, match="Index again"):
        index.check()


@pytest.fixture
def away(unused_tcp_port):
    """A server that is not there; its breaker opens after two failures, for ten seconds of the clock."""
    clock = [0.0]
    breaker = Breaker(threshold=2, timeout_s=10, clock=lambda: clock[0])
    url = f"http://127.0.0.1:{unused_tcp_port}"
    server = Server.connect(url, name=f"The Qdrant server {url}", api_key="", timeout_s=2, breaker=breaker)
    with contextlib.closing(ServerIndex(server, "торговля", ef_search=16)) as index:
        index.clock = clock
        yield index


def test_a_server_that_does_not_answer_is_told_of(away):
    for use in (away.check, away.versions, lambda: away.collect(1), away.at(1).count):
        with pytest.raises(VectorsAway, match=r"The Qdrant server http://127.* cannot be reached.*QDRANT_URL"):
            use()


def test_questions_do_not_wait_for_it_again_and_again(away):
    with contextlib.closing(away.at(1)) as reader:
        for told in ("cannot be reached", "cannot be reached", "a moment ago", "a moment ago"):
            with pytest.raises(VectorsAway, match=told):
                reader.search(np.asarray(axis(0)), 1)
        away.clock[0] += 10
        with pytest.raises(VectorsAway, match="cannot be reached"):
            reader.search(np.asarray(axis(0)), 1)


def test_settings_of_graph_and_filters_are_passed_on():
    with QdrantServer().serving() as qdrant:
        server = Server.connect(qdrant.url, name="The server", api_key="", timeout_s=5)
        index = ServerIndex.create(server, "торговля", dimension=4, hnsw=Hnsw(24, 77, 99, int8=True))
        index.add([make_document()], np.ones((1, 4), dtype=np.float32))
        with contextlib.closing(index), contextlib.closing(index.at(3)) as reader:
            reader.search(np.ones(4, dtype=np.float32), 2, where=Where(("а", "б"), ("method",), ("Catalog",)))
    (created,) = qdrant.bodies("PUT /collections/{collection_name}")
    assert created["vectors"] == {"passage": {"size": 4, "distance": "Cosine"}}
    assert created["hnsw_config"] == {"m": 24, "ef_construct": 77, "full_scan_threshold": 10_000}
    assert created["quantization_config"] == {"scalar": {"type": "int8", "quantile": 0.99, "always_ram": True}}
    indexed = qdrant.bodies("PUT /collections/{collection_name}/index")
    assert {body["field_name"] for body in indexed} == {"space_id", "doc_type", "object_kind", "gen_from", "gen_to"}
    operations = [exchange.operation for exchange in qdrant.exchanges]
    uploaded = operations.index("PUT /collections/{collection_name}/points")
    assert "PUT /collections/{collection_name}/index" not in operations[uploaded:]
    (asked,) = qdrant.bodies("POST /collections/{collection_name}/points/query")
    assert asked["params"] == {"hnsw_ef": 99, "quantization": {"rescore": True, "oversampling": 2.0}}
    assert asked["filter"]["must"] == [
        {"key": "space_id", "match": {"any": ["а", "б"]}},
        {"key": "doc_type", "match": {"any": ["method"]}},
        {"key": "object_kind", "match": {"any": ["Catalog"]}},
    ]
    assert asked["filter"]["must_not"] == [
        {"key": "gen_to", "range": {"lte": 3.0}},
        {"key": "gen_from", "range": {"gt": 3.0}},
    ]


def test_a_wrong_key_is_told_apart_and_never_shown():
    with QdrantServer(api_key="right").serving() as qdrant:
        server = Server.connect(qdrant.url, name="The server", api_key="wrong-secret", timeout_s=5)
        index = ServerIndex(server, "торговля", ef_search=16)
        with contextlib.closing(index), pytest.raises(VectorsAway, match=r"\(401.*QDRANT_API_KEY") as caught:
            index.check()
    assert "wrong-secret" not in f"{caught.value!r}"


def test_a_collection_that_vanishes_is_broken_not_away():
    with QdrantServer().serving() as qdrant:
        server = Server.connect(qdrant.url, name="The server", api_key="", timeout_s=5)
        index = ServerIndex.create(server, "торговля", dimension=4, hnsw=Hnsw())
        qdrant.client.delete_collection("торговля")
        reader = index.at(1)
        index.close()
        with contextlib.closing(reader), pytest.raises(IndexBroken, match="no collection 'торговля'"):
            reader.search(np.ones(4, dtype=np.float32), 1)
