"""What of a document is turned into a vector."""

from __future__ import annotations

import re

from rag_demo.index.analyse import fold, natural
from rag_demo.types import Document

# A vocabulary that knows no Russian spends a token on each letter, and time grows with tokens. Shorter is also better:
# on the 581 questions named in `index/lexical.py` the default model finds 37 % within ten hits by the name alone,
# 30 % with the name of the object before it, 19 % and 10 % with the first 120 and 240 letters of all that is known.
_LONGEST = 200
# The description ends with a sentence, a blank line or the first section of the comment («Параметры:»).
_SECTIONS = "параметры|возвращаемое значение|примеры?|варианты вызова|parameters|returns|examples?|call options"
_SENTENCE_END = re.compile(rf"(?<=[.!?])(?<!\bсм\.)\s+|\n\s*\n|(?:^|\n)\s*(?:{_SECTIONS})\s*:", re.IGNORECASE)


def passage(document: Document) -> str:
    """A short text for the encoder: the name as words, what users call it, the first sentence on it."""
    name = natural(document.name)
    parts = [name, first_sentence(document.doc)]
    if document.doc_type != "method" and fold(document.synonym) != fold(name):
        parts.insert(1, document.synonym)
    return ". ".join(part.rstrip(".") for part in parts if part)[:_LONGEST]


def first_sentence(text: str) -> str:
    """The first sentence of a comment on one line, without what follows it."""
    return " ".join(_SENTENCE_END.split(text.strip(), maxsplit=1)[0].split())
