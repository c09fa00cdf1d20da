"""The sketches of the candidates of a question, whichever spaces they come from, with one numbering of words."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from rag_demo.index.ports import DocKey
from rag_demo.retrieve.sketch import Sketch
from rag_demo.retrieve.sketch_table import SketchTable
from rag_demo.retrieve.spaces import OpenSpace
from rag_demo.retrieve.vectors import Encode, Numbers, PlacesOf, Words

# Words of questions that no document has are kept too, each with its vector of a kilobyte.
_MOST_ASKED = 50_000


class Sketches:
    """Sketches of the documents of open spaces. Safe to call from several threads."""

    def __init__(self, encode: Encode | None = None, places_of: PlacesOf | None = None) -> None:
        """Take the model of the words, without which they have no vectors, and their places in another table."""
        self._encode = encode
        self._places_of = places_of
        self._lock = threading.Lock()
        self._words = Words(encode, places_of=places_of)
        self._tables: dict[str, tuple[SketchTable, Numbers | None]] = {}
        self._stored = 0

    def of(self, keys: Sequence[DocKey], spaces: Sequence[OpenSpace]) -> tuple[dict[DocKey, Sketch], Words]:
        """The sketches of these documents in the order of ``keys``, unknown ones left out, and their words."""
        with self._lock:
            if len(self._words) > self._stored + _MOST_ASKED:
                self._tables = {}
            for space in spaces:
                if space.space_id not in self._tables:
                    self._adopt(space)
            words, tables = self._words, self._tables
        found = {}
        for space in spaces:
            table, numbers = tables[space.space_id]
            ids = [key.doc_id for key in keys if key.space_id == space.space_id]
            found.update({DocKey(space.space_id, doc_id): one for doc_id, one in table.sketches(ids, numbers)})
        return {key: found[key] for key in keys if key in found}, words

    def _adopt(self, space: OpenSpace) -> None:
        table = space.sketches
        if table is None:
            table = SketchTable.of_outlines(space.catalogue.outlines())
        if self._tables:
            numbers = self._words.adopt(table.vocabulary)
        else:
            self._words, numbers = Words(self._encode, table.vocabulary, self._places_of), None
        # Others may be reading the one that was there.
        self._tables = self._tables | {space.space_id: (table, numbers)}
        self._stored = len(self._words)
