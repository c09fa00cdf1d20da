"""A server over a small index, asked without a network."""

from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.unit.rag_demo.dumps import SmallDump

MODEL = "слова"


class TinyService:
    """The embedding service in the words of the endpoint: fixed vectors, a token per word."""

    model_name = "/models/слова"
    dimension = 64

    def __init__(self):
        self.events = None
        self._embedder = WordEmbedder()

    async def aencode(self, texts, *, return_report):
        from hybrid_embeddings import Report

        assert return_report
        rows = [texts] if isinstance(texts, str) else texts
        report = Report(n_texts=len(rows), n_tokens=sum(len(text.split()) for text in rows))
        vectors = self._embedder.encode_documents(rows)
        return (vectors[0] if isinstance(texts, str) else vectors), report


@pytest.fixture
def dump(tmp_path: Path) -> SmallDump:
    return SmallDump(tmp_path / "выгрузка")


@pytest.fixture
def library(tmp_path, monkeypatch, dump):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
    settings = Settings(data_dir=str(tmp_path / "данные"), model=MODEL)
    with contextlib.closing(Library(settings)) as library:
        library.index(dump.root, "дом", progress=lambda *_: None)
        yield library


@pytest.fixture
def client_for(library, monkeypatch):
    """Make a client of a server with other settings."""
    monkeypatch.setattr(server, "_scrape", lambda *_: lambda: (b"a_metric 1\n", "text/plain"))

    def make(**options):
        settings = Settings(data_dir=library._settings.data_dir, model=MODEL, **options)
        app = server.build(library, TinyService(), settings)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://127.0.0.1:8000"
        )

    return make


@pytest.fixture
async def client(client_for):
    async with client_for() as client:
        yield client
