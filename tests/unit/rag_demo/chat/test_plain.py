"""What the answers without a language model are made of, over a real index."""

from __future__ import annotations

import pytest

from rag_demo.chat.library import Shelves
from rag_demo.chat.plain import Teller
from rag_demo.chat.ports import Nothing
from rag_demo.index.ports import Where
from rag_demo.retrieve.search import Retriever
from rag_demo.testing import make_document
from tests.unit.rag_demo.retrieve.test_search import EMBEDDER, WEIGHTS, open_space


@pytest.mark.parametrize(
    ("sorts", "found"),
    [((), {"method", "module"}), (("method", "form"), {"method"}), (("metadata_object",), set())],
)
def test_calls_are_looked_for_in_code_alone(tmp_path, sorts, found):
    sought = "ПолучитьКурс"
    documents = [
        make_document(f"CommonModule.Курсы.М{n}", doc_type=sort, body=f"Курсы.{sought}(Валюта)")
        for n, sort in enumerate(("method", "module", "metadata_object", "form", "help"))
    ]
    retriever = Retriever(
        [open_space(tmp_path, documents)], encode_query=EMBEDDER.encode_query, weights=WEIGHTS, candidates=50
    )
    teller = Teller(retriever, knowledge=Nothing(), shelves=Shelves([]), events=None)
    assert {one.doc_type for one in teller._mentions(Where(doc_types=sorts))(sought)} == found
    retriever.close()
