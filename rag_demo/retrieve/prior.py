"""What makes one of two equally matching documents the better answer. Pure functions."""

from __future__ import annotations

from rag_demo.index.analyse import fold
from rag_demo.retrieve.query import Query
from rag_demo.types import Document

# Factors on the fused score. They are smaller than the step from rank 1 to rank 30 (1.5), so that they
# order neighbours and cannot lift a document that hardly matches.
_PUBLIC = 1.10  # exported and in a region of the public interface
_EXPORTED = 1.04
_DEPRECATED = 0.80
_WANTED_TYPE = 1.25
_WANTED_KIND = 1.25
# Objects without behaviour. Their names repeat those of commands, which is what is asked for.
_DECORATIVE = 0.85
_DECORATIVE_KINDS = frozenset({"CommandGroup", "CommonPicture", "Language", "PaletteColor", "Style", "StyleItem"})
_PUBLIC_REGIONS = frozenset({"программныйинтерфейс", "public"})


def prior(document: Document, query: Query) -> float:
    """Factor for the fused score of a document: above 1 if it is the sort of thing the question asks for."""
    factor = 1.0
    if document.export:
        public = _PUBLIC_REGIONS.intersection(fold(document.region).replace("/", " ").replace("›", " ").split())
        factor *= _PUBLIC if public else _EXPORTED
    if document.deprecated:
        factor *= _DEPRECATED
    if document.doc_type in query.wants:
        factor *= _WANTED_TYPE
    if document.object_kind in query.kinds:
        factor *= _WANTED_KIND
    elif document.object_kind in _DECORATIVE_KINDS:
        factor *= _DECORATIVE
    return factor
