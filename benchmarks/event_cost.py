"""What watching costs: one event with no subscriber, one event for each subscriber, and a bulk call with all of them.

``idle_us`` is the whole idiom of the engine, ``if events: events.emit(Record(…))``, and ``emit_us`` making a record
and emitting it all the same, with nobody listening; limit: 2 microseconds. In the bulk call, Prometheus, structured
logs and objectives listen; the time that they take is summed up inside the call and divided by the call's; limit: 1 %.
The ratio of both calls is given, too, but the noise of a machine is larger than what it shows.

Run ``python benchmarks/event_cost.py [--texts 500] [--json docs/results/event_cost.json]``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from common import arguments, median, mixed_texts, report

from hybrid_embeddings import EmbeddingService, Settings
from hybrid_embeddings.events import BatchFinished, CacheLookedUp, EncodeFinished, Event, Events
from hybrid_embeddings.observability.logs import LogLines
from hybrid_embeddings.observability.objectives import Promises, objectives
from hybrid_embeddings.observability.prometheus import PrometheusMetrics
from hybrid_embeddings.observability.slo import SloTracker

LIMIT_US, LIMIT_SHARE = 2.0, 0.01
_REPEATED = 20_000
EXAMPLES: tuple[Event, ...] = (
    EncodeFinished("document", "cpu", 32, 30, 2, 700, 0, 0.001, 0.05),
    BatchFinished("cpu", 32, 700, 720, 0.05),
    CacheLookedUp("memory", 3, 29, 1e-4),
)


def microseconds(work: Callable[[], Any], rounds: int = 7) -> float:
    """Median time of one call of ``work`` over rounds of 20,000, without that of the loop."""
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(_REPEATED):
            pass
        loop = time.perf_counter() - began
        began = time.perf_counter()
        for _ in range(_REPEATED):
            work()
        times.append((time.perf_counter() - began - loop) / _REPEATED * 1e6)
    return round(median(times), 3)


def nobody_listens() -> dict[str, float]:
    """Cost where nobody subscribed."""
    events = Events()

    def idiom() -> None:
        if events:
            events.emit(BatchFinished("cpu", 32, 700, 720, 0.05))

    return {
        "idle_us": microseconds(idiom),
        "emit_us": microseconds(lambda: events.emit(BatchFinished("cpu", 32, 700, 720, 0.05))),
    }


def subscribers() -> dict[str, Callable[[Event], None]]:
    """Everybody who can listen."""
    return {
        "prometheus": PrometheusMetrics(),
        "objectives": SloTracker(objectives(Promises())),
        "logs": LogLines(),
    }


def each_alone() -> dict[str, dict[str, float]]:
    """Microseconds of each subscriber for each of the frequent events."""
    return {
        name: {
            type(event).__name__: microseconds(lambda event=event, hear=hear: hear(event), rounds=3)  # type: ignore[misc]
            for event in EXAMPLES
        }
        for name, hear in subscribers().items()
    }


class Timed:
    """Subscribers with the time that they take together."""

    def __init__(self) -> None:
        self._all = tuple(subscribers().values())
        self.seconds, self.n_events = 0.0, 0

    def __call__(self, event: Event) -> None:
        """Hand on."""
        began = time.perf_counter()
        for hear in self._all:
            hear(event)
        self.seconds += time.perf_counter() - began
        self.n_events += 1


def bulk(texts: list[str], rounds: int) -> dict[str, Any]:
    """One bulk call with nobody and with everybody, in turn."""
    quiet, watched, shares, n_events = [], [], [], 0
    with EmbeddingService(settings=Settings.load(env_file=None, slo_tracking=False)) as service:
        service.encode(texts[:64])
        for _ in range(rounds):
            began = time.perf_counter()
            service.encode(texts)
            quiet.append(time.perf_counter() - began)
            timed = Timed()
            end = service.events.subscribe(timed)
            began = time.perf_counter()
            service.encode(texts)
            watched.append(time.perf_counter() - began)
            end()
            shares.append(timed.seconds / watched[-1])
            n_events = timed.n_events
    return {
        "texts": len(texts),
        "events": n_events,
        "nobody_s": round(median(quiet), 3),
        "everybody_s": round(median(watched), 3),
        "ratio": round(median(watched) / median(quiet), 4),
        "share_of_the_call": float(f"{median(shares):.2g}"),
    }


def main() -> None:
    """Measure and report."""
    options = arguments("What watching costs.", texts=500, rounds=3)
    result = {"limits": {"us": LIMIT_US, "share": LIMIT_SHARE}, "nobody": nobody_listens(), "each_us": each_alone()}
    report({**result, "bulk": bulk(mixed_texts(options.texts), options.rounds)}, options.json)


if __name__ == "__main__":
    main()
