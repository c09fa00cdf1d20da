"""Documents as ordering sees them: words as numbers, facts as a row. Kept, because documents come again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rag_demo.index.catalogue_reader import Outline
from rag_demo.index.ports import DocKey
from rag_demo.index.traits import FACTS
from rag_demo.ports import Vectors
from rag_demo.retrieve.purpose import SIGNS, signs_of
from rag_demo.retrieve.spaces import OpenSpace
from rag_demo.retrieve.vectors import Numbers, Words

NUMBERS = ("length", "namesakes", "name_words")
ROW = (*NUMBERS, *FACTS, *SIGNS)
# A sketch takes about a kilobyte. 38,000 methods have 12,000 different words.
_MOST_SKETCHES = 60_000
_MOST_WORDS = 60_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """What ordering needs to know of a document."""

    full_name: str
    object_kind: str
    object_name: str
    facts: frozenset[str]
    row: npt.NDArray[np.float32] = field(repr=False)  # (len(ROW),)
    words: Numbers = field(repr=False)  # of its name, of its owner's, then all others
    sizes: tuple[int, int, int]  # how many are of each sort


def sketch(outline: Outline, words: Words) -> Sketch:
    """The sketch of a document; its words get their numbers from ``words``."""
    traits = outline.traits
    signs = signs_of(outline.full_name.rpartition(".")[2])
    numbers = (traits.length, np.log(outline.namesakes), len(traits.name))
    said = [name in traits.facts or name in signs for name in (*FACTS, *SIGNS)]
    return Sketch(
        full_name=outline.full_name,
        object_kind=outline.object_kind,
        object_name=outline.object_name,
        facts=traits.facts,
        row=np.array([*numbers, *said], dtype=np.float32),
        words=words.numbers((*traits.name, *traits.owner, *traits.words)),
        sizes=(len(traits.name), len(traits.owner), len(traits.words)),
    )


class Sketches:
    """Sketches of the documents of open spaces, each made once. Safe to call from several threads."""

    def __init__(self, encode: Callable[[list[str]], Vectors] | None = None) -> None:
        """Take the model of the words; None: they have no vectors."""
        self._encode = encode
        self._kept: tuple[Words, dict[DocKey, Sketch]] = (Words(encode), {})

    def of(self, keys: Sequence[DocKey], spaces: Sequence[OpenSpace]) -> tuple[dict[DocKey, Sketch], Words]:
        """The sketches of these documents in the order of ``keys``, unknown ones left out, and their words."""
        words, kept = self._kept
        if len(kept) > _MOST_SKETCHES or len(words) > _MOST_WORDS:
            self._kept = words, kept = Words(self._encode), {}
        kept.update(_made([key for key in keys if key not in kept], spaces, words))
        return {key: kept[key] for key in keys if key in kept}, words


def _made(keys: Sequence[DocKey], spaces: Sequence[OpenSpace], words: Words) -> Iterator[tuple[DocKey, Sketch]]:
    for space in spaces if keys else ():
        outlines = space.catalogue.outlines([key for key in keys if key.space_id == space.space_id])
        for key, outline in outlines.items():
            yield key, sketch(outline, words)
