"""Which sources go to the model, and how much of each. Pure functions.

Three to six sources share the budget of tokens. Each gets an equal part, at most `CHUNK_TOKENS`; what a short one
leaves over goes to the others, the best first. Where the budget is too small for that many, the last ones stay out:
a few passages that can be understood are worth more than many scraps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag_demo.chat.compress import Piece, compress, pieces_of
from rag_demo.types import Document, Source

MOST_SOURCES = 6
CHUNK_TOKENS = 600
_SMALLEST_CHUNK = 150  # below that a passage is a scrap
_FENCE_TOKENS = 60  # the lines around a source: number, name, place, fence


@dataclass(frozen=True, slots=True)
class Candidate:
    """A source in pieces, with the tokens of each."""

    source: Source
    pieces: tuple[Piece, ...]
    tokens: tuple[int, ...]

    @property
    def size_tokens(self) -> int:
        """Of the whole source, without its fence."""
        return sum(self.tokens)


@dataclass(frozen=True, slots=True)
class Packed:
    """A source as the model sees it. ``text`` may be only the parts of the passage that speak of the question."""

    source: Source
    text: str
    tokens: int
    compressed: bool

    @property
    def document(self) -> Document:
        """The passage itself."""
        return self.source.hit.document


def texts_to_count(sources: Sequence[Source], *, most: int = MOST_SOURCES) -> list[tuple[Source, tuple[Piece, ...]]]:
    """The sources that may be packed, in pieces, for one call of a token counter."""
    return [(source, tuple(pieces_of(source.hit.document))) for source in sources[:most]]


def pack(candidates: Sequence[Candidate], weights: Mapping[str, float], *, budget_tokens: int) -> tuple[Packed, ...]:
    """The best candidates, numbered as they are, within a budget.

    Args:
        candidates: best first.
        weights: of the question's terms.
        budget_tokens: for all sources with their fences.

    Returns:
        At least the first candidate, cut to the budget; never more than `MOST_SOURCES`.
    """
    chosen = _chosen(candidates[:MOST_SOURCES], budget_tokens)
    packed = []
    for candidate, allowed in zip(chosen, _shares(chosen, budget_tokens), strict=True):
        text, compressed = compress(candidate.pieces, candidate.tokens, weights, budget_tokens=allowed)
        packed.append(Packed(candidate.source, text, min(candidate.size_tokens, allowed), compressed))
    return tuple(packed)


def _chosen(candidates: Sequence[Candidate], budget_tokens: int) -> Sequence[Candidate]:
    count = len(candidates)
    while count > 1:
        each = budget_tokens // count - _FENCE_TOKENS
        if all(each >= min(_SMALLEST_CHUNK, candidate.size_tokens) for candidate in candidates[:count]):
            break
        count -= 1
    return candidates[:count]


def _shares(chosen: Sequence[Candidate], budget_tokens: int) -> list[int]:
    """Tokens for each: an equal part, and from the best on what others leave over, up to `CHUNK_TOKENS`."""
    left = budget_tokens - _FENCE_TOKENS * len(chosen)
    wanted = [min(candidate.size_tokens, CHUNK_TOKENS) for candidate in chosen]
    even = max(left // max(len(chosen), 1), 0)
    shares = [min(want, even) for want in wanted]
    spare = left - sum(shares)
    for place, want in enumerate(wanted):
        more = min(want - shares[place], max(spare, 0))
        shares[place] += more
        spare -= more
    return shares
