"""Several simulated GPUs: lanes that pull what they can do, against batches dealt out in turn.

The engine runs in real time over lanes that sleep. The peers are calculated for the same devices and the same calls
without any cost of scheduling, which is in their favour: batches of 32 texts in input order, or sorted by length
within the call, dealt to the devices in turn, one queue per device.

* bulk: one call of many texts. ``balance`` is the busiest device's time over the mean (1 is perfect), ``scaling`` the
  throughput relative to the fastest of the devices alone under the same rule, ``of_ideal`` the throughput relative to
  all devices together without padding, waiting and overhead.
* calls: calls of 1 to 64 texts come at random; ``wait_ms`` is the mean time from a call to its answer, ``p95_ms``
  what 95 % of them stay below. Medians over the rounds: a busy machine wakes the sleeping lanes late.

Run ``python benchmarks/multi_gpu.py [--texts 3000] [--calls 60] [--rounds 3] [--json docs/results/multi_gpu.json]``.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common import arguments, median, report
from simulation import Device, dispatcher, token_texts

from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import TokenizedText

_SPEED = 100_000.0  # padded tokens per second of a device of speed 1
_ROWS = 32
_LOAD = 0.2  # of what all devices can do together: in turn, the slowest of unequal devices can do no more
FLEETS: dict[str, tuple[float, ...]] = {
    "1 device": (1,),
    "2 equal": (1, 1),
    "4 equal": (1, 1, 1, 1),
    "2 unequal": (1, 0.5),
    "4 unequal": (1, 1, 0.5, 0.25),
}
Rule = Callable[[list[int]], list[list[int]]]
"""How a call becomes batches: lengths of texts in, lengths per batch out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Seconds until everything was done, seconds of work per device, seconds from each call to its answer."""

    total_s: float
    busy_s: tuple[float, ...]
    waits_s: tuple[float, ...]


def in_input_order(lengths: list[int]) -> list[list[int]]:
    """Cut a call into batches of 32."""
    return [lengths[start : start + _ROWS] for start in range(0, len(lengths), _ROWS)]


def by_length(lengths: list[int]) -> list[list[int]]:
    """Sort a call, then cut it into batches of 32."""
    return in_input_order(sorted(lengths, reverse=True))


PEERS: dict[str, Rule] = {"in turn": in_input_order, "in turn, sorted": by_length}


def fleet(speeds: Sequence[float]) -> list[Device]:
    """Return devices of these relative speeds."""
    return [Device(f"cuda:{index}", _SPEED * speed) for index, speed in enumerate(speeds)]


def in_turn(
    devices: Sequence[Device], calls: Sequence[Sequence[int]], arrivals_s: Sequence[float], rule: Rule
) -> Outcome:
    """Calculate what dealing batches out in turn gives."""
    free_s, busy_s = [0.0] * len(devices), [0.0] * len(devices)
    waits, dealt = [], 0
    for lengths, arrival_s in zip(calls, arrivals_s, strict=True):
        end_s = arrival_s
        for batch in rule(list(lengths)):
            index = dealt % len(devices)
            dealt += 1
            took_s = devices[index].seconds([batch])
            busy_s[index] += took_s
            free_s[index] = max(free_s[index], arrival_s) + took_s
            end_s = max(end_s, free_s[index])
        waits.append(end_s - arrival_s)
    return Outcome(max(free_s), tuple(busy_s), tuple(waits))


def pulling(
    devices: Sequence[Device], calls: Sequence[Sequence[TokenizedText]], arrivals_s: Sequence[float]
) -> Outcome:
    """Run the engine in real time."""
    ends: dict[int, float] = {}
    with dispatcher(devices) as engine:
        started = time.perf_counter()
        jobs = []
        for number, (texts, arrival_s) in enumerate(zip(calls, arrivals_s, strict=True)):
            time.sleep(max(0.0, started + arrival_s - time.perf_counter()))
            job = Job(len(texts), 8)
            job.future.add_done_callback(lambda _, number=number: ends.setdefault(number, time.perf_counter()))
            engine.submit(job, [Item(key=(number, row), text=text) for row, text in enumerate(texts)])
            jobs.append(job)
        for job in jobs:
            job.future.result()
        busy_s = tuple(state.counters.busy_s for state in engine.states)
    waits = tuple(ends[number] - started - arrival_s for number, arrival_s in enumerate(arrivals_s))
    return Outcome(max(ends.values()) - started, busy_s, waits)


def everybody(
    devices: Sequence[Device], calls: Sequence[Sequence[TokenizedText]], arrivals_s: Sequence[float]
) -> dict[str, Outcome]:
    """Return the outcome of the engine and of each peer for the same calls."""
    lengths = [[len(text.ids) for text in call] for call in calls]
    peers = {name: in_turn(devices, lengths, arrivals_s, rule) for name, rule in PEERS.items()}
    return {"pulling": pulling(devices, calls, arrivals_s), **peers}


def bulk(count: int, *, rounds: int) -> dict[str, Any]:
    """Measure one large call on every fleet."""
    texts = token_texts(count)
    n_tokens = sum(len(text.ids) for text in texts)
    alone: dict[str, float] = {}
    found: dict[str, Any] = {}
    for name, speeds in FLEETS.items():
        runs = [everybody(fleet(speeds), [texts], [0.0]) for _ in range(rounds)]
        rows = {}
        for rule in runs[0]:
            total_s = median([run[rule].total_s for run in runs])
            alone.setdefault(rule, total_s)  # the first fleet is one device of full speed
            rows[rule] = {
                "balance": round(median([_balance(run[rule].busy_s) for run in runs]), 3),
                "scaling": round(alone[rule] / total_s, 2),
                "of_ideal": round(n_tokens / total_s / (_SPEED * sum(speeds)), 3),
            }
        found[name] = rows
    return found


def random_calls(count: int, *, rounds: int) -> dict[str, Any]:
    """Measure waiting when calls come at random, at the same load on every fleet."""
    found: dict[str, Any] = {}
    for name, speeds in FLEETS.items():
        waits: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(rounds):
            calls, arrivals_s = _arrivals(count, _LOAD * _SPEED * sum(speeds), seed)
            for rule, outcome in everybody(fleet(speeds), calls, arrivals_s).items():
                waits.setdefault(rule, []).append(outcome.waits_s)
        found[name] = {
            rule: {
                "wait_ms": round(1000 * median([sum(waits_s) / count for waits_s in each]), 1),
                "p95_ms": round(1000 * median([_p95(waits_s) for waits_s in each]), 1),
            }
            for rule, each in waits.items()
        }
    return found


def _arrivals(count: int, tokens_per_s: float, seed: int) -> tuple[list[list[TokenizedText]], list[float]]:
    rng = random.Random(seed)
    calls = [token_texts(rng.randint(1, 64), seed=1000 * seed + number) for number in range(count)]
    mean_s = sum(len(text.ids) for call in calls for text in call) / count / tokens_per_s
    arrivals_s, now_s = [], 0.0
    for _ in calls:
        now_s += rng.expovariate(1 / mean_s)
        arrivals_s.append(now_s)
    return calls, arrivals_s


def _balance(busy_s: Sequence[float]) -> float:
    return max(busy_s) * len(busy_s) / sum(busy_s)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * len(values))]


def main() -> None:
    """Compare both on every fleet."""
    options = arguments("Several simulated GPUs: pulling against dealing in turn.", texts=3000, calls=60, rounds=3)
    result = {
        "texts": options.texts,
        "load": _LOAD,
        "bulk": bulk(options.texts, rounds=options.rounds),
        "calls": random_calls(options.calls, rounds=options.rounds),
    }
    for name in FLEETS:
        for rule, row in result["bulk"][name].items():
            print(f"{name:<10} {rule:<16}", *(f"{key} {value}" for key, value in row.items()), sep="  ", end="  ")
            print(*(f"{key} {value}" for key, value in result["calls"][name][rule].items()), sep="  ")
    report(result, options.json)


if __name__ == "__main__":
    main()
