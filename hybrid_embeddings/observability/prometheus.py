"""From events and statistics to Prometheus metrics."""

from __future__ import annotations

import math
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, get_args

from hybrid_embeddings import events as ev
from hybrid_embeddings.observability.catalogue import METRICS
from hybrid_embeddings.observability.counting import BREAKER, HANDLERS
from hybrid_embeddings.observability.instruments import Instruments
from hybrid_embeddings.types import Kind

# Two scrapes at once must not measure the time between them.
_SHORTEST_S = 1.0
_HEALTH = {"healthy": 1.0, "degraded": 0.5, "unhealthy": 0.0}


class Observed(Protocol):
    """What is watched: ``EmbeddingService`` is one."""

    @property
    def events(self) -> ev.Events:
        """Where to subscribe."""

    def get_advanced_stats(self) -> dict[str, Any]:
        """Everything known now, without loading a model."""


class _Usage(NamedTuple):
    at_s: float
    busy_s: float
    percent: float


class PrometheusMetrics:
    """All metrics of the engine in one registry. Thread-safe.

    ::

        metrics = PrometheusMetrics()
        metrics.watch(service)
        prometheus_client.start_http_server(9109, registry=metrics.registry)
    """

    def __init__(
        self,
        registry: Any = None,
        *,
        refresh_every_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Register the metrics.

        Args:
            registry: a ``prometheus_client.CollectorRegistry``; None makes a new one.
            refresh_every_s: set the gauges from events, too, at most this often: needed where several processes share
                ``PROMETHEUS_MULTIPROC_DIR``, because a scrape then asks none of them.
            clock: gives seconds.

        Raises:
            MissingDependencyError: ``prometheus-client`` is not installed.
        """
        self.instruments = Instruments(METRICS, registry)
        self._clock = clock
        self._lock = threading.Lock()
        self._service: weakref.ref[Observed] | None = None
        self._usage: dict[str, _Usage] = {}  # of each lane
        self._refresh_every_s = refresh_every_s
        self._refreshed_s = self._clock()
        self.instruments.begin("embedding_requests_total", "kind", get_args(Kind), device="none", status="error")
        self.instruments.before_scrape(self.refresh)

    @property
    def registry(self) -> Any:
        """The ``prometheus_client.CollectorRegistry``."""
        return self.instruments.registry

    def watch(self, service: Observed) -> Callable[[], None]:
        """Follow a service, one at a time. Returns a function that ends it."""
        self._service = weakref.ref(service)
        return service.events.subscribe(self)

    def __call__(self, event: ev.Event) -> None:
        """Count an event."""
        handle = HANDLERS.get(type(event))
        if handle is not None:
            handle(self.instruments, event)
        if self._clock() - self._refreshed_s >= self._refresh_every_s:
            self.refresh()

    def refresh(self) -> None:
        """Set the gauges from the statistics of the service."""
        service = self._service() if self._service is not None else None
        if service is None:
            return
        with self._lock:
            self._refreshed_s = self._clock()
            stats = service.get_advanced_stats()
            self._lanes(stats.get("lanes", {}))
            _set_memory(self.instruments, stats.get("memory", {}))
            self.instruments.set("embedding_queue_tokens", stats.get("queued_tokens", 0))
            _set_health(self.instruments, stats.get("health", {}))
            _set_caches(self.instruments, stats.get("cache", {}))
            _set_objectives(self.instruments, stats.get("slo", ()))
            for target, value in stats.get("targets", {}).items():
                self.instruments.set("embedding_target", value, target=target)

    def _lanes(self, lanes: Mapping[str, Mapping[str, Any]]) -> None:
        put = self.instruments
        put.set("embedding_gpu_count", sum(lane["device"].startswith("cuda") for lane in lanes.values()))
        for name, lane in lanes.items():
            put.set("embedding_device_usage_percent", self._usage_percent(name, lane), device=name)
            put.set("embedding_optimal_batch_size", lane["budget_tokens"], device=name)
            put.set("embedding_circuit_breaker_state", BREAKER[lane["breaker"]], component=name)
            put.begin("embedding_batch_failures_total", "reason", get_args(ev.BatchFailure), device=name)
            put.begin("embedding_batch_size_adjustments_total", "direction", ("up", "down"), device=name)
            for quantity in ("time", "memory"):
                error = lane["budget"][f"{quantity}_error"]
                if error is not None:
                    put.set("embedding_budget_prediction_error", error, device=name, quantity=quantity)
            if lane["device"].startswith("cuda"):
                gpu_id = lane["device"].partition(":")[2] or "0"
                put.advance("embedding_gpu_requests_total", lane["batches"], gpu_id=gpu_id)
                if lane.get("free_bytes") is not None:
                    put.set("embedding_gpu_memory_free_bytes", lane["free_bytes"], gpu_id=gpu_id)
            for pool, state in lane["memory_pool"].items():
                _set_pool(put, name, pool, state)

    def _usage_percent(self, name: str, lane: Mapping[str, Any]) -> float:
        """Busy seconds of all slots over the seconds since the reading before; the first reading has none."""
        now_s, busy_s = self._clock(), float(lane["busy_s"])
        last = self._usage.get(name, _Usage(now_s, busy_s, 0.0))
        if now_s - last.at_s >= _SHORTEST_S:
            slots_s = (now_s - last.at_s) * lane["n_slots"]
            last = _Usage(now_s, busy_s, min(100.0, 100 * (busy_s - last.busy_s) / slots_s))
        self._usage[name] = last
        return last.percent


def _set_pool(put: Instruments, device: str, pool: str, state: Mapping[str, float]) -> None:
    put.advance("embedding_memory_pool_hits_total", state["hits"], device=device, pool=pool)
    put.advance("embedding_memory_pool_misses_total", state["misses"], device=device, pool=pool)
    put.set("embedding_memory_pool_in_use_bytes", state["in_use_bytes"], device=device, pool=pool)
    put.set("embedding_memory_pool_held_bytes", state["held_bytes"], device=device, pool=pool)
    put.set("embedding_memory_pool_fragmentation", state["fragmentation"], device=device, pool=pool)


def _set_memory(put: Instruments, memory: Mapping[str, int | None]) -> None:
    free_bytes, limit_bytes = memory.get("free_bytes"), memory.get("limit_bytes")
    if free_bytes is not None and limit_bytes:
        put.set("embedding_memory_usage_percent", 100 * (1 - free_bytes / limit_bytes))


def _set_health(put: Instruments, health: Mapping[str, Any]) -> None:
    for name, component in health.get("components", {}).items():
        put.set("embedding_health_status", _HEALTH[component["status"]], component=name)
    if "status" in health:
        put.set("embedding_health_status", _HEALTH[health["status"]], component="service")


def _set_caches(put: Instruments, cache: Mapping[str, Any]) -> None:
    for layer, tier in cache.get("tiers", {}).items():
        put.set("embedding_cache_entries", tier.get("size") or 0, layer=layer)
        if layer not in {"memory", "near"}:
            put.begin("embedding_cache_failures_total", "operation", ("get", "put", "delete"), layer=layer)
            put.begin("embedding_cache_damaged_total", "layer", (layer,))
            put.begin("embedding_cache_dropped_total", "layer", ("write-behind",))
        for news, count in tier.get("federation", {}).items():
            put.advance("embedding_federation_messages_total", count, news=news)
        if "breaker" in tier:
            put.set("embedding_circuit_breaker_state", BREAKER[tier["breaker"]], component=f"cache:{layer}")


def _set_objectives(put: Instruments, states: Any) -> None:
    for state in states:
        name = state["name"]
        put.set("embedding_slo_limit", state["limit"], objective=name)
        put.set("embedding_slo_value", state["value"], objective=name)
        put.set("embedding_slo_error_budget_remaining", state["budget_left"], objective=name)
        put.set("embedding_slo_violated", float(state["status"] == "violated"), objective=name)
        put.set("embedding_slo_warning", float(state["status"] == "warning"), objective=name)
        exhausted_in_s = state["exhausted_in_s"]
        put.set(
            "embedding_slo_exhausted_in_seconds",
            math.inf if exhausted_in_s is None else exhausted_in_s,
            objective=name,
        )
        for span, rate in state["burn_rates"].items():
            put.set("embedding_slo_burn_rate", rate, objective=name, span=span)
