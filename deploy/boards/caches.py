"""Cache tiers, near-duplicates, quantisation."""

from __future__ import annotations

from boards.panel import Panel, quantile, quantiles, rate, share, target

PANELS = (
    Panel(
        "Share of texts from caches",
        (
            (
                share("embedding_cache_hits_total", "embedding_cache_hits_total", "embedding_cache_misses_total"),
                "all tiers",
            ),
            target("cache_hit_rate"),
        ),
        "percentunit",
    ),
    Panel(
        "Share of hits per tier",
        (
            (
                share(
                    "embedding_cache_layer_hits_total",
                    "embedding_cache_layer_hits_total",
                    "embedding_cache_layer_misses_total",
                    by="layer",
                ),
                "{{layer}}",
            ),
            target("memory_hit_rate", "near_hit_rate"),
        ),
        "percentunit",
    ),
    Panel("Look-up, p95", ((quantile(0.95, "embedding_cache_lookup_seconds", "layer"), "{{layer}}"),), "s"),
    Panel("Entries", (("embedding_cache_entries", "{{layer}}"),)),
    Panel("Records written", ((rate("embedding_cache_written_total", "layer"), "{{layer}}"),), "ops"),
    Panel("Bytes written", ((rate("embedding_cache_written_bytes_total", "layer"), "{{layer}}"),), "Bps"),
    Panel(
        "Trouble",
        (
            (rate("embedding_cache_failures_total", "layer, operation"), "{{layer}} {{operation}} failed"),
            (rate("embedding_cache_damaged_total", "layer"), "{{layer}} damaged"),
            (rate("embedding_cache_dropped_total", "layer"), "{{layer}} dropped"),
        ),
        "ops",
    ),
    Panel(
        "Near-duplicates",
        ((rate("embedding_semantic_cache_checks_total", "outcome"), "{{outcome}}"),),
        "ops",
    ),
    Panel("News of near-duplicates", ((rate("embedding_federation_messages_total", "news"), "{{news}}"),), "ops"),
    Panel("Estimated cosine of the nearest text", quantiles("embedding_semantic_cache_similarity"), "short"),
    Panel(
        "True cosine of measured hits, p1",
        ((quantile(0.01, "embedding_semantic_cache_true_cosine"), "p1"),),
        meaning="Below 0.98 the tier gives wrong vectors and should tighten itself.",
    ),
    Panel("Vectors quantised", ((rate("embedding_quantization_vectors_total", "codec"), "{{codec}}"),), "ops"),
    Panel("Error of quantisation, 1-cos", (("embedding_quantization_worst_error", "{{codec}}"),), "sci"),
    Panel("Bytes saved", ((rate("embedding_quantization_saved_bytes_total"), "saved"),), "Bps"),
)
