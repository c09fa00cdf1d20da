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
from tests.contract.test_dense import DIMENSION, DenseIndexContract, axis

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
