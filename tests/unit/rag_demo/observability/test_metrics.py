"""What the chat tells, as metrics."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing

import pytest

from hybrid_embeddings.observability.catalogue import METRICS as ENGINE_METRICS
from hybrid_embeddings.observability.instruments import exposition
from rag_demo import events as ev
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.observability.catalogue import LABELS, METRICS
from rag_demo.observability.prometheus import RagMetrics
from rag_demo.observability.state import IndexState, index_state

RECORDS = [getattr(ev, name) for name in ev.__all__ if name != "Events"]


def value(metrics, name, **labels):
    return metrics.registry.get_sample_value(name, labels)


def test_a_question_with_its_stages():
    metrics = RagMetrics()
    metrics(ev.AnswerFinished("answered", "ollama:m", 2500.0, 400.0, (("retrieve", 12.0), ("generate", 2400.0))))
    metrics(ev.AnswerFinished("failed", "extractive", 1.0, error="LlmOverloaded"))
    assert value(metrics, "rag_questions_total", outcome="answered") == 1
    assert value(metrics, "rag_question_seconds_sum", outcome="answered") == pytest.approx(2.5)
    assert value(metrics, "rag_first_word_seconds_sum") == pytest.approx(0.4)
    assert value(metrics, "rag_stage_seconds_sum", stage="retrieve") == pytest.approx(0.012)
    assert value(metrics, "rag_errors_total", error="LlmOverloaded") == 1


def test_what_a_server_does_not_tell_is_not_counted_as_zero():
    metrics = RagMetrics()
    told = {"prompt_tokens": 900, "cached_tokens": None, "completion_tokens": 50, "tokens_per_s": 25.0}
    times = {"first_token_ms": 300.0, "slot_ms": 1.0, "queue_ms": None, "load_ms": None, "prefill_ms": 250.0}
    metrics(ev.GenerationFinished("vllm", decode_ms=2000.0, finish_reason="stop", retries=2, **told, **times))
    vllm = {"backend": "vllm"}
    assert value(metrics, "rag_llm_prefill_seconds_sum", timings="client", **vllm) == pytest.approx(0.25)
    assert value(metrics, "rag_llm_decode_seconds_sum", timings="client", **vllm) == pytest.approx(2.0)
    assert value(metrics, "rag_llm_tokens_per_second_sum", timings="client", **vllm) == pytest.approx(25.0)
    assert value(metrics, "rag_llm_prompt_tokens_total", **vllm) == 900
    assert value(metrics, "rag_llm_retries_total", **vllm) == 2
    assert value(metrics, "rag_llm_queue_seconds_count", **vllm) is None
    assert value(metrics, "rag_llm_cached_prompt_tokens_total", **vllm) is None


def test_retrieval_context_and_check():
    metrics = RagMetrics()
    metrics(ev.RetrievalFinished(9.0, 7, hit=True, evidence=1.3, degraded=("dense",)))
    metrics(ev.RetrievalFinished(9.0, 0, hit=False))
    metrics(ev.ContextPacked(sources=4, compressed=1, context_tokens=2000, suspicious_lines=2))
    metrics(ev.CitationsChecked(2.0, sentences=8, marked=2, problems=(("figure", 1), ("negation", 1))))
    assert value(metrics, "rag_retrieval_total", result="evidence") == 1
    assert value(metrics, "rag_retrieval_total", result="none") == 1
    assert value(metrics, "rag_retrieval_evidence_count") == 1
    assert value(metrics, "rag_retrieval_degraded_total", leg="dense") == 1
    assert value(metrics, "rag_context_tokens_sum") == 2000
    assert value(metrics, "rag_checked_sentences_total") == 8
    assert value(metrics, "rag_marked_sentences_total") == 2
    assert value(metrics, "rag_claim_problems_total", problem="figure") == 1


def test_counters_that_alerts_look_at_begin_at_zero():
    """A rate does not see the first step of a series that begins with it."""
    metrics = RagMetrics()
    for name, labels in (
        ("rag_index_updates_total", {"result": "failed"}),
        ("rag_questions_total", {"outcome": "failed"}),
        ("rag_retrieval_total", {"result": "none"}),
        ("rag_retrieval_degraded_total", {"leg": "dense"}),
    ):
        assert value(metrics, name, **labels) == 0


def test_every_event_moves_a_metric():
    """A new record that nobody counts would be a metric that is declared and never set."""
    for record in RECORDS:
        metrics = RagMetrics()
        before = exposition(metrics.registry)
        metrics(_example(record))
        assert exposition(metrics.registry) != before, record.__name__


def _example(record):
    made = {}
    for name, hint in typing.get_type_hints(record).items():
        choices = typing.get_args(hint)
        if typing.get_origin(hint) is typing.Literal:
            made[name] = choices[-1]
        elif hint is bool:
            made[name] = True
        elif hint in {int, float} or float in choices or (int in choices and type(None) in choices):
            made[name] = 3
        elif hint is str:
            made[name] = "vllm"
        else:
            made[name] = ()
    return record(**made)


def test_records_hold_nothing_that_could_be_a_text():
    """Only numbers, names from closed sets and tuples of these: see the fields that are strings."""
    strings = {field.name for record in RECORDS for field in dataclasses.fields(record) if "str" in str(field.type)}
    assert strings == {"backend", "degraded", "error", "finish_reason", "problems", "route", "stages_ms"}


def test_the_state_of_the_indexes_is_looked_at_on_each_scrape():
    states = [IndexState(2, {"method": 9}, 1, 3, 200, 2.0), IndexState(1, {"method": 5}, 0, 1, 100, 1.0)]
    metrics = RagMetrics(state=lambda: states[-1])
    exposition(metrics.registry)
    assert value(metrics, "rag_index_documents", doc_type="method") == 5
    states.pop()
    for name, expected in (
        ("rag_index_spaces", 2),
        ("rag_index_unread_files", 1),
        ("rag_index_generations", 3),
        ("rag_index_bytes", 200),
        ("rag_index_age_seconds", 2),
    ):
        assert value(metrics, name) == expected
    assert value(metrics, "rag_index_documents", doc_type="method") == 9


def test_events_refresh_the_gauges_where_no_scrape_asks_this_process():
    seconds, asked = [0.0], []

    def state():
        asked.append(seconds[0])
        return IndexState(0, {}, 0, 0, 0, 0.0)

    metrics = RagMetrics(state=state, refresh_every_s=10.0, clock=lambda: seconds[0])
    for at_s in (5.0, 11.0, 12.0, 22.0):
        seconds[0] = at_s
        metrics(ev.CacheLookedUp("miss", 0.1))
    assert asked == [11.0, 22.0]


def test_the_state_of_a_data_folder(tmp_path):
    store, now = SpaceStore(tmp_path), dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc)
    about = {"source": "", "source_format": "designer", "configuration_name": "Торговля", "configuration_version": ""}
    about |= {"model_name": "m", "model_fingerprint": "f", "dimension": 4}
    for space, created, counts in (
        ("первое", "2026-01-01T00:00:00+00:00", {"method": 3}),
        ("второе", "2026-01-01T23:00:00+00:00", {"method": 1, "help": 2}),
    ):
        with store.building(space) as folder:
            (folder / "vectors.bin").write_bytes(b"x" * 5000)
            store.publish(Manifest(space, folder.name, created=created, counts=counts, problems=1, **about))
    state = index_state(tmp_path, now=now)
    assert (state.n_spaces, state.n_generations, state.n_unread_files) == (2, 2, 2)
    assert state.documents == {"method": 4, "help": 2}
    assert state.age_s == 86_400
    assert 10_000 <= state.n_bytes < 200_000
    assert index_state(tmp_path / "нет").n_spaces == 0


def test_names_and_labels_are_declared_once_and_follow_the_conventions():
    names = [metric.name for metric in (*ENGINE_METRICS, *METRICS)]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("rag_")
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert set(metric.labels) <= set(LABELS), metric.name
        assert (metric.kind == "histogram") == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
