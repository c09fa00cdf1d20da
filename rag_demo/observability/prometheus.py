"""From what the chat tells to Prometheus metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, get_args

from hybrid_embeddings.observability.instruments import Instruments
from rag_demo import events as ev
from rag_demo.observability.catalogue import METRICS
from rag_demo.observability.state import IndexState

_BREAKER = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
# Series that are there from the start; the names of errors, routes and back ends come as they come.
_KNOWN = (
    ("rag_questions_total", "outcome", get_args(ev.Outcome)),
    ("rag_retrieval_total", "result", ("evidence", "none")),
    ("rag_retrieval_degraded_total", "leg", ("dense", "lexical", "rerank")),
    ("rag_answer_cache_lookups_total", "result", get_args(ev.CacheResult)),
    ("rag_index_updates_total", "result", ("built", "updated", "unchanged", "failed")),
    ("rag_index_changes_total", "change", ("added", "changed", "removed")),
)
_LEVEL: dict[str, Callable[[IndexState], float]] = {
    "rag_index_spaces": lambda state: state.n_spaces,
    "rag_index_unread_files": lambda state: state.n_unread_files,
    "rag_index_bytes": lambda state: state.n_bytes,
    "rag_index_generations": lambda state: state.n_generations,
    "rag_index_age_seconds": lambda state: state.age_s,
}


class RagMetrics:
    """All metrics of the chat in one registry. Thread-safe."""

    def __init__(
        self,
        registry: Any = None,
        *,
        state: Callable[[], IndexState] | None = None,
        refresh_every_s: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Register the metrics.

        Args:
            registry: a ``prometheus_client.CollectorRegistry``; None makes a new one.
            state: looks at the indexes; asked at each scrape.
            refresh_every_s: ask it at events, too, at most this often; see `PrometheusMetrics`.
            clock: gives seconds.

        Raises:
            MissingDependencyError: ``prometheus-client`` is not installed.
        """
        self.instruments = Instruments(METRICS, registry)
        self._state = state
        self._clock = clock
        self._refresh_every_s = refresh_every_s
        self._refreshed_s = clock()
        for name, label, values in _KNOWN:
            self.instruments.begin(name, label, values)
        self.instruments.before_scrape(self.refresh)

    @property
    def registry(self) -> Any:
        """The ``prometheus_client.CollectorRegistry``."""
        return self.instruments.registry

    def __call__(self, event: object) -> None:
        """Count an event."""
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            handle(self.instruments, event)
        if self._clock() - self._refreshed_s >= self._refresh_every_s:
            self.refresh()

    def refresh(self) -> None:
        """Set the gauges of the indexes."""
        self._refreshed_s = self._clock()
        if self._state is None:
            return
        state = self._state()
        for name, read in _LEVEL.items():
            self.instruments.set(name, read(state))
        for doc_type, count in state.documents.items():
            self.instruments.set("rag_index_documents", count, doc_type=doc_type)


def _answer_finished(put: Instruments, event: ev.AnswerFinished) -> None:
    put.add("rag_questions_total", outcome=event.outcome)
    put.observe("rag_question_seconds", event.total_ms / 1e3, outcome=event.outcome)
    if event.error:
        put.add("rag_errors_total", error=event.error)
    if event.first_token_ms is not None:
        put.observe("rag_first_word_seconds", event.first_token_ms / 1e3)
    for stage, took_ms in event.stages_ms:
        put.observe("rag_stage_seconds", took_ms / 1e3, stage=stage)


def _retrieval_finished(put: Instruments, event: ev.RetrievalFinished) -> None:
    put.add("rag_retrieval_total", result="evidence" if event.hit else "none")
    put.observe("rag_retrieval_hits", event.hits)
    if event.evidence is not None:
        put.observe("rag_retrieval_evidence", event.evidence)
    for leg in event.degraded:
        put.add("rag_retrieval_degraded_total", leg=leg)


def _reranked(put: Instruments, event: ev.Reranked) -> None:
    put.add("rag_rerank_total", result=event.outcome)
    put.observe("rag_rerank_seconds", event.duration_ms / 1e3)


