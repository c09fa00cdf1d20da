"""What a text looks like without a model: a sketch of its letters, and a form that says what may differ.

Both are made of hashes, so that processes can exchange them without exchanging texts.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

SKETCH_DIM = 256
Sketch = npt.NDArray[np.float32]
"""float32, shape (256,), unit length."""

Difference = Literal["space", "case", "punctuation", "last sign", "function word", "ending"]
"""How two texts differ that the gate lets pass, from harmless to doubtful.

The last sign is a sort of its own: a full stop moves the vector of many models further than a comma.
"""

# A number with its sign and separators, a word with what joins identifiers, or any other sign.
_TOKENS = re.compile(r"[-+−]?\d+(?:[.,:/]\d+)*%?|[^\W\d](?:[\w’'-]*\w)?(?:[._]\w+)*|[^\w\s]")
# Signs that structure a sentence. All others (?, +, =, <, $, …) belong to the meaning.
_LIGHT_SIGNS = frozenset(".,!;:…«»“”„\"'()[]–—-`")
_NO_MATTER_AT_THE_END = " " + "".join(_LIGHT_SIGNS)
_FUNCTION_WORDS = frozenset(("a", "an", "the", "please", "kindly", "пожалуйста", "же", "ведь", "вот"))
_STEM_LETTERS = 6
_MOST_CACHED = 100_000


@dataclass(frozen=True, slots=True)
class Form:
    """A text as the gate sees it: 32-bit hashes of its words, in order."""

    words: tuple[int, ...]
    """Numbers, words and signs that count, case and width folded."""
    light: tuple[bool, ...]
    """Which of the words are function words."""
    stems: tuple[int, ...]
    """Hash of the first letters of each word that is long enough to have an ending; 0 for all others."""
    folded: int
    """Of the text with case and width folded and white space made single."""
    spaced: int
    """Of the text with white space made single."""
    last: int
    """Of the signs at the end that do not count."""

    @property
    def n_words(self) -> int:
        """How many of the words count."""
        return len(self.words)


class Former:
    """Makes sketches and forms. Threads may share it.

    With a secret, hashes cannot be guessed by who does not know it.
    """

    def __init__(self, secret: bytes = b"") -> None:
        self._secret = secret
        self._hashes: dict[str, int] = {}

    def form(self, text: str) -> Form:
        """Return the form of a text."""
        spaced = " ".join(text.split())
        folded = _folded(spaced)
        kept = [token for token in _TOKENS.findall(folded) if token not in _LIGHT_SIGNS]
        return Form(
            tuple(map(self._hash, kept)),
            tuple(token in _FUNCTION_WORDS for token in kept),
            tuple(self._hash("stem " + token[:_STEM_LETTERS]) if _has_ending(token) else 0 for token in kept),
            self._hash_once(folded),
            self._hash_once(spaced),
            self._hash(folded[len(folded.rstrip(_NO_MATTER_AT_THE_END)) :]),
        )

    def sketch(self, text: str) -> Sketch:
        """Return the sketch of a text: hashed trigrams of its folded letters, damped by the square root, unit length.

        Feature hashing: Weinberger et al. 2009, arXiv 0902.2206.
        """
        letters = np.frombuffer(f"  {_folded(' '.join(text.split()))} ".encode("utf-32-le", "surrogatepass"), "<u4")
        wide = letters.astype(np.uint64)
        mixed = wide[:-2] * np.uint64(0x9E3779B97F4A7C15) + wide[1:-1] * np.uint64(0xC2B2AE3D27D4EB4F)
        mixed = (mixed + wide[2:]) * np.uint64(0x165667B19E3779F9)
        places = (mixed >> np.uint64(40)) % np.uint64(SKETCH_DIM)
        signs = 1.0 - 2.0 * ((mixed >> np.uint64(39)) & np.uint64(1)).astype(np.float64)
        sums = np.bincount(places.astype(np.intp), weights=signs, minlength=SKETCH_DIM)
        damped = np.sign(sums) * np.sqrt(np.abs(sums))
        return np.asarray(damped / (np.linalg.norm(damped) or 1.0), dtype=np.float32)

    def _hash(self, word: str) -> int:
        found = self._hashes.get(word)
        if found is None:
            if len(self._hashes) >= _MOST_CACHED:
                self._hashes.clear()
            found = self._hashes[word] = self._hash_once(word)
        return found

    def _hash_once(self, text: str) -> int:
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, key=self._secret)
        return int.from_bytes(digest.digest(), "little")


def difference(one: Form, other: Form) -> Difference | None:
    """Tell how two texts differ; None if in more than the gate lets pass.

    Numbers, identifiers, negations, the order of words and every sign that is no punctuation have to be the same.
    """
    if one.words == other.words:
        if one.spaced == other.spaced:
            return "space"
        if one.folded == other.folded:
            return "case"
        return "punctuation" if one.last == other.last else "last sign"
    if _without_light(one) == _without_light(other):
        return "function word"
    return "ending" if _one_ending(one, other) else None


def _without_light(form: Form) -> list[int]:
    return [word for word, is_light in zip(form.words, form.light, strict=True) if not is_light]


def _one_ending(one: Form, other: Form) -> bool:
    """Tell whether exactly one word differs, and that in its ending."""
    if len(one.words) != len(other.words):
        return False
    differing = [row for row, (a, b) in enumerate(zip(one.words, other.words, strict=True)) if a != b]
    return len(differing) == 1 and 0 != one.stems[differing[0]] == other.stems[differing[0]]


def _has_ending(token: str) -> bool:
    """Tell whether a token is a plain word long enough for an ending that does not turn its meaning."""
    return len(token) > _STEM_LETTERS and token.isalpha()


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
