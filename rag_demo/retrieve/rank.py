"""The learned order of the candidates: a weighted sum of features, weights from a JSON file of this package.

Two sets of weights: with the soft features, for models whose words have vectors of their own, and without them.
How they are fitted: ``benchmarks/fit_ranker.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rag_demo.retrieve.features import NAMES, Floats

PARAMETERS = Path(__file__).with_name("ranker.json")

# No question that the weights were fitted on asks for a document beside the dump; its nearest kin are help pages.
_LIKE = {"note": "help"}


class Ranker:
    """Scores candidates. The scores of one question can be compared with each other, not with those of another."""

    def __init__(self, soft: Mapping[str, float], plain: Mapping[str, float]) -> None:
        """Take the weight of each feature, by name; a name that is missing weighs nothing."""
        self._soft, self._plain = (
            np.array([table.get(name, table.get(_LIKE.get(name, ""), 0.0)) for name in NAMES])
            for table in (soft, plain)
        )

    @classmethod
    def load(cls, file: Path = PARAMETERS) -> Ranker:
        """The ranker that ``file`` describes."""
        tables = json.loads(file.read_text(encoding="utf-8"))
        return cls(tables["soft"], tables["plain"])

    def scores(self, features: Floats, *, soft: bool) -> Floats:
        """float32 ``(n,)`` for features ``(n, len(NAMES))``; larger is better."""
        scores: Floats = (features @ (self._soft if soft else self._plain)).astype(np.float32)
        return scores
