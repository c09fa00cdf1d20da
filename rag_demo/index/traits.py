"""What ordering needs to know of a document, in one short text: the document itself would be many times as long.

A text of four lines: words of the own name, words of the owner's, further words, facts. Words are as people write
them (lower case, «ё» as «е»), because an embedding of word stems means little; each stands once in its line.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from rag_demo.index.analyse import fold, split_identifier
from rag_demo.index.words import FUNCTION_WORDS, KEYWORDS
from rag_demo.types import Document

# Words of long bodies after these many different ones say little about what a method is for.
_MOST_WORDS = 150
_WORD = re.compile(r"\w+")


class Traits(NamedTuple):
    """Words and facts of one document."""

    name: tuple[str, ...]
    owner: tuple[str, ...]
    words: tuple[str, ...]  # of parameters, comment, synonym and body
    facts: frozenset[str]  # names out of `FACTS`
    length: float  # ln(1 + characters of the body)


FACTS = (
    "export",
    "public",
    "deprecated",
    "function",
    "common_module",
    "form_module",
    "private",
    "client",
    "overridable",
    "handler",
    "empty",
    "described",
    "method",
    "metadata_object",
    "help",
    "form",
    "module",
    "note",
)
_PUBLIC_REGIONS = frozenset({"программныйинтерфейс", "public"})
_OBSOLETE_REGIONS = ("устаревшие", "deprecated")
_HANDLER_REGIONS = ("обработчик", "eventhandlers")
_PRIVATE = ("служебн", "internal", "private")
_OWN_TYPES = frozenset({"method", "metadata_object", "help", "form", "module"})


def written_words(text: str, *, code: bool = False) -> list[str]:
    """Words of a text as people write them, identifiers split, in order, without those that tell nothing apart."""
    left_out = KEYWORDS | FUNCTION_WORDS if code else FUNCTION_WORDS
    parts = (
        fold(part)
        for word in _WORD.findall(text)
        if not (code and fold(word) in KEYWORDS)
        for part in split_identifier(word)
    )
    return [part for part in parts if len(part) > 1 and part not in left_out]


def encode_traits(document: Document) -> str:
    """The text that is stored."""
    name = dict.fromkeys(written_words(document.name))
    owner = dict.fromkeys(written_words(document.object_name))
    prose = f"{document.doc}\n{'' if document.doc_type == 'method' else document.synonym}"
    parameters = document.signature.partition("(")[2]
    found = dict.fromkeys(
        written_words(parameters, code=True) + written_words(prose) + written_words(document.body, code=True)
    )
    words = list(found)[:_MOST_WORDS]
    facts = [f"{math.log1p(len(document.body)):.3f}", *(fact for fact in FACTS if fact in _facts(document))]
    return "\n".join(" ".join(line) for line in (name, owner, words, facts))


def decode_traits(text: str) -> Traits:
    """What `encode_traits` wrote."""
    name, owner, words, (length, *facts) = (line.split(" ") if line else [] for line in text.split("\n"))
    return Traits(tuple(name), tuple(owner), tuple(words), frozenset(facts), float(length))


def _facts(document: Document) -> set[str]:
    region, owner = fold(document.region), fold(document.object_name)
    said = {
        "export": document.export,
        "public": bool(_PUBLIC_REGIONS & set(re.split(r"[ /›]+", region))),
        "deprecated": document.deprecated or any(sign in region for sign in _OBSOLETE_REGIONS),
        "function": document.is_function,
        "common_module": document.module_kind == "CommonModule",
        "form_module": document.module_kind == "FormModule",
        "private": any(sign in owner for sign in _PRIVATE),
        "client": "клиент" in owner or "client" in owner,
        "overridable": "переопредел" in owner or "overridable" in owner,
        "handler": any(sign in region for sign in _HANDLER_REGIONS),
        "empty": not document.body.strip(),
        "described": bool(document.doc),
        "note": document.doc_type not in _OWN_TYPES,
        document.doc_type: True,
    }
    return {fact for fact, holds in said.items() if holds}
