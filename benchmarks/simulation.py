"""Simulated lanes of different speed behind the real scheduler, and the rules that others split work by.

The engine runs in real time: its threads wake up, lock and sleep. The other rules are calculated for the same lanes
without any such cost, which is in their favour; a fixed split over lanes of 1:200 would otherwise take minutes.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from hybrid_embeddings.models.lane_check import check_lane
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.batches import rows_in_batch
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.testing import SimulatedLane, simulated_vector
from hybrid_embeddings.types import TokenizedText

BATCH_TOKENS = 2048
_OVERHEAD_TOKENS = 64  # what a batch costs besides its tokens, as on a real CPU lane
_PEER_BATCH_ROWS = 32


class Device:
    """Speed of a lane and what a batch costs on it. ``tokens_per_s`` are padded tokens."""

    def __init__(
        self, name: str, tokens_per_s: float, *, overhead_s: float | None = None, batch_tokens: int = BATCH_TOKENS
    ) -> None:
        self.name = name
        self.tokens_per_s = tokens_per_s
        self.batch_tokens = batch_tokens
        self.overhead_s = _OVERHEAD_TOKENS / tokens_per_s if overhead_s is None else overhead_s

    def lane(self, *, sleep: Callable[[float], object] = time.sleep) -> SimulatedLane:
        """Return a lane that sleeps as long as this device would compute."""
        return SimulatedLane(
            self.name,
            tokens_per_s=self.tokens_per_s,
            overhead_s=self.overhead_s,
            max_batch_tokens=self.batch_tokens,
            sleep=sleep,
        )

    def seconds(self, batches: Sequence[Sequence[int]]) -> float:
        """Return the time for batches, given as the lengths of their rows."""
        return sum(self.overhead_s + len(rows) * max(rows) / self.tokens_per_s for rows in batches if rows)

    def best_seconds(self, lengths: Sequence[int]) -> float:
        """Return the time for rows, sorted by length, longest first, in the best batches that there are."""
        ends = [0.0]  # of the first 0, 1, 2 … rows
        for stop in range(1, len(lengths) + 1):
            starts = [start for start in range(stop) if (stop - start) * lengths[start] <= self.batch_tokens]
            ends.append(min(ends[start] + self.seconds([lengths[start:stop]]) for start in starts))
        return ends[-1]


def token_texts(count: int, *, shortest: int = 5, longest: int = 256, seed: int = 0) -> list[TokenizedText]:
    """Return tokenised texts of uniformly distributed length, always the same for a seed."""
    rng = random.Random(seed)
    lengths = [rng.randint(shortest, longest) for _ in range(count)]
    return [TokenizedText(np.arange(row, row + length, dtype=np.int32)) for row, length in enumerate(lengths)]


@contextmanager
def dispatcher(devices: Sequence[Device]) -> Iterator[Dispatcher]:
    """Run the engine's dispatcher over devices that know of their speed what the lane check measured."""
    engine = Dispatcher(
        [_checked_state(device) for device in devices],
        dimension=8,
        max_queued_tokens=10**9,
        operation_timeout_s=3600.0,
    )
    try:
        yield engine
    finally:
        engine.close()


def _checked_state(device: Device) -> LaneState:
    # Sleeping through the check would take minutes on the slowest lanes; the timings are what they would be.
    slept = [0.0]
    texts = token_texts(64, longest=128, seed=1)
    rehearsal = device.lane(sleep=lambda seconds: slept.__setitem__(0, slept[0] + seconds))
    reference = np.stack([simulated_vector(text.ids, rehearsal.dimension) for text in texts])
    check = check_lane(rehearsal, texts, reference, tolerance=1e-6, clock=lambda: slept[0])
    cost = CostModel()
    for padded_tokens, seconds in check.timings:
        cost.observe(padded_tokens, seconds)
    lane = device.lane()
    return LaneState(lane, Breaker(threshold=5, timeout_s=60.0), cost, lane.max_batch_tokens)


def engine_seconds(engine: Dispatcher, texts: Sequence[TokenizedText]) -> float:
    """Return the real time of one call."""
    job = Job(len(texts), 8)
    items = [Item(key=row, text=text) for row, text in enumerate(texts)]
    started = time.perf_counter()
    engine.submit(job, items)
    job.future.result()
    return time.perf_counter() - started


def best_seconds(devices: Sequence[Device], lengths: Sequence[int]) -> float:
    """Return the time of the best plan for two devices, found by trying all of them: for a few texts only."""
    first, second = devices
    ordered, best_s = sorted(lengths, reverse=True), math.inf
    for mask in range(2 ** len(ordered)):
        mine = [length for row, length in enumerate(ordered) if mask >> row & 1]
        theirs = [length for row, length in enumerate(ordered) if not mask >> row & 1]
        if max(sum(mine) / first.tokens_per_s, sum(theirs) / second.tokens_per_s) < best_s:
            best_s = min(best_s, max(first.best_seconds(mine), second.best_seconds(theirs)))
    return best_s


def half_split_seconds(devices: Sequence[Device], lengths: Sequence[int]) -> float:
    """Return the time when every device gets the same number of texts, batched as well as the engine does."""
    share = math.ceil(len(lengths) / len(devices))
    parts = [lengths[start : start + share] for start in range(0, len(lengths), share)]
    return max(device.seconds(_packed(part)) for device, part in zip(devices, parts, strict=False))


def _packed(lengths: Sequence[int]) -> list[list[int]]:
    left, batches = sorted(lengths, reverse=True), []
    while left:
        count = rows_in_batch(left, BATCH_TOKENS)
        batches.append(left[:count])
        left = left[count:]
    return batches


def pool_seconds(devices: Sequence[Device], lengths: Sequence[int]) -> float:
    """Return the time of ``SentenceTransformer.encode(device=[…])``.

    Its rule: chunks of ceil(n / devices / 10) texts, at most 5,000, in input order; whoever is free takes the next
    one and runs it in batches of 32, sorted by length within the chunk.
    """
    size = max(1, min(math.ceil(len(lengths) / len(devices) / 10), 5000))
    free = [(0.0, number) for number in range(len(devices))]
    ends = [0.0]
    for start in range(0, len(lengths), size):
        chunk = sorted(lengths[start : start + size], reverse=True)
        now, number = heapq.heappop(free)
        batches = [chunk[row : row + _PEER_BATCH_ROWS] for row in range(0, len(chunk), _PEER_BATCH_ROWS)]
        ends.append(now + devices[number].seconds(batches))
        heapq.heappush(free, (ends[-1], number))
    return max(ends)
