"""What of a document an adapted model sees: five texts, each turned into a vector of its own. Pure functions.

The vector of a document is the weighted sum of the unit vectors of its fields: so a long body does not drown the
name, however many words it has. One line holds one field, so that a passage is still a plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rag_demo.ports import Vectors
from rag_demo.types import Document

# Later words of a long body change its vector little.
_BODY_CHARACTERS = 6_000
_DOC_CHARACTERS = 800
# Endings of the names of modules that tell what they are for.
_PURPOSE = re.compile(
    "(?:Переопределяемый|Служебный|КлиентСервер|ВызовСервера|Клиент|Сервер|ПовтИсп|Глобальный"
    "|Overridable|Internal|ClientServer|ServerCall|Client|Server|Cached|Global)$"
)
_MOST_DOUBLINGS, _MOST_PARAMETERS = 10, 6


class Fields(NamedTuple):
    """The texts of one document; any may be empty."""

    name: str
    owner: str
    doc: str
    traits: str
    body: str


class Shown(NamedTuple):
    """Which fields of a document may be seen."""

    name: bool
    owner: bool
    doc: bool
    traits: bool
    body: bool


# What the unit vector of each field is worth in that of the document.
WEIGHTS = (1.0, 0.5, 1.0, 0.6, 0.7)


def fields_of(document: Document) -> Fields:
    """The five texts of a document, each on one line."""
    owner = f"{document.object_name} {document.synonym}" if document.object_name != document.name else document.synonym
    parameters = document.signature.partition("(")[2]
    body = f"{parameters} {document.body[:_BODY_CHARACTERS]}"
    return Fields(
        *(_line(text) for text in (document.name, owner, document.doc[:_DOC_CHARACTERS], traits(document), body))
    )


def traits(document: Document) -> str:
    """What sort of method it is, in words of which most stand nowhere else; empty for what is no method.

    Comments say it without naming anything: «Вызывается при …», «Возвращает …», «Позволяет переопределить …».
    """
    return " ".join(_traits(document)).lower() if document.doc_type == "method" else ""


def _traits(document: Document) -> Iterator[str]:
    yield "function" if document.is_function else "procedure"
    yield "exported" if document.export else "local"
    yield from (document.context, document.module_kind, document.object_kind)
    if purpose := _PURPOSE.search(document.object_name):
        yield ("module" if purpose[0].isascii() else "модуль") + purpose[0]
    # Letters for numbers: the tokenizer parts digits from words.
    yield "size" + chr(ord("a") + min(len(document.body.strip()).bit_length(), _MOST_DOUBLINGS))
    parameters = document.signature.partition("(")[2].rpartition(")")[0]
    yield "takes" + chr(ord("a") + min(len(parameters.split(",")) if parameters.strip() else 0, _MOST_PARAMETERS))


def layered_passage(document: Document) -> str:
    """The fields as one text, a line for each."""
    return "\n".join(fields_of(document))


def split_passage(passage: str) -> Fields:
    """The fields of a text that `layered_passage` made; any other text is a body."""
    lines = passage.split("\n")
    return Fields(*lines) if len(lines) == len(Fields._fields) else Fields("", "", "", "", _line(passage))


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
