"""Metrics from events and statistics."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import textwrap

import pytest

from hybrid_embeddings import events as ev
from hybrid_embeddings.observability.catalogue import LABELS, METRICS, Metric, reference
from hybrid_embeddings.observability.instruments import Instruments, exposition
from hybrid_embeddings.observability.prometheus import PrometheusMetrics

LANE = {
    "device": "cpu",
    "budget_tokens": 2048,
    "breaker": "closed",
    "busy_s": 0.0,
    "n_slots": 2,
    "batches": 3,
    "memory_pool": {},
    "free_bytes": None,
    "budget": {"time_error": 0.25, "memory_error": None},
}


class Service:
    """Statistics of the test in place of a loaded model."""

    def __init__(self, **stats):
        self.events = ev.Events()
        self.stats = stats

    def get_advanced_stats(self):
        return self.stats


class Clock:
    now_s = 50.0

    def __call__(self):
        return self.now_s


def value(metrics, name, **labels):
    exposition(metrics.registry)  # as a scrape does: refreshes the gauges
    return metrics.registry.get_sample_value(name, labels)


def test_calls_are_counted_exactly():
    metrics, service = PrometheusMetrics(), Service()
    metrics.watch(service)
    service.events.emit(ev.EncodeFinished("query", "cpu", 1, 1, 0, 7, 0, 0.001, 0.01))
    service.events.emit(ev.EncodeFinished("document", "hybrid", 10, 6, 3, 70, 2, 0.001, 0.4))
    service.events.emit(ev.EncodeFailed("document", "Overloaded", 5, 0.0, "service"))
    assert value(metrics, "embedding_requests_total", kind="query", device="cpu", status="ok") == 1
    assert value(metrics, "embedding_requests_total", kind="document", device="none", status="error") == 1
    assert value(metrics, "embedding_errors_total", error="Overloaded") == 1
    assert value(metrics, "embedding_items_processed_total", device="hybrid") == 10
    assert value(metrics, "embedding_tokens_processed_total") == 77
    assert value(metrics, "embedding_truncated_texts_total") == 2
    assert value(metrics, "embedding_cache_hits_total") == 3
    assert value(metrics, "embedding_cache_misses_total") == 7
    assert value(metrics, "embedding_duration_seconds_sum", kind="document", device="hybrid") == pytest.approx(0.4)


def test_watching_can_end():
    metrics, service = PrometheusMetrics(), Service()
    end = metrics.watch(service)
    end()
    service.events.emit(ev.BatchFailed("cpu", "error", 1))
    assert value(metrics, "embedding_batch_failures_total", device="cpu", reason="error") is None
    assert not service.events


def test_usage_is_the_busy_share_of_all_slots_since_the_scrape_before():
    clock = Clock()
    service = Service(lanes={"cpu": dict(LANE)})
    metrics = PrometheusMetrics(clock=clock)
    metrics.watch(service)
    assert value(metrics, "embedding_device_usage_percent", device="cpu") == 0
    clock.now_s += 10
    service.stats["lanes"]["cpu"]["busy_s"] = 15.0
    exposition(metrics.registry)  # 15 s of work in 10 s on two slots
    assert metrics.registry.get_sample_value("embedding_device_usage_percent", {"device": "cpu"}) == pytest.approx(75)


def test_totals_that_start_again_are_added():
    """A forked process or a new engine counts from 0; a counter never goes back."""
    instruments = Instruments([Metric("things_total", "counter", "things", "Things.")])
    for total in (5, 8, 2, 3):
        instruments.advance("things_total", total)
    assert instruments.registry.get_sample_value("things_total") == 8 + 3


def test_gauges_of_gpus_pools_health_and_caches():
    pool = {"hits": 9, "misses": 1, "in_use_bytes": 10, "held_bytes": 40, "limit_bytes": 99, "fragmentation": 0.25}
    gpu = {**LANE, "device": "cuda:1", "breaker": "open", "free_bytes": 123, "memory_pool": {"pinned": pool}}
    service = Service(
        lanes={"cuda:1": gpu},
        health={"status": "degraded", "components": {"cuda:1": {"status": "unhealthy", "detail": ""}}},
        memory={"free_bytes": 25, "limit_bytes": 100},
        cache={"tiers": {"redis": {"size": 12, "breaker": "half_open"}}},
        queued_tokens=17,
        targets={"cache_hit_rate": 0.8},
    )
    metrics = PrometheusMetrics()
    metrics.watch(service)
    for name, expected, labels in (
        ("embedding_gpu_count", 1, {}),
        ("embedding_gpu_requests_total", 3, {"gpu_id": "1"}),
        ("embedding_gpu_memory_free_bytes", 123, {"gpu_id": "1"}),
        ("embedding_memory_pool_hits_total", 9, {"device": "cuda:1", "pool": "pinned"}),
        ("embedding_memory_pool_fragmentation", 0.25, {"device": "cuda:1", "pool": "pinned"}),
        ("embedding_circuit_breaker_state", 2, {"component": "cuda:1"}),
        ("embedding_circuit_breaker_state", 1, {"component": "cache:redis"}),
        ("embedding_budget_prediction_error", 0.25, {"device": "cuda:1", "quantity": "time"}),
        ("embedding_budget_prediction_error", None, {"device": "cuda:1", "quantity": "memory"}),
        ("embedding_memory_usage_percent", 75, {}),
        ("embedding_health_status", 0, {"component": "cuda:1"}),
        ("embedding_health_status", 0.5, {"component": "service"}),
        ("embedding_cache_entries", 12, {"layer": "redis"}),
        ("embedding_queue_tokens", 17, {}),
        ("embedding_target", 0.8, {"target": "cache_hit_rate"}),
    ):
        assert value(metrics, name, **labels) == expected, name


def test_counters_that_alerts_look_at_begin_at_zero():
    """A rate does not see the first step of a series that begins with it."""
    metrics, service = PrometheusMetrics(), Service(lanes={"cpu": LANE}, cache={"tiers": {"redis": {"size": 1}}})
    metrics.watch(service)
    for name, labels in (
        ("embedding_requests_total", {"kind": "query", "device": "none", "status": "error"}),
        ("embedding_batch_failures_total", {"device": "cpu", "reason": "out_of_memory"}),
        ("embedding_cache_failures_total", {"layer": "redis", "operation": "put"}),
        ("embedding_cache_damaged_total", {"layer": "redis"}),
        ("embedding_cache_dropped_total", {"layer": "write-behind"}),
    ):
        assert value(metrics, name, **labels) == 0


def test_a_service_that_is_gone_leaves_its_last_figures():
    metrics, service = PrometheusMetrics(), Service(queued_tokens=3)
    metrics.watch(service)
    assert value(metrics, "embedding_queue_tokens") == 3
    del service
    assert value(metrics, "embedding_queue_tokens") == 3


def test_every_event_is_handled():
    """A new record that nobody counts would be a metric that is declared and never set."""
    records = {
        cls
        for cls in vars(ev).values()
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == ev.__name__
    }
    metrics = PrometheusMetrics()
    before = {cls: _total(metrics) for cls in records}
    for cls in records:
        metrics(_example(cls))
        assert _total(metrics) != before[cls], cls.__name__
        before = dict.fromkeys(records, _total(metrics))


def _total(metrics):
    return sorted(
        (sample.name, tuple(sample.labels.items()), sample.value)
        for family in metrics.registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    )


def _example(cls):
    by_type = {"int": 3, "float": 0.5, "str": "cpu", "float | None": 0.99}
    by_name = {"kind": "query", "state": "open", "reason": "error", "direction": "up", "operation": "get"}
    by_name |= {"outcome": "hit", "fault": "service", "n_padded_tokens": 9}
    return cls(**{f.name: by_name.get(f.name) or by_type[f.type] for f in dataclasses.fields(cls)})


def test_several_processes_add_up(tmp_path):
    """As uvicorn with several workers does it: each writes its file, a scrape reads all."""
    script = textwrap.dedent(
        """
        from hybrid_embeddings import events as ev
        from hybrid_embeddings.observability.prometheus import PrometheusMetrics
        metrics = PrometheusMetrics()
        for _ in range(3):
            metrics(ev.BatchFailed("cpu", "timeout", 1))
        """
    )
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script], env=environ, check=True)
    from hybrid_embeddings.observability.instruments import multiprocess_registry

    (tmp_path / "gauge_liveall_999999999.db").write_bytes(b"")  # of a process that is gone
    body, content_type = exposition(multiprocess_registry(str(tmp_path)))
    assert not list(tmp_path.glob("gauge_live*"))
    assert 'embedding_batch_failures_total{device="cpu",reason="timeout"} 6.0' in body.decode()
    assert content_type.startswith("text/plain")


def test_names_follow_the_conventions_of_prometheus():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert set(metric.labels) <= set(LABELS), metric.name
        assert (metric.kind == "histogram") == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))


def test_the_reference_lists_every_metric():
    page = reference()
    for metric in METRICS:
        assert f"`{metric.name}`" in page
