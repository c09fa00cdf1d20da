"""Which engine of words an index gets, and that it is opened with the one that made it."""

from __future__ import annotations

import pytest

from rag_demo import index_wiring, wiring
from rag_demo.errors import InputError
from rag_demo.index.ports import Where
from rag_demo.ingest import Ingested
from rag_demo.settings import read_settings
from rag_demo.testing import WordEmbedder, make_document


def settings(tmp_path, **environment):
    return read_settings({"RAG_DATA_DIR": str(tmp_path / "данные"), **environment}, env_file=tmp_path / "нет")


@pytest.mark.parametrize(
    ("backend", "documents", "file"),
    [
        ("whoosh", 3, "_MAIN_1.toc"),
        ("tantivy", 3, "meta.json"),
        ("auto", 3, "_MAIN_1.toc"),
        ("auto", 2_001, "meta.json"),
    ],
)
def test_the_engine_is_chosen_once_and_found_again(tmp_path, backend, documents, file):
    chosen = settings(tmp_path, LEXICAL_BACKEND=backend)
    methods = [make_document(f"CommonModule.Склад.Остаток{n}") for n in range(documents)]
    embedder = WordEmbedder(dimension=8)
    manifest = index_wiring.index(
        Ingested(methods, [], "Склад", "1", "designer"),
        source=tmp_path,
        embedder=lambda: embedder,
        settings=chosen,
        progress=lambda *_: None,
    )
    (folder,) = tmp_path.glob(f"данные/spaces/*/{manifest.generation}/lexical")
    assert (folder / file).is_file()
    other = settings(tmp_path, LEXICAL_BACKEND="whoosh")
    with wiring.open_retriever(("trade",), embedder=lambda *_: embedder, settings=other) as retriever:
        (hit, *_) = retriever.search("Остаток2", 5, where=Where(("trade",))).hits
    assert hit.document.name == "Остаток2"
    assert "lexical" in hit.legs


@pytest.mark.parametrize("name", ["LEXICAL_BACKEND", "RAG_RANKER"])
def test_other_names_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=name):
        settings(tmp_path, **{name: "лучший"})
