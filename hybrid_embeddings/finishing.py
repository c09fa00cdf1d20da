"""From the vectors of the model to those that callers get, and into the caches with them."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hybrid_embeddings.keys import Space
from hybrid_embeddings.models.static import normalized
from hybrid_embeddings.ports import VectorCache
from hybrid_embeddings.scheduling.work import Item
from hybrid_embeddings.types import Importance, Kind, ModelCard, TokenizedText, Vectors

_log = logging.getLogger("hybrid_embeddings")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a text belongs in the caches, and how exactly it is stored there."""

    space: Space
    importance: Importance | None


@dataclass(frozen=True, slots=True)
class Finishing:
    """Cuts and scales vectors, and remembers them. ``cache`` is None where caching is off."""

    card: ModelCard
    truncate_dim: int | None = None
    normalize: bool | None = None
    cache: VectorCache | None = None
    spaces: Mapping[Kind, Space] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        """Length of the vectors that callers get."""
        return min(self.truncate_dim or self.card.dimension, self.card.dimension)

    def finished(self, vectors: Vectors) -> Vectors:
        """Cut and scale vectors of the model, float32 (n, dim). Row by row: the others do not matter."""
        if self.dimension < self.card.dimension:
            vectors = vectors[:, : self.dimension]
        # Cutting changes the length, so a model that normalises is normalised again.
        scale = self.normalize if self.normalize is not None else self.card.normalizes
        if scale and (self.dimension < self.card.dimension or not self.card.normalizes):
            vectors = normalized(vectors)
        return vectors

    def origin(self, kind: Kind, importance: Importance | None) -> Origin | None:
        """Return where texts of a kind belong; None if nothing is remembered."""
        return Origin(self.spaces[kind], importance) if self.cache is not None else None

    def remember(self, items: Sequence[Item], vectors: Vectors) -> None:
        """Put what a lane computed into the caches. Runs on the lane's thread, before callers get the vectors."""
        groups: dict[Origin, list[int]] = defaultdict(list)
        for row, item in enumerate(items):
            if item.origin is not None:
                groups[item.origin].append(row)
        for origin, rows in groups.items():
            chosen = [items[row] for row in rows]
            self.put(origin, [item.source for item in chosen], [item.text for item in chosen], vectors[rows])

    def put(
        self, origin: Origin | None, texts: Sequence[str], tokenized: Sequence[TokenizedText], vectors: Vectors
    ) -> None:
        """Put vectors of the model, float32 (n, dim), into the caches."""
        if self.cache is None or origin is None:
            return
        facts = np.array([(len(text.ids), text.n_lost) for text in tokenized], dtype=np.int32).reshape(-1, 2)
        try:
            self.cache.put_many(origin.space, texts, self.finished(vectors), facts, origin.importance)
        except Exception:  # noqa: BLE001 - a defect in a cache costs time, never an answer
            _log.exception("%d vectors were not cached", len(texts))
