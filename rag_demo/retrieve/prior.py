"""What makes one of two equally matching documents the better answer. Pure functions."""

from __future__ import annotations

from collections.abc import Collection

from rag_demo.retrieve.query import Query

_WANTED_TYPE = 1.25
_WANTED_KIND = 1.25
# Objects without behaviour. Their names repeat those of commands, which is what is asked for.
_DECORATIVE = 0.85
_DECORATIVE_KINDS = frozenset({"CommandGroup", "CommonPicture", "Language", "PaletteColor", "Style", "StyleItem"})


def wanted(facts: Collection[str], object_kind: str, query: Query) -> float:
    """Factor above 1 if a document is the sort of thing the question asks for.

    Args:
        facts: what is known of the document, its ``doc_type`` among them (`index.traits`).
        object_kind: English kind of the object it belongs to.
        query: the question.
    """
    factor = _WANTED_TYPE if any(doc_type in facts for doc_type in query.wants) else 1.0
    if object_kind in query.kinds:
        factor *= _WANTED_KIND
    elif object_kind in _DECORATIVE_KINDS:
        factor *= _DECORATIVE
    return factor
