"""What of a document is turned into a vector."""

from __future__ import annotations

import re

from rag_demo.index.analyse import natural
from rag_demo.types import Document

# A multilingual word-piece vocabulary spends a token on two or three Cyrillic letters, an English one on each.
# Names and the first sentence decide; with whole methods the usual default model finds less than half as much,
# and 40,000 of them would take two cores most of an hour.
_LONGEST = 240
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


def passage(document: Document) -> str:
    """A short text for the encoder: names as words, the synonym, the first sentence, the start of the rest."""
    names = f"{natural(document.object_name)}: {natural(document.name)}"
    parts = [natural(document.name) if document.name == document.object_name else names]
    if document.synonym and document.synonym.lower() != natural(document.name):
        parts.append(document.synonym)
    parts.append(first_sentence(document.doc) or " ".join(document.body.split()))
    return ". ".join(part for part in parts if part)[:_LONGEST]


def first_sentence(text: str) -> str:
    """The first sentence of a comment on one line, without what follows it."""
    return " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split())
