"""Every metric once: its name, what it means, its labels and the sets that their values come from.

No other file declares one: whoever sets a metric names it as it stands here, and a name that does not raises KeyError.
The reference page and the tests of dashboards and alert rules are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricKind = Literal["counter", "gauge", "histogram"]

# What the values of each label can be. None is a text, a key or a path of a user.
LABELS: dict[str, str] = {
    "kind": "text, query, document",
    "device": "cpu, cuda:0, cuda:1, …; for calls also hybrid, static, cache",
    "status": "ok, error",
    "error": "names of the error classes of the package",
    "reason": "error, out_of_memory, timeout, not_finite",
    "layer": "memory, redis, sql, near",
    "operation": "get, put, delete",
    "codec": "float32, float16, int16, int8, int8-calibrated",
    "outcome": "hit, miss, gated, shadow",
    "component": "names of lanes and cache tiers",
    "direction": "up, down",
    "gpu_id": "0, 1, …",
    "objective": "names of the objectives",
    "span": "window, fast, slow",
    "pool": "pinned, device",
    "target": "names of the targets in the settings",
}

# Geometric, because latencies are judged by ratios.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_SHORT_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.5)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_COSINES = (0.5, 0.8, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. The name is the one that a scrape shows, so a counter ends in ``_total``."""

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "counter", meaning, labels)


def _gauge(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, "gauge", meaning, labels)


def _histogram(name: str, meaning: str, *labels: str, buckets: tuple[float, ...] = _SECONDS) -> Metric:
    return Metric(name, "histogram", meaning, labels, buckets)


