"""The Qdrant server behind the same contract: the client's own engine in memory, and the requests it would send."""

from __future__ import annotations

import pytest
from qdrant_client import QdrantClient

from rag_demo.errors import IndexBroken
from rag_demo.index.dense import Hnsw
from rag_demo.index.dense_server import ServerIndex
from tests.contract.test_dense import DIMENSION, DenseIndexContract

pytestmark = [
    pytest.mark.filterwarnings("ignore:Payload indexes have no effect in the local Qdrant"),
    pytest.mark.filterwarnings("ignore:Local mode performs exact"),
]


class TestServer(DenseIndexContract):
    @pytest.fixture
    def index(self):
        client = QdrantClient(":memory:")
        index = ServerIndex.create(client, "торговля", dimension=DIMENSION, hnsw=Hnsw(m=8))
        yield index
        index.close()


def test_a_collection_that_is_not_there_is_broken():
    client = QdrantClient(":memory:")
    with pytest.raises(IndexBroken, match="Index again"):
        ServerIndex.open(client, "нет", ef_search=16)
    client.close()


def test_a_server_that_does_not_answer_is_told_of(unused_tcp_port):
    client = QdrantClient(url=f"http://127.0.0.1:{unused_tcp_port}", check_compatibility=False, timeout=2)
    with pytest.raises(IndexBroken, match="QDRANT_URL"):
        ServerIndex.open(client, "торговля", ef_search=16)
    client.close()
