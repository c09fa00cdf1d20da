"""What of a document an adapted model sees: four texts, each turned into a vector of its own. Pure functions.

The vector of a document is the weighted sum of the unit vectors of its fields: so a long body does not drown the
name, however many words it has. One line holds one field, so that a passage is still a plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rag_demo.ports import Vectors
from rag_demo.types import Document

# Later words of a long body change its vector little.
_BODY_CHARACTERS = 6_000
_DOC_CHARACTERS = 800


class Fields(NamedTuple):
    """The texts of one document; any may be empty."""

    name: str
    owner: str
    doc: str
    body: str


class Shown(NamedTuple):
    """Which fields of a document may be seen."""

    name: bool
    owner: bool
    doc: bool
    body: bool


# What the unit vector of each field is worth in that of the document.
WEIGHTS = (1.0, 0.5, 1.0, 0.7)


def fields_of(document: Document) -> Fields:
    """The four texts of a document, each on one line."""
    owner = f"{document.object_name} {document.synonym}" if document.object_name != document.name else document.synonym
    parameters = document.signature.partition("(")[2]
    body = f"{parameters} {document.body[:_BODY_CHARACTERS]}"
    return Fields(*(_line(text) for text in (document.name, owner, document.doc[:_DOC_CHARACTERS], body)))


def layered_passage(document: Document) -> str:
    """The fields as one text, a line for each."""
    return "\n".join(fields_of(document))


def split_passage(passage: str) -> Fields:
    """The fields of a text that `layered_passage` made; any other text is a body."""
    lines = passage.split("\n")
    return Fields(*lines) if len(lines) == len(Fields._fields) else Fields("", "", "", _line(passage))


def mix(fields: Sequence[Vectors]) -> Vectors:
    """Vectors of documents from those of their fields, each float32 ``(documents, dimension)``; length 1, or 0."""
    mixed = np.zeros_like(fields[0])
    for weight, field in zip(WEIGHTS, fields, strict=True):
        mixed += np.float32(weight) * _unit(field)
    return _unit(mixed)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), dtype=np.float32)


def _line(text: str) -> str:
    return " ".join(text.split())
