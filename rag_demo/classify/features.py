"""What the lexical part of the classifier sees of a passage. Pure functions.

Words give away what a text is about, their endings what it is for: «нажмите», «обязан», «исправлено», «можно ли».
So the features are words, pairs of words, pieces of words and marks, hashed into one vector of fixed length.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from rag_demo.ports import Vectors

DIMENSION = 8_192
LONGEST = 2_000  # characters of a passage that are looked at; the manner of a text shows early
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_PIECES = (3, 4, 5)
_WORD_WEIGHT = 2.0  # a word, or a pair of them, against one piece of a word


def lexical_features(texts: Sequence[str]) -> Vectors:
    """Hashed features, float32 ``(len(texts), DIMENSION)``, rows of length 1 (0 for a text without a token)."""
    rows = np.zeros((len(texts), DIMENSION), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for feature, weight in _weights(text).items():
            row[zlib.crc32(feature.encode("utf-8", errors="surrogatepass")) % DIMENSION] += weight
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.maximum(lengths, np.float32(1e-12))
    return rows


def _weights(text: str) -> dict[str, float]:
    counted = Counter(_features(_tokens(text)))
    return {
        feature: (1 + math.log(count)) * (1.0 if feature[0] == "." else _WORD_WEIGHT)
        for feature, count in counted.items()
    }


def _tokens(text: str) -> list[str]:
    """Lower-cased words, marks, and one «0» for any number: which number it is tells nothing."""
    folded = text[:LONGEST].lower().replace("ё", "е")
    return ["0" if token[0].isdigit() else token for token in _TOKEN.findall(folded)]


def _features(tokens: Sequence[str]) -> Iterator[str]:
    for before, token in zip(["^", *tokens], tokens, strict=False):
        yield f"w{token}"
        yield f"p{before} {token}"
        if len(token) > 2:
            framed = f"<{token}>"
            for length in _PIECES:
                for start in range(len(framed) - length + 1):
                    yield f".{framed[start : start + length]}"
