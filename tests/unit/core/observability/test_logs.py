"""Events as log lines."""

from __future__ import annotations

import logging

import pytest

from hybrid_embeddings import events as ev
from hybrid_embeddings.observability.logs import LogLines, stdlib_writer, structlog_writer


def test_a_line_of_the_standard_library_names_the_event_and_its_fields(caplog):
    lines = LogLines(stdlib_writer())
    with caplog.at_level(logging.INFO, logger="hybrid_embeddings.events"):
        lines(ev.BatchFailed("cuda:0", "out_of_memory", 32))
    [record] = caplog.records
    assert record.getMessage() == "batch_failed lane=cuda:0 reason=out_of_memory n_texts=32"
    assert record.levelno == logging.WARNING
    assert record.fields == {"lane": "cuda:0", "reason": "out_of_memory", "n_texts": 32}


@pytest.mark.parametrize(
    ("event", "level"),
    [
        (ev.BreakerChanged("cpu", "open"), logging.WARNING),
        (ev.BreakerChanged("cpu", "closed"), logging.INFO),
        (ev.EncodeFailed("query", "InputError", 1, 0.1, "caller"), logging.INFO),
        (ev.EncodeFailed("query", "NoLaneAvailable", 1, 0.1, "service"), logging.ERROR),
        (ev.LaneLoaded("cpu", "bfloat16", 1e-5, 0.5), logging.INFO),
    ],
)
def test_levels_say_who_has_to_act(event, level, caplog):
    with caplog.at_level(logging.DEBUG, logger="hybrid_embeddings.events"):
        LogLines(stdlib_writer())(event)
    assert [record.levelno for record in caplog.records] == [level]


def test_calls_and_look_ups_that_go_well_are_not_lines(caplog):
    with caplog.at_level(logging.DEBUG, logger="hybrid_embeddings.events"):
        LogLines(stdlib_writer())(ev.EncodeFinished("query", "cpu", 1, 1, 0, 5, 0, 0.0, 0.1))
        LogLines(stdlib_writer())(ev.CacheLookedUp("memory", 1, 0, 0.0))
    assert not caplog.records


def test_every_call_is_a_line_for_those_who_want_that():
    written = []
    lines = LogLines(lambda level, name, fields: written.append((level, name, fields["n_texts"])), least=logging.DEBUG)
    lines(ev.EncodeFinished("query", "cpu", 1, 1, 0, 5, 0, 0.0, 0.1))
    lines(ev.BatchFinished("cpu", 3, 30, 36, 0.1))
    assert written == [(logging.DEBUG, "encode_finished", 1), (logging.DEBUG, "batch_finished", 3)]


def test_structlog_gets_fields_not_text():
    structlog = pytest.importorskip("structlog")
    with structlog.testing.capture_logs() as captured:
        LogLines(structlog_writer())(ev.CacheFailed("redis", "get", "ConnectionError"))
    assert captured == [
        {
            "event": "cache_failed",
            "tier": "redis",
            "operation": "get",
            "error": "ConnectionError",
            "log_level": "warning",
        }
    ]


def test_a_subscriber_that_fails_does_not_stop_the_others(caplog):
    events, seen = ev.Events(), []
    events.subscribe(lambda _: 1 / 0)
    events.subscribe(seen.append)
    events.emit(ev.BatchFailed("cpu", "error", 1))
    assert len(seen) == 1
    assert "BatchFailed" in caplog.text


def test_a_call_leaves_no_text_and_no_vector_in_the_lines(caplog):
    """The real service, at the lowest level: what it was asked must not be found in any line."""
    from hybrid_embeddings import EmbeddingService, HybridEmbeddingsError

    written = []
    with EmbeddingService() as service, caplog.at_level(logging.DEBUG):
        service.events.subscribe(
            LogLines(lambda level, name, fields: written.append(f"{level} {name} {fields}"), least=logging.DEBUG)
        )
        service.events.subscribe(LogLines(stdlib_writer(), least=logging.DEBUG))
        vectors = service.encode(["слово-примета one", "слово-примета two"])
        with pytest.raises(HybridEmbeddingsError):
            service.encode(["слово-примета \ud800"])
    said = "\n".join([*written, caplog.text])
    assert "encode_finished" in said
    assert "encode_failed" in said
    assert "слово-примета" not in said
    # Fewer digits now and then are those of a duration.
    assert not any(str(abs(number))[:9] in said for number in vectors.ravel()[:40])
