"""The open indexes that are searched together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.ports import DenseReader, LexicalReader
from rag_demo.ports import Vectors
from rag_demo.retrieve.sketch_table import SketchTable


@dataclass(frozen=True, slots=True)
class OpenSpace:
    """The open indexes of one space.

    ``dense`` is None where vectors cannot be searched now. ``encode_query`` makes vectors of questions by the model
    of this space; None: the one of the retriever does. ``sketches`` are those of all its documents; None: they are
    made of the catalogue when the first question needs them, which takes seconds for a large configuration.
    """

    space_id: str
    lexical: LexicalReader
    catalogue: CatalogueReader
    dense: DenseReader | None = None
    encode_query: Callable[[str], Vectors] | None = None
    sketches: SketchTable | None = None


def rarity(spaces: Sequence[OpenSpace], term: str) -> float:
    """Inverse document frequency ln((N + 1) / (n + ½)): largest for unknown terms, never 0."""
    total = sum(space.lexical.count() for space in spaces)
    return math.log((total + 1) / (sum(space.lexical.frequency(term) for space in spaces) + 0.5))