def _context_packed(put: Instruments, event: ev.ContextPacked) -> None:
    put.observe("rag_context_tokens", event.context_tokens)
    put.observe("rag_context_sources", event.sources)
    put.add("rag_context_compressed_total", event.compressed)
    put.add("rag_context_suspicious_lines_total", event.suspicious_lines)


def _generation_finished(put: Instruments, event: ev.GenerationFinished) -> None:
    backend = event.backend or "none"  # no server answered
    put.add("rag_llm_answers_total", backend=backend, finish=event.finish_reason)
    put.add("rag_llm_retries_total", event.retries, backend=backend)
    put.observe("rag_llm_slot_wait_seconds", event.slot_ms / 1e3, backend=backend)
    for name, took_ms in (
        ("rag_llm_first_token_seconds", event.first_token_ms),
        ("rag_llm_queue_seconds", event.queue_ms),
        ("rag_llm_load_seconds", event.load_ms),
    ):
        if took_ms is not None:
            put.observe(name, took_ms / 1e3, backend=backend)
    if event.prefill_ms is not None:
        put.observe("rag_llm_prefill_seconds", event.prefill_ms / 1e3, backend=backend, timings=event.timings)
    if event.decode_ms is not None:
        put.observe("rag_llm_decode_seconds", event.decode_ms / 1e3, backend=backend, timings=event.timings)
    if event.tokens_per_s is not None:
        put.observe("rag_llm_tokens_per_second", event.tokens_per_s, backend=backend, timings=event.timings)
    for name, count in (
        ("rag_llm_prompt_tokens_total", event.prompt_tokens),
        ("rag_llm_cached_prompt_tokens_total", event.cached_tokens),
        ("rag_llm_completion_tokens_total", event.completion_tokens),
    ):
        if count is not None:
            put.add(name, count, backend=backend)


def _backend_failed(put: Instruments, event: ev.BackendFailed) -> None:
    put.add("rag_llm_failures_total", backend=event.backend, error=event.error)


def _backend_changed(put: Instruments, event: ev.BackendChanged) -> None:
    put.set("rag_llm_breaker_state", _BREAKER[event.state], backend=event.backend)


def _citations_checked(put: Instruments, event: ev.CitationsChecked) -> None:
    put.add("rag_checked_sentences_total", event.sentences)
    put.add("rag_marked_sentences_total", event.marked)
    for problem, count in event.problems:
        put.add("rag_claim_problems_total", count, problem=problem)


def _cache_looked_up(put: Instruments, event: ev.CacheLookedUp) -> None:
    put.add("rag_answer_cache_lookups_total", result=event.result)
    if event.age_s is not None:
        put.observe("rag_answer_cache_age_seconds", event.age_s)


def _space_updated(put: Instruments, event: ev.SpaceUpdated) -> None:
    put.add("rag_index_updates_total", result=event.result)
    put.observe("rag_index_update_seconds", event.duration_ms / 1e3, result=event.result)
    for change in ("added", "changed", "removed"):
        put.add("rag_index_changes_total", getattr(event, change), change=change)
    if event.lag_s is not None:
        put.observe("rag_index_lag_seconds", event.lag_s)


def _space_update_failed(put: Instruments, event: ev.SpaceUpdateFailed) -> None:
    put.add("rag_index_updates_total", result="failed")
    put.add("rag_errors_total", error=event.error)


def _request_finished(put: Instruments, event: ev.RequestFinished) -> None:
    put.add("rag_http_requests_total", route=event.route, code=str(event.status))
    put.observe("rag_http_seconds", event.duration_ms / 1e3, route=event.route)


_HANDLERS: dict[type, Callable[[Instruments, Any], None]] = {
    ev.AnswerFinished: _answer_finished,
    ev.RetrievalFinished: _retrieval_finished,
    ev.Reranked: _reranked,
    ev.ContextPacked: _context_packed,
    ev.GenerationFinished: _generation_finished,
    ev.BackendFailed: _backend_failed,
    ev.BackendChanged: _backend_changed,
    ev.CitationsChecked: _citations_checked,
    ev.CacheLookedUp: _cache_looked_up,
    ev.SpaceUpdated: _space_updated,
    ev.SpaceUpdateFailed: _space_update_failed,
    ev.RequestFinished: _request_finished,
}
