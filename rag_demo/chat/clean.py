"""What a language model says, made fit to be shown. Pure but for what a piece leaves for the next one.

A server may send half a letter (JSON escapes one beyond the basic plane as two), bytes that steer a terminal, or marks
that turn the direction of writing round. None of that may reach a screen, a log or the cache.
"""

from __future__ import annotations

import re

_LETTERS_IN_A_TOKEN = 16  # more than any tokenizer has on average: what is longer ignores its limit
# Controls but for tab and line feed, and the overrides of the direction of writing (Unicode Annex 9).
UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Cleaner:
    """Cleans the pieces of one answer and counts their letters. Text and thoughts have one each, and one limit."""

    def __init__(self) -> None:
        self._half = ""  # the first part of a letter whose second part is still to come
        self.letters = 0

    def clean(self, piece: str) -> str:
        """The piece without what cannot be shown, behind what the piece before held back."""
        piece = self._half + piece
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        shown = UNSHOWABLE.sub("", _whole(piece.removesuffix(self._half)))
        self.letters += len(shown)
        return shown


def most_letters(tokens: int) -> int:
    """Letters of an answer of so many tokens, at most."""
    return tokens * _LETTERS_IN_A_TOKEN


def _whole(piece: str) -> str:
    """Surrogates joined where they are pairs; others become U+FFFD."""
    try:
        piece.encode()
    except UnicodeEncodeError:
        return piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return piece
