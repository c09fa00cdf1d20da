"""The near-duplicate tier: a text that differs in nothing that counts gets the vector of one that is known.

It never needs the vector of the text that it looks up. A sketch finds candidates, a gate compares their words, and what
was measured on pairs of that sort of difference decides. In shadow mode, and for a sample of the hits, the vector is
computed all the same and compared: that is what the decisions rest on.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from hybrid_embeddings.cache.ann import SketchIndex
from hybrid_embeddings.cache.judge import Judge, Sort, sort_of
from hybrid_embeddings.cache.sketch import Difference, Form, Former, Sketch, difference
from hybrid_embeddings.events import Events, NearDuplicateChecked
from hybrid_embeddings.keys import Space
from hybrid_embeddings.types import Facts, Vectors

Mode = Literal["shadow", "active"]
_CANDIDATES = 4
# Of sketches, not of vectors: below, texts differ in more than the gate lets pass anyway.
_LEAST_SIMILAR = 0.6
# In longer texts hardly two are alike but for a comma, and the gate costs time by the word.
MOST_LETTERS = 4000


@dataclass(frozen=True, slots=True)
class Entry:
    """A known text without its letters."""

    form: Form
    sketch: Sketch
    vector: Vectors  # float32, (dim,)
    n_tokens: int


@dataclass(frozen=True, slots=True)
class Learned:
    """What one process found out and others may want to know."""

    entries: list[Entry]
    measured: list[tuple[Sort, float]]
    """Sorts of difference with the true cosine of a pair."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known text that differs from another only in what the gate lets pass."""

    entry: Entry
    sort: Sort
    similarity: float


