"""Documents of the searched spaces by their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.ports import EVERYWHERE, Where
from rag_demo.retrieve.whole import join_parts
from rag_demo.types import Document

_MOST_PARTS = 500


class Shelves:
    """A `rag_demo.chat.ports.Library` over the catalogues of some spaces, within a filter of spaces."""

    def __init__(self, catalogues: Sequence[tuple[str, CatalogueReader]], where: Where = EVERYWHERE) -> None:
        """Take open catalogues with the names of their spaces; the first that knows a name answers."""
        self._catalogues = tuple(catalogues)
        self._where = where

    def within(self, space_ids: Sequence[str]) -> Shelves:
        """Only these spaces; none: all."""
        return self.passing(dataclasses.replace(self._where, space_ids=tuple(space_ids)))

    def passing(self, where: Where) -> Shelves:
        """Only what passes a filter."""
        spaces = where.space_ids
        return Shelves([entry for entry in self._catalogues if not spaces or entry[0] in spaces], where)

    def in_file(self, space_id: str, path: str) -> list[Document]:
        """The documents of one file of one space, in the order of lines; none if it is not indexed."""
        catalogues = [catalogue for name, catalogue in self._catalogues if name == space_id]
        return catalogues[0].of_path(path) if catalogues else []

    def named(self, full_name: str, *, space_id: str = "", line: int = 0) -> Document | None:
        """The document that is called exactly so; help pages are not meant.

        Of a long method the whole. Of an object in parts only what lies directly one after the other in its file: the
        piece with ``line``, or the one with the first part.

        Args:
            full_name: as the index writes it.
            space_id: of this space; default: of the first that has one.
            line: of the file, from 1.
        """
        for name, catalogue in self._catalogues:
            if space_id not in {"", name}:
                continue
            where = dataclasses.replace(self._where, space_ids=(name,))
            keys = catalogue.look_up(full_name, _MOST_PARTS, where=where)
            found = [entry for entry in catalogue.fetch(keys).values() if entry.full_name == full_name]
            own = [entry for entry in found if entry.doc_type in {"metadata_object", "method", "form", "module"}]
            if own:
                return _piece(own, line) if own[0].doc_type == "metadata_object" else _windows_joined(own)
        return None


def _piece(parts: Sequence[Document], line: int) -> Document:
    """The parts around the one that has a line, or else around the first."""
    first = next((part for part in parts if part.line_start <= line <= part.line_end), parts[0])
    return join_parts(first, parts).document


def _windows_joined(parts: Sequence[Document]) -> Document:
    """A long method that was cut into windows, which may overlap; the first part where they do not lie together."""
    first, lines = parts[0], dict[int, str]()
    for part in parts:
        if (part.path, part.doc_type) == (first.path, first.doc_type):
            lines |= dict(enumerate(part.text.split("\n"), start=part.line_start))
    whole = [lines[number] for number in sorted(lines)]
    if len(whole) != max(lines) - min(lines) + 1:
        return first
    return dataclasses.replace(first, line_start=min(lines), line_end=max(lines), text="\n".join(whole))
