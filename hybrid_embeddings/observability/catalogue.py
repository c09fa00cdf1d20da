"""Every metric of the engine once: its name, unit, meaning, buckets, labels and the sets that their values come from.

No other file declares one: whoever sets a metric names it as it stands here, and a name that does not raises KeyError.
The reference page and the tests of dashboards and alert rules are made from this table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

MetricKind = Literal["counter", "gauge", "histogram"]

# What the values of each label can be. None is a text, a key or a path of a user.
LABELS: dict[str, str] = {
    "kind": "text, query, document",
    "quantity": "time, memory",
    "device": "cpu, cuda:0, cuda:1, …; for calls also hybrid, static, cache, none",
    "status": "ok, error",
    "error": "names of the error classes of the package",
    "reason": "error, out_of_memory, timeout, not_finite",
    "layer": "memory, redis, sql, near; for records that were dropped write-behind",
    "operation": "get, put, delete",
    "codec": "float32, float16, int16, int8, int8-calibrated",
    "outcome": "hit, miss, gated, shadow",
    "component": "cpu, cuda:0, …, static, cache:redis, cache:sql; for health also service",
    "direction": "up, down",
    "news": "sent, received, refused, failures",
    "gpu_id": "0, 1, …",
    "objective": "names of the objectives",
    "span": "window, fast, slow",
    "pool": "pinned, device",
    "target": "names of the targets in the settings",
}

# Geometric, because latencies are judged by ratios.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_SHORT_SECONDS = (1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.5)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
_COSINES = (0.5, 0.8, 0.9, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995, 0.999, 1.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. The name is the one that a scrape shows, so a counter ends in ``_total``.

    ``buckets`` are the upper edges of a histogram, in its unit.
    """

    name: str
    kind: MetricKind
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def counter(name: str, unit: str, meaning: str, *labels: str) -> Metric:
    """What only grows, but for a restart."""
    return Metric(name, "counter", unit, meaning, labels)


def gauge(name: str, unit: str, meaning: str, *labels: str) -> Metric:
    """What goes up and down."""
    return Metric(name, "gauge", unit, meaning, labels)