class NearTier:
    """Near-duplicates of one space each, at most ``max_entries`` per space, oldest out first. Threads may share it."""

    def __init__(
        self,
        *,
        mode: Mode,
        threshold: float,
        max_entries: int,
        exact_below: int,
        sample: float,
        secret: bytes = b"",
        events: Events | None = None,
        draw: Callable[[], float] | None = None,
    ) -> None:
        """Begin empty.

        Args:
            mode: ``shadow`` only measures, ``active`` answers.
            threshold: least estimated true cosine of a hit; hits are held to 0.98 in any case.
            max_entries: of each space.
            exact_below: search exactly below so many entries.
            sample: share of the hits that are computed all the same.
            secret: key of the hashes.
            events: who is told of decisions.
            draw: numbers from 0 to 1 that choose the sample.
        """
        self.mode = mode
        self._max_entries = max_entries
        self._exact_below = exact_below
        self._sample = sample
        self._former = Former(secret)
        self._judge = Judge(threshold)
        self._events = events if events is not None else Events()
        self._draw = draw or random.Random().random  # noqa: S311 - which hits are measured is no secret
        self._lock = threading.Lock()
        self._spaces: dict[Space, _Known] = {}
        self._counts = {"hits": 0, "misses": 0, "gated": 0, "shadow": 0, "added": 0, "received": 0}

    def find(self, space: Space, texts: Sequence[str]) -> list[Entry | None]:
        """Return for each text the known one whose vector may stand for it; None in shadow mode."""
        found: list[Entry | None] = [None] * len(texts)
        if self.mode != "active":
            return found
        rows = [row for row, text in enumerate(texts) if len(text) <= MOST_LETTERS]
        seen = self._candidates(space, [texts[row] for row in rows])
        for row, candidate in zip(rows, seen.found, strict=True):
            if candidate is not None and self._judge.allows(candidate.sort) and self._draw() >= self._sample:
                found[row] = candidate.entry
                self._events.emit(NearDuplicateChecked("hit", similarity=self._judge.estimate(candidate.sort)))
        n_hits = sum(entry is not None for entry in found)
        self._count(hits=n_hits, misses=len(texts) - n_hits)
        self._tell_others(seen.n_gated, len(texts) - n_hits - seen.n_gated)
        return found

    def learn(self, space: Space, texts: Sequence[str], vectors: Vectors, facts: Facts) -> Learned:
        """Measure what would have been answered, and keep what is new; returns that. Vectors: float32, (n, dim)."""
        # A variant may have more tokens: with room for twice as many it is not cut either.
        most_tokens = np.inf if space.max_tokens is None else space.max_tokens / 2
        fits = (facts[:, 0] <= most_tokens) & (facts[:, 1] == 0)
        rows = [row for row, text in enumerate(texts) if fits[row] and len(text) <= MOST_LETTERS]
        chosen = [texts[row] for row in rows]
        seen = self._candidates(space, chosen)
        learned = Learned([], [])
        for position, row in enumerate(rows):
            candidate, vector = seen.found[position], vectors[row]
            entry = Entry(seen.forms[position], seen.sketches[position], vector.copy(), int(facts[row, 0]))
            if candidate is not None:
                cosine = _cosine(vector, candidate.entry.vector)
                # Of a sort that is not used, a small cosine is why it is not: nobody has to be told of that.
                told = cosine if self._judge.allows(candidate.sort) else None
                self._judge.measured(candidate.sort, cosine)
                learned.measured.append((candidate.sort, cosine))
                self._events.emit(NearDuplicateChecked("shadow", 1, self._judge.estimate(candidate.sort), told))
            # A text that differs in spaces or case only would crowd out one that brings something new.
            if candidate is None or candidate.sort[0] not in {"space", "case"}:
                learned.entries.append(entry)
            self._count(shadow=candidate is not None)
        self._keep(space, learned.entries)
        self._count(added=len(learned.entries))
        return learned

    def receive(self, space: Space, learned: Learned) -> None:
        """Take what another process has learned."""
        for sort, cosine in learned.measured:
            self._judge.measured(sort, cosine)
        self._keep(space, learned.entries)
        self._count(received=len(learned.entries))

    def stats(self) -> dict[str, Any]:
        """Return counts, sizes and what was measured per sort of difference."""
        with self._lock:
            return {
                **self._counts,
                "mode": self.mode,
                "size": sum(len(known.entries) for known in self._spaces.values()),
                "index": sorted({known.index.kind for known in self._spaces.values()}),
                "sorts": self._judge.stats(),
            }

    def _tell_others(self, n_gated: int, n_missed: int) -> None:
        if n_gated:
            self._events.emit(NearDuplicateChecked("gated", n_gated))
        if n_missed:
            self._events.emit(NearDuplicateChecked("miss", n_missed))

    def _candidates(self, space: Space, texts: Sequence[str]) -> _Seen:
        forms = [self._former.form(text) for text in texts]
        sketches = [self._former.sketch(text) for text in texts]
        found: list[Candidate | None] = [None] * len(texts)
        with self._lock:
            known = self._spaces.get(space)
            if known is None or not texts:
                return _Seen(found, forms, sketches, 0)
            slots, similar = known.index.search(np.stack(sketches), _CANDIDATES)
            near = [
                [(known.entries[slot], float(value)) for slot, value in zip(of_slots, values, strict=True)]
                for of_slots, values in zip(slots.tolist(), similar, strict=True)
            ]
        n_gated = 0
        for row, neighbours in enumerate(near):
            close = [(entry, value) for entry, value in neighbours if value >= _LEAST_SIMILAR]
            found[row] = _best(forms[row], close)
            n_gated += bool(close) and found[row] is None
        self._count(gated=n_gated)
        return _Seen(found, forms, sketches, n_gated)

    def _keep(self, space: Space, entries: Sequence[Entry]) -> None:
        with self._lock:
            known = self._spaces.get(space)
            if known is None:
                index = SketchIndex(self._max_entries, exact_below=self._exact_below)
                known = self._spaces[space] = _Known(index, {})
            for entry in entries:
                slot = known.n_kept % self._max_entries
                known.index.put(slot, entry.sketch)
                known.entries[slot] = entry
                known.n_kept += 1

    def _count(self, **increments: int) -> None:
        with self._lock:
            for name, increment in increments.items():
                self._counts[name] += increment


@dataclass(frozen=True, slots=True)
class _Seen:
    """Texts with the known ones that may stand for them. ``n_gated`` are similar to one that may not."""

    found: list[Candidate | None]
    forms: list[Form]
    sketches: list[Sketch]
    n_gated: int


@dataclass(slots=True)
class _Known:
    index: SketchIndex
    entries: dict[int, Entry]
    n_kept: int = 0


def _best(form: Form, near: Sequence[tuple[Entry, float]]) -> Candidate | None:
    """Return the candidate that differs least; None if the gate lets none pass."""
    order = get_args(Difference)
    passed = [
        Candidate(entry, sort_of(how, min(form.n_words, entry.form.n_words)), value)
        for entry, value in near
        if (how := difference(form, entry.form)) is not None
    ]
    return min(passed, key=lambda candidate: order.index(candidate.sort[0]), default=None)


def _cosine(one: Vectors, other: Vectors) -> float:
    a, b = one.astype(np.float64), other.astype(np.float64)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms else float(np.array_equal(a, b))
