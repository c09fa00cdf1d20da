"""An object that was split for searching, put together again for reading. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rag_demo.types import Document


def join_parts(document: Document, candidates: Iterable[Document]) -> tuple[Document, frozenset[str]]:
    """A document with the parts of the same thing that lie directly before and after it in its file.

    Args:
        document: one part.
        candidates: documents of the same name; those of other files, and windows that overlap, are left out.

    Returns:
        The document over all the lines, still exactly those of the file, and the ids of what went into it.
    """
    parts = sorted(
        (part for part in candidates if (part.path, part.doc_type) == (document.path, document.doc_type)),
        key=lambda part: part.line_start,
    )
    run = [document]
    for part in parts:
        if part.line_start == run[-1].line_end + 1:
            run.append(part)
    for part in reversed(parts):
        if part.line_end == run[0].line_start - 1:
            run.insert(0, part)
    whole = replace(
        run[0],
        line_end=run[-1].line_end,
        text="\n".join(part.text for part in run),
        body="\n".join(part.body for part in run),
    )
    return whole, frozenset(part.doc_id for part in run)
