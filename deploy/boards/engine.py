"""Devices and calls."""

from __future__ import annotations

from boards.panel import Panel, quantile, quantiles, rate, share, target

PANELS = (
    Panel(
        "Texts per second",
        ((rate("embedding_items_processed_total", "device"), "{{device}}"), target("texts_per_s.*")),
        "ops",
    ),
    Panel("Calls per second", ((rate("embedding_requests_total", "status"), "{{status}}"),), "ops"),
    Panel("Errors per second", ((rate("embedding_errors_total", "error"), "{{error}}"),), "ops"),
    Panel(
        "Share of calls that fail",
        (
            (share("embedding_requests_total", "embedding_requests_total", part_where='{status="error"}'), "failed"),
            target("error_rate_critical"),
        ),
        "percentunit",
    ),
    Panel(
        "Memory in use",
        (("embedding_memory_usage_percent", "{{instance}}"), target("memory_usage_max", factor="100 * ")),
        "percent",
    ),
    Panel("Time of a call", quantiles("embedding_duration_seconds"), "s"),
    Panel("Time of a query", quantiles("embedding_duration_seconds", '{kind="query"}'), "s"),
    Panel(
        "Time of a batch, p95",
        ((quantile(0.95, "embedding_batch_duration_seconds", "device"), "{{device}}"),),
        "s",
    ),
    Panel("Tokens waiting", (("sum (embedding_queue_tokens)", "tokens"),)),
    Panel(
        "Devices at work",
        (
            ("embedding_device_usage_percent", "{{device}}"),
            target("gpu_usage.*", "cpu_usage.*", factor="100 * "),
        ),
        "percent",
    ),
    Panel("Budget of a batch, tokens", (("embedding_optimal_batch_size", "{{device}}"),)),
    Panel(
        "Changes of the budget",
        ((rate("embedding_batch_size_adjustments_total", "device, direction"), "{{device}} {{direction}}"),),
        "ops",
    ),
    Panel(
        "Padding, share of tokens",
        (
            (
                share(
                    "embedding_batch_padding_tokens_total",
                    "embedding_batch_padding_tokens_total",
                    "embedding_batch_tokens_total",
                    by="device",
                ),
                "{{device}}",
            ),
        ),
        "percentunit",
    ),
    Panel(
        "Error of predictions",
        (("embedding_budget_prediction_error", "{{device}} {{quantity}}"),),
        "percentunit",
        meaning="Of the time and memory of the latest batches, where EMBEDDING_PREDICTIVE_BATCH is on.",
    ),
    Panel("Texts in a batch, p50", ((quantile(0.5, "embedding_batch_size", "device"), "{{device}}"),)),
    Panel(
        "Batches that failed",
        ((rate("embedding_batch_failures_total", "device, reason"), "{{device}} {{reason}}"),),
        "ops",
    ),
    Panel(
        "Breakers",
        (("embedding_circuit_breaker_state", "{{component}}"),),
        meaning="0 closed, 1 half open, 2 open: the part gets no work.",
    ),
    Panel("Health", (("embedding_health_status", "{{component}}"),), meaning="1 healthy, 0.5 degraded, 0 unhealthy."),
    Panel("GPU batches per second", ((rate("embedding_gpu_requests_total", "gpu_id"), "GPU {{gpu_id}}"),), "ops"),
    Panel("GPU memory for batches", (("embedding_gpu_memory_free_bytes", "GPU {{gpu_id}}"),), "bytes"),
    Panel(
        "Memory pool, bytes",
        (
            ("embedding_memory_pool_held_bytes", "{{device}} {{pool}} held"),
            ("embedding_memory_pool_in_use_bytes", "{{device}} {{pool}} in use"),
        ),
        "bytes",
    ),
    Panel(
        "Memory pool, share of hits",
        (
            (
                share(
                    "embedding_memory_pool_hits_total",
                    "embedding_memory_pool_hits_total",
                    "embedding_memory_pool_misses_total",
                    by="pool",
                ),
                "{{pool}}",
            ),
        ),
        "percentunit",
    ),
)
