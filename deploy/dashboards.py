"""Writes the Grafana dashboards: ``python deploy/dashboards.py``. Panels are a table; the JSON is made from it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "grafana" / "dashboards"
_DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 7


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph. ``queries`` are pairs of an expression and the legend of its lines."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    meaning: str = ""
    minimum: float | None = 0


def _rate(metric: str, by: str = "", where: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{where}[$__rate_interval]))"


def _quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{where}[$__rate_interval])))"


def _quantiles(histogram: str, where: str = "") -> tuple[tuple[str, str], ...]:
    return tuple((_quantile(share, histogram, where=where), name) for share, name in _SHARES)


def _share(part: str, *whole: str, by: str = "") -> str:
    return f"{_rate(part, by)} / ({' + '.join(_rate(metric, by) for metric in whole)})"


_SHARES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))

ENGINE = (
    Panel("Texts per second", ((_rate("embedding_items_processed_total", "device"), "{{device}}"),), "ops"),
    Panel("Calls per second", ((_rate("embedding_requests_total", "status"), "{{status}}"),), "ops"),
    Panel("Errors per second", ((_rate("embedding_errors_total", "error"), "{{error}}"),), "ops"),
    Panel("Time of a call", _quantiles("embedding_duration_seconds"), "s"),
    Panel("Time of a query", _quantiles("embedding_duration_seconds", '{kind="query"}'), "s"),
    Panel(
        "Time of a batch, p95",
        ((_quantile(0.95, "embedding_batch_duration_seconds", "device"), "{{device}}"),),
        "s",
    ),
    Panel("Tokens waiting", (("sum (embedding_queue_tokens)", "tokens"),)),
    Panel(
        "Devices at work",
        (
            ("embedding_device_usage_percent", "{{device}}"),
            ('100 * embedding_target{target=~"gpu_usage.*|cpu_usage.*"}', "target {{target}}"),
        ),
        "percent",
    ),
    Panel("Budget of a batch, tokens", (("embedding_optimal_batch_size", "{{device}}"),)),
    Panel(
        "Changes of the budget",
        ((_rate("embedding_batch_size_adjustments_total", "device, direction"), "{{device}} {{direction}}"),),
        "ops",
    ),
    Panel(
        "Padding, share of tokens",
        (
            (
                _share(
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
    Panel("Texts in a batch, p50", ((_quantile(0.5, "embedding_batch_size", "device"), "{{device}}"),)),
    Panel(
        "Batches that failed",
        ((_rate("embedding_batch_failures_total", "device, reason"), "{{device}} {{reason}}"),),
        "ops",
    ),
    Panel(
        "Breakers",
        (("embedding_circuit_breaker_state", "{{component}}"),),
        meaning="0 closed, 1 half open, 2 open: the part gets no work.",
    ),
    Panel("Health", (("embedding_health_status", "{{component}}"),), meaning="1 healthy, 0.5 degraded, 0 unhealthy."),
    Panel("GPU batches per second", ((_rate("embedding_gpu_requests_total", "gpu_id"), "GPU {{gpu_id}}"),), "ops"),
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
                _share(
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

CACHES = (
    Panel(
        "Share of texts from caches",
        (
            (
                _share("embedding_cache_hits_total", "embedding_cache_hits_total", "embedding_cache_misses_total"),
                "all tiers",
            ),
            ('embedding_target{target="cache_hit_rate"}', "target"),
        ),
        "percentunit",
    ),
    Panel(
        "Share of hits per tier",
        (
            (
                _share(
                    "embedding_cache_layer_hits_total",
                    "embedding_cache_layer_hits_total",
                    "embedding_cache_layer_misses_total",
                    by="layer",
                ),
                "{{layer}}",
            ),
        ),
        "percentunit",
    ),
    Panel("Look-up, p95", ((_quantile(0.95, "embedding_cache_lookup_seconds", "layer"), "{{layer}}"),), "s"),
    Panel("Entries", (("embedding_cache_entries", "{{layer}}"),)),
    Panel("Records written", ((_rate("embedding_cache_written_total", "layer"), "{{layer}}"),), "ops"),
    Panel("Bytes written", ((_rate("embedding_cache_written_bytes_total", "layer"), "{{layer}}"),), "Bps"),
    Panel(
        "Trouble",
        (
            (_rate("embedding_cache_failures_total", "layer, operation"), "{{layer}} {{operation}} failed"),
            (_rate("embedding_cache_damaged_total", "layer"), "{{layer}} damaged"),
            (_rate("embedding_cache_dropped_total", "layer"), "{{layer}} dropped"),
        ),
        "ops",
    ),
    Panel(
        "Near-duplicates",
        ((_rate("embedding_semantic_cache_checks_total", "outcome"), "{{outcome}}"),),
        "ops",
    ),
    Panel("Estimated cosine of the nearest text", _quantiles("embedding_semantic_cache_similarity"), "short"),
    Panel(
        "True cosine of measured hits, p1",
        ((_quantile(0.01, "embedding_semantic_cache_true_cosine"), "p1"),),
        meaning="Below 0.98 the tier gives wrong vectors and should tighten itself.",
    ),
    Panel("Vectors quantised", ((_rate("embedding_quantization_vectors_total", "codec"), "{{codec}}"),), "ops"),
    Panel("Error of quantisation, 1-cos", (("embedding_quantization_worst_error", "{{codec}}"),), "sci"),
    Panel("Bytes saved", ((_rate("embedding_quantization_saved_bytes_total"), "saved"),), "Bps"),
)

OBJECTIVES = (
    Panel(
        "Error budget left",
        (("embedding_slo_error_budget_remaining", "{{objective}}"),),
        "percentunit",
        kind="bargauge",
        minimum=None,
    ),
    Panel("Violated", (("embedding_slo_violated", "{{objective}}"),), kind="stat"),
    Panel("Will be violated", (("embedding_slo_warning", "{{objective}}"),), kind="stat"),
    Panel(
        "Latency against its limit",
        (
            ('embedding_slo_value{objective=~"latency.*"}', "{{objective}}"),
            ('embedding_slo_limit{objective=~"latency.*"}', "limit {{objective}}"),
        ),
        "s",
    ),
    Panel(
        "Errors against their limit",
        (
            ('embedding_slo_value{objective="error_rate"}', "error rate"),
            ('embedding_slo_limit{objective="error_rate"}', "limit"),
        ),
        "percentunit",
    ),
    Panel(
        "Availability and hit rate",
        (
            ('embedding_slo_value{objective=~"availability|cache_hit_rate"}', "{{objective}}"),
            ('embedding_slo_limit{objective=~"availability|cache_hit_rate"}', "limit {{objective}}"),
        ),
        "percentunit",
    ),
    Panel(
        "Budget over time", (("embedding_slo_error_budget_remaining", "{{objective}}"),), "percentunit", minimum=None
    ),
    Panel(
        "Burn rate",
        (("embedding_slo_burn_rate", "{{objective}} {{span}}"),),
        meaning="1 uses up the budget exactly at the end of the window.",
    ),
    Panel("Budget gone in", (("embedding_slo_exhausted_in_seconds < Inf", "{{objective}}"),), "s"),
    Panel("Targets", (("embedding_target", "{{target}}"),), kind="stat"),
)


def dashboard(uid: str, title: str, panels: tuple[Panel, ...]) -> dict[str, Any]:
    """Return the model of a dashboard as Grafana 10 and later import it."""
    return {
        "uid": uid,
        "title": title,
        "tags": ["hybrid-embeddings"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": [_panel(number, panel) for number, panel in enumerate(panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    per_row = _COLUMNS // _WIDTH
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.minimum is not None:
        defaults["min"] = panel.minimum
    return {
        "id": number + 1,
        "title": panel.title,
        "description": panel.meaning,
        "type": panel.kind,
        "datasource": _DATASOURCE,
        "gridPos": {"x": number % per_row * _WIDTH, "y": number // per_row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }


DASHBOARDS = {
    "engine": ("Embeddings: devices and calls", ENGINE),
    "caches": ("Embeddings: caches", CACHES),
    "objectives": ("Embeddings: objectives and error budgets", OBJECTIVES),
}


def main() -> None:
    """Write every dashboard."""
    for name, (title, panels) in DASHBOARDS.items():
        text = json.dumps(dashboard(f"hybrid-{name}", title, panels), ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
