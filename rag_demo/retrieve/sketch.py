"""A document as ordering sees it: words as numbers, facts as a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rag_demo.index.catalogue_reader import Outline
from rag_demo.index.traits import FACTS
from rag_demo.retrieve.purpose import SIGNS, signs_of
from rag_demo.retrieve.vectors import Numbers, Words

NUMBERS = ("length", "namesakes", "name_words")
ROW = (*NUMBERS, *FACTS, *SIGNS)


class Sketch(NamedTuple):
    """What ordering needs to know of a document."""

    full_name: str
    object_kind: str
    object_name: str
    facts: frozenset[str]
    row: npt.NDArray[np.float32]  # (len(ROW),)
    words: Numbers  # of its name, of its owner's, then all others
    sizes: tuple[int, int, int]  # how many are of each sort


def sketch(outline: Outline, words: Words, *, namesakes: int = 1) -> Sketch:
    """The sketch of a document.

    Args:
        outline: what is known of it.
        words: give its words their numbers.
        namesakes: documents of its name, itself included.
    """
    traits = outline.traits
    signs = signs_of(outline.full_name.rpartition(".")[2])
    numbers = (traits.length, np.log(namesakes), len(traits.name))
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