CALLS = (
    _counter("embedding_requests_total", "Calls.", "kind", "device", "status"),
    _counter("embedding_errors_total", "Calls that ended with an error, by its class.", "error"),
    _histogram("embedding_duration_seconds", "Seconds of a call that succeeded.", "kind", "device"),
    _histogram("embedding_tokenize_seconds", "Seconds of a call spent tokenising.", "kind"),
    _counter("embedding_items_processed_total", "Texts that got a vector.", "device"),
    _counter("embedding_tokens_processed_total", "Tokens of these texts, without padding."),
    _counter("embedding_truncated_texts_total", "Texts that were cut to what the model reads."),
    _gauge("embedding_queue_tokens", "Tokens that wait for a device."),
)
DEVICES = (
    _histogram("embedding_batch_duration_seconds", "Seconds a device took for a batch.", "device"),
    _histogram("embedding_batch_size", "Texts in a batch.", "device", buckets=_COUNTS),
    _counter("embedding_batch_tokens_total", "Tokens of texts in batches.", "device"),
    _counter("embedding_batch_padding_tokens_total", "Tokens of padding in batches.", "device"),
    _counter("embedding_batch_failures_total", "Batches that a device did not finish.", "device", "reason"),
    _gauge("embedding_device_usage_percent", "Share of time a device worked since the scrape before.", "device"),
    _gauge("embedding_optimal_batch_size", "Padded tokens that the next batch of a device may have.", "device"),
    _counter("embedding_batch_size_adjustments_total", "Changes of that budget.", "device", "direction"),
    _gauge("embedding_lane_error", "Largest 1-cos of a device against the float32 references at load.", "device"),
    _counter("embedding_lanes_refused_total", "Devices that could not take part.", "device", "error"),
    _gauge("embedding_circuit_breaker_state", "0 closed, 1 half open, 2 open.", "component"),
    _gauge("embedding_health_status", "1 healthy, 0.5 degraded, 0 unhealthy.", "component"),
    _gauge("embedding_gpu_count", "CUDA devices that take part."),
    _counter("embedding_gpu_requests_total", "Batches of a CUDA device.", "gpu_id"),
    _gauge("embedding_gpu_memory_free_bytes", "Bytes that batches on a CUDA device may still take.", "gpu_id"),
    _counter("embedding_memory_pool_hits_total", "Buffers lent without an allocation.", "device", "pool"),
    _counter("embedding_memory_pool_misses_total", "Buffers that had to be allocated.", "device", "pool"),
    _gauge("embedding_memory_pool_in_use_bytes", "Bytes of buffers that are lent.", "device", "pool"),
    _gauge("embedding_memory_pool_held_bytes", "Bytes of all buffers.", "device", "pool"),
    _gauge("embedding_memory_pool_fragmentation", "1 - requested / held bytes.", "device", "pool"),
)
CACHES = (
    _counter("embedding_cache_hits_total", "Distinct texts of calls that a cache had."),
    _counter("embedding_cache_misses_total", "Distinct texts of calls that had to be computed."),
    _counter("embedding_cache_layer_hits_total", "Look-ups that a tier answered.", "layer"),
    _counter("embedding_cache_layer_misses_total", "Look-ups that a tier could not answer.", "layer"),
    _histogram("embedding_cache_lookup_seconds", "Seconds a tier was asked.", "layer", buckets=_SHORT_SECONDS),
    _counter("embedding_cache_written_total", "Records that a tier took.", "layer"),
    _counter("embedding_cache_written_bytes_total", "Bytes of these records.", "layer"),
    _counter("embedding_cache_dropped_total", "Records that were not written because the queue was full.", "layer"),
    _counter("embedding_cache_failures_total", "Operations that a tier could not do.", "layer", "operation"),
    _counter("embedding_cache_damaged_total", "Records that could not be read and were deleted.", "layer"),
    _gauge("embedding_cache_entries", "Entries of a tier.", "layer"),
    _counter("embedding_semantic_cache_checks_total", "Decisions of the near-duplicate tier.", "outcome"),
    _histogram(
        "embedding_semantic_cache_similarity",
        "Estimated cosine of the nearest text.",
        buckets=_COSINES,
    ),
    _histogram(
        "embedding_semantic_cache_true_cosine",
        "Cosine of hits that were computed to measure the tier.",
        buckets=_COSINES,
    ),
    _counter("embedding_quantization_vectors_total", "Vectors stored in fewer bits.", "codec"),
    _counter("embedding_quantization_saved_bytes_total", "Bytes that float32 would have taken more.", "codec"),
    _gauge("embedding_quantization_worst_error", "Largest 1-cos of the last checked sample.", "codec"),
)
OBJECTIVES = (
    _gauge("embedding_slo_value", "Seconds at the percentile, or share, of the window.", "objective"),
    _gauge("embedding_slo_limit", "What was promised, in the same unit.", "objective"),
    _gauge("embedding_slo_error_budget_remaining", "Share of the error budget; negative: overdrawn.", "objective"),
    _gauge("embedding_slo_burn_rate", "1 uses up the budget exactly at the end of the window.", "objective", "span"),
    _gauge("embedding_slo_violated", "1 if the budget is overdrawn.", "objective"),
    _gauge("embedding_slo_warning", "1 if the budget will be gone within the window at this rate.", "objective"),
    _gauge("embedding_slo_exhausted_in_seconds", "Seconds until then; +Inf: not in sight.", "objective"),
    _gauge("embedding_target", "Targets of the settings, for the lines of dashboards.", "target"),
)
METRICS: tuple[Metric, ...] = (*CALLS, *DEVICES, *CACHES, *OBJECTIVES)


def reference(metrics: tuple[Metric, ...] = METRICS, labels: dict[str, str] | None = None) -> str:
    """Return the table of metrics in Markdown, as the reference page shows it."""
    values = LABELS if labels is None else labels
    lines = ["| metric | type | meaning | labels |", "|---|---|---|---|"]
    for metric in metrics:
        names = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {metric.meaning} | {names} |")
    lines += ["", "| label | values |", "|---|---|"]
    used = {label for metric in metrics for label in metric.labels}
    lines += [f"| `{label}` | {meaning} |" for label, meaning in values.items() if label in used]
    return "\n".join(lines) + "\n"
