"""What happened so far, as plain dictionaries. Pure functions over a running engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

from hybrid_embeddings.models.devices import available_memory_bytes, memory_limit_bytes
from hybrid_embeddings.observability.slo import SloTracker
from hybrid_embeddings.ports import Lane, PooledMemory
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.wiring import Engine

Health = Literal["healthy", "degraded", "unhealthy"]


def explain(engine: Engine) -> dict[str, Any]:
    """Return per lane what it is, what it did and why it may get nothing; and the lanes that were refused."""
    total = sum(state.counters.n_texts for state in engine.states) or 1
    why_idle = engine.pipeline.dispatcher.why_idle if engine.pipeline.dispatcher else None
    lanes = {state.name: _lane(state, total, why_idle(state) if why_idle else "") for state in engine.states}
    return {"lanes": lanes, "refused": engine.refused}


def _lane(state: LaneState, total_texts: int, idle_because: str) -> dict[str, Any]:
    counters = state.counters
    return {
        "device": state.lane.device,
        "numeric_class": state.lane.numeric_class,
        "share": counters.n_texts / total_texts,
        "batches": counters.n_batches,
        "busy_s": counters.busy_s,
        "n_slots": state.lane.n_slots,
        "texts": counters.n_texts,
        "tokens": counters.n_tokens,
        "padding": 1 - counters.n_tokens / max(counters.n_padded_tokens, 1),
        "predicted_tokens_per_s": round(state.tokens_per_s),
        "measured_tokens_per_s": round(state.lane.n_slots * counters.n_padded_tokens / max(counters.busy_s, 1e-9)),
        "budget_tokens": state.budget_tokens,
        "free_bytes": state.free_bytes,
        "budget": asdict(state.budget.stats),
        "breaker": state.breaker.state,
        "failures": counters.n_failures,
        "out_of_memory": counters.n_out_of_memory,
        "memory_pool": _pools(state.lane),
        "idle_because": idle_because,
        "last_error": state.last_error,
    }


def _pools(lane: Lane) -> dict[str, dict[str, float]]:
    """Return per pool of buffers hits, misses, bytes and fragmentation; empty for a lane without pools."""
    if not isinstance(lane, PooledMemory):
        return {}
    return {
        name: {
            "hits": pool.n_hits,
            "misses": pool.n_misses,
            "in_use_bytes": pool.in_use_bytes,
            "held_bytes": pool.held_bytes,
            "limit_bytes": pool.limit_bytes,
            "fragmentation": pool.fragmentation,
        }
        for name, pool in lane.pool_stats().items()
    }


def device_stats(engine: Engine) -> dict[str, float]:
    """Return how many calls went to the CPU, to GPUs, to both; texts, tokens, duplicates, truncated texts, hits."""
    counters = engine.pipeline.counters
    cache = cache_stats(engine)
    return {
        "cpu_requests": counters.n_cpu_calls,
        "gpu_requests": counters.n_gpu_calls,
        "hybrid_requests": counters.n_hybrid_calls,
        "total_requests": counters.n_calls,
        "total_texts_processed": counters.n_texts,
        "total_tokens_processed": counters.n_tokens,
        "duplicate_texts": counters.n_duplicates,
        "truncated_texts": counters.n_truncated,
        "cache_hits": cache["hits"],
        "cache_misses": cache["misses"],
        "cache_hit_rate": cache["hit_rate"],
    }


def cache_stats(engine: Engine) -> dict[str, Any]:
    """Return size, limits, hits and misses of the caches; zeros where caching is off."""
    if engine.cache is None:
        return {"enabled": False, "size": 0, "max_size": 0, "ttl_seconds": 0.0, "hits": 0, "misses": 0, "hit_rate": 0.0}
    return engine.cache.stats()


def performance_stats(engine: Engine) -> dict[str, dict[str, float]]:
    """Return batches, seconds, mean seconds per batch and texts per second: of ``cpu``, of ``gpu``, of every lane.

    ``cpu`` and ``gpu`` sum up the lanes on such devices; one that has no lane is left out. A lane is there under its
    own name, too (``cuda:0``), unless that is ``cpu``.
    """
    kinds: dict[str, list[LaneState]] = defaultdict(list)
    for state in engine.states:
        kind = "cpu" if state.lane.device == "cpu" else "gpu"
        kinds[kind].append(state)
        if state.name != kind:
            kinds[state.name].append(state)
    return {name: _performance(states) for name, states in kinds.items()}


def _performance(states: Sequence[LaneState]) -> dict[str, float]:
    n_batches = sum(state.counters.n_batches for state in states)
    busy_s = sum(state.counters.busy_s for state in states)
    speeds = [state.lane.n_slots * state.counters.n_texts / max(state.counters.busy_s, 1e-9) for state in states]
    return {
        "request_count": n_batches,
        "total_time": busy_s,
        "avg_time": busy_s / max(n_batches, 1),
        "texts_per_s": sum(speeds),
    }


def advanced_stats(engine: Engine) -> dict[str, Any]:
    """Return everything that is known of a running engine, in sections."""
    dispatcher = engine.pipeline.dispatcher
    return {
        "requests": device_stats(engine),
        "performance": performance_stats(engine),
        **explain(engine),
        "queued_tokens": dispatcher.queued_tokens if dispatcher is not None else 0,
        "memory": {"free_bytes": available_memory_bytes(), "limit_bytes": memory_limit_bytes()},
        "cache": cache_stats(engine),
        "health": health(engine),
    }


def objective_stats(tracker: SloTracker | None) -> list[dict[str, Any]]:
    """Return how each objective stands; none if they are not kept."""
    return [asdict(state) for state in tracker.states()] if tracker is not None else []


def health(engine: Engine) -> dict[str, Any]:
    """Return a status for the whole and per component.

    ``healthy``: all lanes and cache tiers work. ``degraded``: some do not. ``unhealthy``: no lane does.
    """
    components: dict[str, dict[str, str]] = {
        name: {"status": "unhealthy", "detail": why} for name, why in engine.refused.items()
    }
    for state in engine.states:
        components[state.name] = _lane_health(state)
    if engine.pipeline.static is not None:
        components["static"] = {"status": "healthy", "detail": ""}
    if all(component["status"] == "unhealthy" for component in components.values()):
        overall: Health = "unhealthy"  # whatever the caches know: nothing can be computed
    else:
        overall = "degraded"
    if engine.cache is not None:
        components |= engine.cache.health()
    if all(component["status"] == "healthy" for component in components.values()):
        overall = "healthy"
    return {"status": overall, "components": components}


def _lane_health(state: LaneState) -> dict[str, str]:
    if not state.usable:
        return {"status": "unhealthy", "detail": state.why_unusable()}
    if state.breaker.state == "half_open":
        return {"status": "degraded", "detail": f"being tried again after: {state.last_error}"}
    return {"status": "healthy", "detail": ""}