def histogram(name: str, unit: str, meaning: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Metric:
    """Values sorted into buckets."""
    return Metric(name, "histogram", unit, meaning, labels, buckets)


CALLS = (
    counter("embedding_requests_total", "calls", "Calls.", "kind", "device", "status"),
    counter("embedding_errors_total", "calls", "Calls that ended with an error, by its class.", "error"),
    histogram("embedding_duration_seconds", "seconds", "Seconds of a call that succeeded.", "kind", "device"),
    histogram("embedding_tokenize_seconds", "seconds", "Seconds of a call spent tokenising.", "kind"),
    counter("embedding_items_processed_total", "texts", "Texts that got a vector.", "device"),
    counter("embedding_tokens_processed_total", "tokens", "Tokens of these texts, without padding."),
    counter("embedding_truncated_texts_total", "texts", "Texts that were cut to what the model reads."),
    gauge("embedding_queue_tokens", "tokens", "Tokens that wait for a device."),
)
DEVICES = (
    histogram("embedding_batch_duration_seconds", "seconds", "Seconds a device took for a batch.", "device"),
    histogram("embedding_batch_size", "texts", "Texts in a batch.", "device", buckets=_COUNTS),
    counter("embedding_batch_tokens_total", "tokens", "Tokens of texts in batches.", "device"),
    counter("embedding_batch_padding_tokens_total", "tokens", "Tokens of padding in batches.", "device"),
    counter("embedding_batch_failures_total", "batches", "Batches that a device did not finish.", "device", "reason"),
    gauge(
        "embedding_device_usage_percent", "percent", "Share of time a device worked since the scrape before.", "device"
    ),
    gauge(
        "embedding_optimal_batch_size", "tokens", "Padded tokens that the next batch of a device may have.", "device"
    ),
    counter("embedding_batch_size_adjustments_total", "changes", "Changes of that budget.", "device", "direction"),
    gauge(
        "embedding_budget_prediction_error",
        "share",
        "Mean relative error of what was predicted of the latest batches.",
        "device",
        "quantity",
    ),
    gauge(
        "embedding_lane_error",
        "1 - cosine",
        "Largest 1-cos of a device against the float32 references at load.",
        "device",
    ),
    counter("embedding_lanes_refused_total", "devices", "Devices that could not take part.", "device", "error"),
    gauge("embedding_circuit_breaker_state", "state", "0 closed, 1 half open, 2 open.", "component"),
    gauge("embedding_health_status", "state", "1 healthy, 0.5 degraded, 0 unhealthy.", "component"),
    gauge(
        "embedding_memory_usage_percent",
        "percent",
        "Memory in use: of the machine, or of the container where that has a limit.",
    ),
    gauge("embedding_gpu_count", "devices", "CUDA devices that take part."),
    counter("embedding_gpu_requests_total", "batches", "Batches of a CUDA device.", "gpu_id"),
    gauge("embedding_gpu_memory_free_bytes", "bytes", "Bytes that batches on a CUDA device may still take.", "gpu_id"),
    counter("embedding_memory_pool_hits_total", "buffers", "Buffers lent without an allocation.", "device", "pool"),
    counter("embedding_memory_pool_misses_total", "buffers", "Buffers that had to be allocated.", "device", "pool"),
    gauge("embedding_memory_pool_in_use_bytes", "bytes", "Bytes of buffers that are lent.", "device", "pool"),
    gauge("embedding_memory_pool_held_bytes", "bytes", "Bytes of all buffers.", "device", "pool"),
    gauge("embedding_memory_pool_fragmentation", "share", "1 - requested / held bytes.", "device", "pool"),
)
CACHES = (
    counter("embedding_cache_hits_total", "texts", "Distinct texts of calls that a cache had."),
    counter("embedding_cache_misses_total", "texts", "Distinct texts of calls that had to be computed."),
    counter("embedding_cache_layer_hits_total", "look-ups", "Look-ups that a tier answered.", "layer"),
    counter("embedding_cache_layer_misses_total", "look-ups", "Look-ups that a tier could not answer.", "layer"),
    histogram(
        "embedding_cache_lookup_seconds", "seconds", "Seconds a tier was asked.", "layer", buckets=_SHORT_SECONDS
    ),
    counter("embedding_cache_written_total", "records", "Records that a tier took.", "layer"),
    counter("embedding_cache_written_bytes_total", "bytes", "Bytes of these records.", "layer"),
    counter(
        "embedding_cache_dropped_total", "records", "Records that were not written because the queue was full.", "layer"
    ),
    counter(
        "embedding_cache_failures_total", "operations", "Operations that a tier could not do.", "layer", "operation"
    ),
    counter("embedding_cache_damaged_total", "records", "Records that could not be read and were deleted.", "layer"),
    gauge("embedding_cache_entries", "entries", "Entries of a tier.", "layer"),
    counter("embedding_semantic_cache_checks_total", "texts", "Decisions of the near-duplicate tier.", "outcome"),
    histogram(
        "embedding_semantic_cache_similarity",
        "cosine",
        "Estimated cosine of the nearest text.",
        buckets=_COSINES,
    ),
    histogram(
        "embedding_semantic_cache_true_cosine",
        "cosine",
        "Cosine of hits that were computed to measure the tier.",
        buckets=_COSINES,
    ),
    counter("embedding_federation_messages_total", "messages", "News of near-duplicates between processes.", "news"),
    counter("embedding_quantization_vectors_total", "vectors", "Vectors stored in fewer bits.", "codec"),
    counter("embedding_quantization_saved_bytes_total", "bytes", "Bytes that float32 would have taken more.", "codec"),
    gauge("embedding_quantization_worst_error", "1 - cosine", "Largest 1-cos of the last checked sample.", "codec"),
)
OBJECTIVES = (
    gauge(
        "embedding_slo_value", "seconds or share", "Seconds at the percentile, or share, of the window.", "objective"
    ),
    gauge("embedding_slo_limit", "seconds or share", "What was promised, in the same unit.", "objective"),
    gauge(
        "embedding_slo_error_budget_remaining", "share", "Share of the error budget; negative: overdrawn.", "objective"
    ),
    gauge(
        "embedding_slo_burn_rate", "rate", "1 uses up the budget exactly at the end of the window.", "objective", "span"
    ),
    gauge("embedding_slo_violated", "0 or 1", "1 if the budget is overdrawn.", "objective"),
    gauge(
        "embedding_slo_warning", "0 or 1", "1 if the budget will be gone within the window at this rate.", "objective"
    ),
    gauge("embedding_slo_exhausted_in_seconds", "seconds", "Seconds until then; +Inf: not in sight.", "objective"),
    gauge("embedding_target", "as in the settings", "Targets of the settings, for the lines of dashboards.", "target"),
)
METRICS: tuple[Metric, ...] = (*CALLS, *DEVICES, *CACHES, *OBJECTIVES)


def reference(metrics: Iterable[Metric] = METRICS, labels: Mapping[str, str] = LABELS) -> str:
    """Return the table of metrics in Markdown, as the reference page shows it, with its labels and buckets."""
    metrics = tuple(metrics)
    lines = ["| metric | type | unit | meaning | labels |", "|---|---|---|---|---|"]
    for metric in metrics:
        names = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{metric.name}` | {metric.kind} | {metric.unit} | {metric.meaning} | {names} |")
    lines += ["", "| label | values |", "|---|---|"]
    used = {label for metric in metrics for label in metric.labels}
    lines += [f"| `{label}` | {meaning} |" for label, meaning in labels.items() if label in used]
    lines += ["", "| histograms | upper edges of the buckets |", "|---|---|"]
    for buckets in dict.fromkeys(metric.buckets for metric in metrics if metric.buckets):
        names = ", ".join(f"`{metric.name}`" for metric in metrics if metric.buckets == buckets)
        lines.append(f"| {names} | {', '.join(f'{edge:g}' for edge in buckets)} |")
    return "\n".join(lines) + "\n"
