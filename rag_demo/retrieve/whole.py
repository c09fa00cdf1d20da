"""An object that was split for searching, put together again for reading. Pure functions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from rag_demo.index.analyse import fold, terms
from rag_demo.retrieve.kinds import words
from rag_demo.retrieve.query import Query
from rag_demo.types import Document


class Piece(NamedTuple):
    """Parts of an object that lie directly one after the other: a document over all their lines, and their ids."""

    document: Document
    ids: frozenset[str]


def join_parts(document: Document, candidates: Iterable[Document]) -> Piece:
    """A document with the parts of the same thing that lie directly before and after it in its file.

    Args:
        document: one part.
        candidates: documents of the same name; those of other files, and windows that overlap, are left out.
    """
    alike = (part for part in candidates if part.doc_type == document.doc_type)
    return next(piece for piece in pieces([document, *alike]) if document.doc_id in piece.ids)


def pieces(parts: Iterable[Document]) -> list[Piece]:
    """The parts of one thing, joined as far as lines allow: the text of each piece is exactly what its files hold."""
    runs: list[list[Document]] = []
    unique = {part.doc_id: part for part in parts}
    for part in sorted(unique.values(), key=lambda part: (part.path, part.line_start)):
        before = (part.path, part.line_start - 1)
        run = next((run for run in runs if (run[-1].path, run[-1].line_end) == before), None)
        if run is None:
            runs.append([part])
        else:
            run.append(part)
    return [_joined(run) for run in runs]


class Telling:
    """The pieces of an object for one question, the most telling first: one for each that the search found."""

    def __init__(self, parts: Iterable[Document], query: Query) -> None:
        """Take all parts of the object."""
        found = pieces(parts)
        self._places = {doc_id: place for place, piece in enumerate(found) for doc_id in piece.ids}
        self._waiting = iter(most_telling(found, query))
        self._met: set[int | None] = set()

    def show(self, doc_id: str) -> Document | None:
        """What is shown where this part was found; None: its piece was found before."""
        place = self._places.get(doc_id)
        if place in self._met:
            return None
        self._met.add(place)
        piece = next(self._waiting, None)
        return piece.document if piece else None


def most_telling(found: Sequence[Piece], query: Query) -> list[Piece]:
    """Pieces of one object, first those that have words of the question, and pairs of them, which the others lack."""
    if len(found) < 2:
        return list(found)
    first = found[0].document
    # What every piece may say tells none of them from the others.
    called = f"{first.header} {first.full_name} {first.synonym} тип type"
    anyway = terms(called)
    forms_of_it = " ".join(word for word in words(query.text) if set(terms(word)) <= set(anyway))
    asked = _forms(query.terms, query.text) - _forms(anyway, f"{called} {forms_of_it}")
    said = [asked & _forms(terms(piece.document.body), piece.document.body) for piece in found]
    shared = Counter(form for forms in said for form in forms)
    # Summed exactly: the order of a set is another in every process.
    worth = [math.fsum(1 / shared[form] for form in forms) for forms in said]
    return [found[place] for place in sorted(range(len(found)), key=lambda place: -worth[place])]


def _joined(run: Sequence[Document]) -> Piece:
    whole = replace(
        run[0],
        line_end=run[-1].line_end,
        text="\n".join(part.text for part in run),
        body="\n".join(part.body for part in run),
    )
    return Piece(whole, frozenset(part.doc_id for part in run))


def _forms(said: Sequence[str], text: str) -> set[str]:
    """Terms, neighbouring terms («Реквизит Комментарий»), and words as they are: «Имя» is not «ИмяПользователя»."""
    return {*said, *map(" ".join, pairwise(said)), *(f"={fold(word)}" for word in words(text) if terms(word))}
