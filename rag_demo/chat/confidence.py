"""How sure the chat is that what was found answers a question: several signs of it, weighed together.

Three sorts of questions keep to a rule of `evidence`: what names something that was found is answered; what has an
identifier only if a hit mentions it; what has one or two words only if a hit has more than half of them. For all
others a logistic regression weighs the signs below. All of them are shares of words, ranks or counts, so that they
mean the same in every configuration and with every embedding model; scores of searches and of the learned order do
not. The weights are fitted on tune questions alone (``benchmarks/fit_confidence.py``), with known items and the same
ones again while the family of their object is left out of the search.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rag_demo.chat.evidence import FEW, by_root, head_roots_of, is_name, name_roots_of, roots_of, strength
from rag_demo.types import Hit

PARAMETERS = Path(__file__).with_name("confidence.json")
_UNRANKED = 99
NAMES = (
    "best",  # largest share of the question, by weight of its roots, that one hit covers
    "first",  # share that the first hit covers
    "told",  # share that the first hit covers by its name, synonym, header and comment, without its body
    "name",  # largest share that the own name of a hit covers
    "named",  # largest geometric mean of that share and the share of the name that is asked for
    "rarest",  # 1 if the rarest root of the question stands in some hit
    "legs",  # 1 / (1 + rank) of the first hit in the word search, and the same in the vector search, added
    "words",  # number of roots of the question
)


class Confidence:
    """Judges hits by weighed signs."""

    def __init__(self, weights: Mapping[str, float], bias: float) -> None:
        """Take the weight of each sign by its name, and what is added; 0 in sum is just enough."""
        self._weights = tuple(weights[name] for name in NAMES)
        self._bias = bias

    @classmethod
    def load(cls, file: Path = PARAMETERS) -> Confidence:
        """The judge that ``file`` describes."""
        table = json.loads(file.read_text(encoding="utf-8"))
        return cls(table["weights"], table["bias"])

    def of(self, hits: Sequence[Hit], weights: Mapping[str, float]) -> float:
        """How sure it is that the hits answer the question: 1 and above is enough, 0 for no hits.

        Args:
            hits: best first, with the legs that found them.
            weights: of the question's terms, from `evidence.weigh`.
        """
        if not hits:
            return 0.0
        if is_ruled(hits, weights):
            return max(strength(hit, weights) for hit in hits)
        total = sum(weight * sign for weight, sign in zip(self._weights, signs(hits, weights), strict=True))
        return 2 / (1 + math.exp(-total - self._bias))


def is_ruled(hits: Sequence[Hit], weights: Mapping[str, float]) -> bool:
    """Whether a rule decides on the question, not the weighed signs."""
    asked = by_root(weights)
    return len(asked) <= FEW or any(map(is_name, asked)) or any("exact" in hit.legs for hit in hits)


def signs(hits: Sequence[Hit], weights: Mapping[str, float]) -> tuple[float, ...]:
    """What speaks for the hits, in the order of `NAMES`.

    Args:
        hits: at least one, best first.
        weights: of the question's terms, not all of them 0.
    """
    asked = by_root(weights)
    total = sum(asked.values()) or 1.0

    def share(roots: frozenset[str]) -> float:
        return sum(weight for root, weight in asked.items() if root in roots) / total

    first, documents = hits[0], [hit.document for hit in hits]
    covered = [share(roots_of(document)) for document in documents]
    names = [name_roots_of(document) for document in documents]
    by_name = [share(name) for name in names]
    named = [
        math.sqrt(covering * len(name & asked.keys()) / max(len(name), 1))
        for covering, name in zip(by_name, names, strict=True)
    ]
    rarest = max(asked, key=lambda root: asked[root])
    ranks = [first.legs[leg].rank if leg in first.legs else _UNRANKED for leg in ("lexical", "dense")]
    return (
        max(covered),
        covered[0],
        share(head_roots_of(first.document)),
        max(by_name),
        max(named),
        float(any(rarest in roots_of(document) for document in documents)),
        sum(1 / (1 + rank) for rank in ranks),
        float(len(asked)),
    )
