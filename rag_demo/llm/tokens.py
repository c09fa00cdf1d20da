"""How many tokens a text has when its tokenizer is out of reach: an estimate that learns from what servers count."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable

# Letters per token on the safe side: tokenizers of current models put about 2.5–4 Cyrillic and 3–5 Latin letters into
# one. Digits and marks often stand alone; other scripts take up to a token for every two bytes.
_PIECES = re.compile(
    r"(?P<cyrillic>[А-яЁё]+)|(?P<latin>[A-Za-z]+)|(?P<newline>[\r\n]+)|(?P<blank>[^\S\r\n]+)|(?P<sign>[\x21-\x7e])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_LETTERS = {"cyrillic": 2.0, "latin": 3.0}
_PER_MESSAGE = 8  # role marks and separators of a chat template
_REMEMBERED = 32
_MARGIN = 1.1
# A prompt with so much less than expected was cut; texts of one corpus differ by far less.
_CUT = 0.7


def estimate_tokens(text: str) -> int:
    """Tokens of ``text``, rather too many than too few, without knowing the tokenizer."""
    return math.ceil(sum(_cost(piece) for piece in _PIECES.finditer(text)))


def estimate_prompt(texts: Iterable[str]) -> int:
    """Tokens of the messages ``texts`` together with what a chat template puts around them."""
    return sum(estimate_tokens(text) + _PER_MESSAGE for text in texts)


def fewest_tokens(texts: Iterable[str]) -> int:
    """No tokenizer in use makes fewer: none of their tokens reaches over a blank into the next word."""
    return sum(len(text.split()) for text in texts)


class TokenRatio:
    """What the tokens that a server counted are of those that were estimated."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_REMEMBERED)

    def learn(self, estimated: int, counted: int) -> None:
        """Remember a prompt that certainly was not cut."""
        if estimated > 0 and counted > 0:
            self._seen.append(counted / estimated)

    def corrected(self, estimated: int) -> int:
        """The estimate as the texts so far suggest it, still on the safe side."""
        return math.ceil(estimated * max(self._seen) * _MARGIN) if self._seen else estimated

    def was_cut(self, *, estimated: int, counted: int, fewest: int) -> bool:
        """Whether so few tokens cannot have been the whole prompt."""
        usual = min(self._seen, default=0.0)
        return counted < max(fewest, estimated * usual * _CUT)


def _cost(piece: re.Match[str]) -> float:
    kind, text = str(piece.lastgroup), piece.group()
    if kind in _LETTERS:
        return math.ceil(len(text) / _LETTERS[kind])
    if kind == "blank":
        return 0.0 if text == " " else 1.0  # a single one belongs to the next word
    if kind == "other":
        return len(text.encode(errors="replace")) / 2
    return 1.0 if kind == "sign" else len(text) / 2
