"""What each event of the engine means for its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hybrid_embeddings import events as ev
from hybrid_embeddings.observability.instruments import Instruments

BREAKER = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


def _encode_finished(put: Instruments, event: ev.EncodeFinished) -> None:
    put.add("embedding_requests_total", kind=event.kind, device=event.device, status="ok")
    put.observe("embedding_duration_seconds", event.total_s, kind=event.kind, device=event.device)
    put.observe("embedding_tokenize_seconds", event.tokenize_s, kind=event.kind)
    put.add("embedding_items_processed_total", event.n_texts, device=event.device)
    put.add("embedding_tokens_processed_total", event.n_tokens)
    put.add("embedding_truncated_texts_total", event.n_truncated)
    put.add("embedding_cache_hits_total", event.n_cached)
    put.add("embedding_cache_misses_total", event.n_computed)


def _encode_failed(put: Instruments, event: ev.EncodeFailed) -> None:
    put.add("embedding_requests_total", kind=event.kind, device="none", status="error")
    put.add("embedding_errors_total", error=event.error)


def _batch_finished(put: Instruments, event: ev.BatchFinished) -> None:
    put.observe("embedding_batch_duration_seconds", event.run_s, device=event.lane)
    put.observe("embedding_batch_size", event.n_texts, device=event.lane)
    put.add("embedding_batch_tokens_total", event.n_tokens, device=event.lane)
    put.add("embedding_batch_padding_tokens_total", event.n_padded_tokens - event.n_tokens, device=event.lane)


def _batch_failed(put: Instruments, event: ev.BatchFailed) -> None:
    put.add("embedding_batch_failures_total", device=event.lane, reason=event.reason)


def _breaker_changed(put: Instruments, event: ev.BreakerChanged) -> None:
    put.set("embedding_circuit_breaker_state", BREAKER[event.state], component=event.component)


def _budget_changed(put: Instruments, event: ev.BudgetChanged) -> None:
    put.add("embedding_batch_size_adjustments_total", device=event.lane, direction=event.direction)


def _lane_loaded(put: Instruments, event: ev.LaneLoaded) -> None:
    put.set("embedding_lane_error", event.worst_error, device=event.lane)


def _lane_refused(put: Instruments, event: ev.LaneRefused) -> None:
    put.add("embedding_lanes_refused_total", device=event.lane, error=event.error)


def _cache_looked_up(put: Instruments, event: ev.CacheLookedUp) -> None:
    put.add("embedding_cache_layer_hits_total", event.n_hits, layer=event.tier)
    put.add("embedding_cache_layer_misses_total", event.n_misses, layer=event.tier)
    put.observe("embedding_cache_lookup_seconds", event.seconds, layer=event.tier)


def _cache_written(put: Instruments, event: ev.CacheWritten) -> None:
    put.add("embedding_cache_written_total", event.n_records, layer=event.tier)
    put.add("embedding_cache_written_bytes_total", event.n_bytes, layer=event.tier)
    put.add("embedding_cache_dropped_total", event.n_dropped, layer=event.tier)


def _cache_failed(put: Instruments, event: ev.CacheFailed) -> None:
    put.add("embedding_cache_failures_total", layer=event.tier, operation=event.operation)


def _records_damaged(put: Instruments, event: ev.RecordsDamaged) -> None:
    put.add("embedding_cache_damaged_total", event.n_records, layer=event.tier)


def _vectors_quantized(put: Instruments, event: ev.VectorsQuantized) -> None:
    put.add("embedding_quantization_vectors_total", event.n_vectors, codec=event.codec)
    put.add("embedding_quantization_saved_bytes_total", event.n_bytes_saved, codec=event.codec)
    put.set("embedding_quantization_worst_error", event.worst_error, codec=event.codec)


def _near_checked(put: Instruments, event: ev.NearDuplicateChecked) -> None:
    put.add("embedding_semantic_cache_checks_total", event.n_texts, outcome=event.outcome)
    if event.similarity is not None:
        put.observe("embedding_semantic_cache_similarity", event.similarity)
    if event.true_cosine is not None:
        put.observe("embedding_semantic_cache_true_cosine", event.true_cosine)


HANDLERS: dict[type, Callable[[Instruments, Any], None]] = {
    ev.EncodeFinished: _encode_finished,
    ev.EncodeFailed: _encode_failed,
    ev.BatchFinished: _batch_finished,
    ev.BatchFailed: _batch_failed,
    ev.BreakerChanged: _breaker_changed,
    ev.BudgetChanged: _budget_changed,
    ev.LaneLoaded: _lane_loaded,
    ev.LaneRefused: _lane_refused,
    ev.CacheLookedUp: _cache_looked_up,
    ev.CacheWritten: _cache_written,
    ev.CacheFailed: _cache_failed,
    ev.RecordsDamaged: _records_damaged,
    ev.VectorsQuantized: _vectors_quantized,
    ev.NearDuplicateChecked: _near_checked,
}
