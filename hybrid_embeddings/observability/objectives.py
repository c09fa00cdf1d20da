"""The objectives and targets that a service is judged by, from plain values of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid_embeddings.observability.slo import Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """Limits of the objectives. Latencies are those of calls with one text, in milliseconds; rates are shares."""

    latency_p50_ms: float = 20.0
    latency_p95_ms: float = 100.0
    latency_p99_ms: float = 200.0
    error_rate: float = 0.001
    availability: float = 0.999
    cache_hit_rate: float = 0.7
    window_s: float = 3600.0
    availability_window_s: float = 86_400.0


def objectives(promises: Promises) -> tuple[Objective, ...]:
    """Return the objectives of a service.

    Raises:
        ValueError: a rate is not between 0 and 1, so there would be no error budget.
    """
    latencies = (
        ("latency_p50", 0.50, promises.latency_p50_ms),
        ("latency_p95", 0.95, promises.latency_p95_ms),
        ("latency_p99", 0.99, promises.latency_p99_ms),
    )
    window_s = promises.window_s
    return (
        *(
            Objective(name, "latency", share, window_s, threshold_s=limit_ms / 1e3)
            for name, share, limit_ms in latencies
        ),
        Objective("error_rate", "errors", 1 - promises.error_rate, window_s),
        Objective(
            "availability",
            "availability",
            promises.availability,
            promises.availability_window_s,
            higher_is_better=True,
        ),
        Objective("cache_hit_rate", "cache_hits", promises.cache_hit_rate, window_s, higher_is_better=True),
    )
