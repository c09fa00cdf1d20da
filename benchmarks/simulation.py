"""Simulated lanes of different speed behind the real scheduler, and the rules that others split work by.

The engine runs in real time: its threads wake up, lock and sleep. The other rules are calculated for the same lanes
without any such cost, which is in their favour; a fixed split over lanes of 1:200 would otherwise take minutes.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from collections.abc import Iterator, Sequence
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

    def __init__(self, name: str, tokens_per_s: float) -> None:
        self.name = name
        self.tokens_per_s = tokens_per_s

    def lane(self) -> SimulatedLane:
        """Return a lane that sleeps as long as this device would compute."""
        overhead_s = _OVERHEAD_TOKENS / self.tokens_per_s
        return SimulatedLane(
            self.name, tokens_per_s=self.tokens_per_s, overhead_s=overhead_s, max_batch_tokens=BATCH_TOKENS
        )

    def seconds(self, batches: Sequence[Sequence[int]]) -> float:
        """Return the time for batches, given as the lengths of their rows."""
        return sum(_OVERHEAD_TOKENS + len(rows) * max(rows) for rows in batches if rows) / self.tokens_per_s


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
    lane = device.lane()
    rehearsal = SimulatedLane(
        lane.name,
        tokens_per_s=device.tokens_per_s,
        overhead_s=_OVERHEAD_TOKENS / device.tokens_per_s,
        max_batch_tokens=BATCH_TOKENS,
        sleep=lambda seconds: slept.__setitem__(0, slept[0] + seconds),
    )
    reference = np.stack([simulated_vector(text.ids, lane.dimension) for text in texts])
    check = check_lane(rehearsal, texts, reference, tolerance=1e-6, clock=lambda: slept[0])
    cost = CostModel()
    for padded_tokens, seconds in check.timings:
        cost.observe(padded_tokens, seconds)
    return LaneState(lane, Breaker(threshold=5, timeout_s=60.0), cost, lane.max_batch_tokens)


def engine_seconds(engine: Dispatcher, texts: Sequence[TokenizedText]) -> float:
    """Return the real time of one call."""
    job = Job(len(texts), 8)
    items = [Item(key=row, text=text) for row, text in enumerate(texts)]
    started = time.perf_counter()
    engine.submit(job, items)
    job.future.result()
    return time.perf_counter() - started


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
