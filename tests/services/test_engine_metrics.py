"""Every metric of the engine after a scripted workload: two lanes, all tiers of caches on real stores, faults.

What the workload counts itself must be what a scrape shows, to the last unit; and no metric may be declared that
nothing moves. ``cuda:0`` is a lane of the real model on the CPU behind the pools of a GPU lane, see `second_lane`.
"""

from __future__ import annotations

import math
import sqlite3
import threading
from collections import Counter
from typing import get_args

import pytest
import redis

from hybrid_embeddings import EmbeddingService, Settings, errors
from hybrid_embeddings.cache.codecs import CODECS
from hybrid_embeddings.errors import InputError, LaneError, LaneOutOfMemory, NoLaneAvailable
from hybrid_embeddings.events import BatchFailure
from hybrid_embeddings.lane_wiring import lane_factories
from hybrid_embeddings.observability.catalogue import METRICS
from hybrid_embeddings.observability.instruments import exposition
from hybrid_embeddings.observability.objectives import Promises, objectives
from hybrid_embeddings.observability.prometheus import PrometheusMetrics
from hybrid_embeddings.observability.slo import SloTracker
from hybrid_embeddings.settings import TARGETS
from hybrid_embeddings.types import Kind
from hybrid_embeddings.wiring import build_engine
from tests.scrapes import Scrape, not_exposed, unknown_series
from tests.services.second_lane import FREE_BYTES, SecondLane

QUEUE = 45  # records that may wait to be written; no step below writes more between two flushes
MEASURED_AT_LEAST = 40  # pairs, before the near-duplicate tier trusts what it measured


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


class Workload:
    """Calls a service and keeps its own books of what came back."""

    def __init__(self, service, lanes):
        self.service, self.lanes = service, lanes
        self.calls, self.errors, self.texts, self.sums = Counter(), Counter(), Counter(), Counter()

    def embed(self, texts, kind="text", device=None):
        _, receipt = self.service.encode(texts, kind=kind, use_device=device, return_report=True)
        by = list(receipt.lanes) or ["cache"]
        where = by[0] if len(by) == 1 else "hybrid"
        self.calls[kind, where, "ok"] += 1
        self.texts[where] += receipt.n_texts
        self.sums.update(
            tokens=receipt.n_tokens,
            truncated=len(receipt.truncated),
            hits=receipt.n_cached,
            misses=receipt.n_computed,
        )
        return receipt

    def fail(self, texts, error, device=None):
        with pytest.raises(error):
            self.service.encode(texts, use_device=device)
        self.calls["text", "none", "error"] += 1
        self.errors[error.__name__] += 1

    def flush(self):
        assert self.service.flush_cache(30.0)


@pytest.fixture(scope="module")
def server():
    from tests.servers import RedisServer

    server = RedisServer()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def done(server, model_cache, tmp_path_factory):
    """The workload with its books, and what a scrape showed while a batch was under way."""
    folder = tmp_path_factory.mktemp("кэш")
    settings = Settings(
        cache_dir=model_cache,
        cache_redis_url=server.url,
        cache_sql_url=f"sqlite:///{folder / 'vectors.sqlite'}",
        cache_size=20,
        cache_write_queue=QUEUE,
        cache_timeout_s=20.0,
        quantization=True,
        semantic_mode="active",
        semantic_sample=1e-9,
        semantic_federation=True,
        predictive_batch=True,
        breaker_threshold_cache=2,
        breaker_threshold_gpu=1,
        breaker_timeout_gpu_s=0.05,
    )
    service = EmbeddingService(settings=settings)
    runtime, clock = service._runtime, Clock()
    prepared, lanes = runtime.prepared(), {}

    def second(_):
        lanes["cuda:0"] = SecondLane(prepared)
        return lanes["cuda:0"]

    def broken(_):
        raise LaneError("no such device")

    promises = Promises(error_rate=0.03, cache_hit_rate=0.01)
    runtime.slo = SloTracker(objectives(promises), clock=clock)
    service.events.subscribe(runtime.slo)
    metrics = PrometheusMetrics(clock=clock)
    metrics.watch(service)
    factories = {**lane_factories(settings, prepared), "cuda:0": second, "cuda:1": broken}
    runtime._engine = build_engine(settings, prepared, factories=factories, events=service.events)
    lane = lanes["cuda:0"]
    lane.returned, lane.n_tokens, lane.n_padded = [], 0, 0  # the check of the lane was no work
    work = Workload(service, lanes)
    with service:
        _healthy(work, server)
        exposition(metrics.registry)
        clock.now_s += 1800
        _faulty(work, server, folder)
        scraped = _scrape_in_flight(work, metrics)
        yield work, scraped


def _healthy(work, server):
    # One text a call: that is what latencies are judged by, and what the policies of batches learn from.
    for number in range(12):
        work.embed([f"warm-up number {number} of the day"], "query")
        work.embed([f"another start, number {number}"], device="cuda:0")
    work.flush()
    work.embed([f"stock report of warehouse {number} in detail" for number in range(16)], "document")
    work.embed(["word " * 400, "word " * 400, "short one"])  # cut, and equal
    work.flush()
    work.embed(["short one"])  # from memory
    texts = [f"warm-up number {number} of the day" for number in range(12)]
    work.embed(texts, "query")  # from Redis: memory holds 20
    work.flush()
    redis.Redis.from_url(server.url).flushall()
    work.embed([f"stock report of warehouse {number} in detail" for number in range(16)], "document")  # from SQL
    work.flush()
    _near_duplicates(work)
    _damaged(work, server)


def _near_duplicates(work):
    said = [f"The {colour} {thing} was checked by the manager" for colour in _COLOURS for thing in _THINGS + _MORE]
    assert len(said) > MEASURED_AT_LEAST
    work.embed(said)
    work.flush()
    work.embed([text.upper() for text in said])  # measured: each is computed and compared
    work.flush()
    before = work.sums["misses"]
    work.embed([text.lower() for text in said[:5]])
    work.near_hits = 5 - (work.sums["misses"] - before)
    work.embed(["The red pallet was not checked by the manager"])  # one word that may not differ
    work.flush()


def _damaged(work, server):
    texts = [f"entry {number} of the journal" for number in range(7)]
    work.embed(texts)
    work.flush()
    work.embed([f"other text {number}" for number in range(25)])  # out of memory with the seven
    work.flush()
    client = redis.Redis.from_url(server.url)
    newest = [name for name in client.scan_iter("*") if b":v:" in name]
    client.mset(dict.fromkeys(newest, b"rubbish"))
    receipt = work.embed(texts)
    assert receipt.n_cached == 7  # SQL knows them
    work.n_damaged = 7
    work.flush()


def _faulty(work, server, folder):
    lane = work.lanes["cuda:0"]
    lane.faults = [LaneOutOfMemory("no room")]
    work.embed([f"too much at once {number}" for number in range(4)], device="cuda:0")
    lane.faults = ["nan"]
    work.embed(["a row of rubbish"], device="cuda:0")
    lane.is_unplugged = True
    work.fail(["nobody can do this"], NoLaneAvailable, device="cuda:0")
    lane.is_unplugged = False
    _wait(lambda: work.service.explain()["lanes"]["cuda:0"]["breaker"] == "half_open")
    work.fail(["half a character \ud800"], InputError)
    work.embed(["it works again"], device="cuda:0")
    work.flush()
    # A writer that has to wait, so that the queue is full.
    locker = sqlite3.connect(folder / "vectors.sqlite", isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    work.embed([f"first delivery {number}" for number in range(QUEUE)])
    work.embed([f"second delivery {number}" for number in range(QUEUE)])
    work.n_dropped = QUEUE
    locker.execute("ROLLBACK")
    locker.close()
    work.flush()
    server.kill()
    for number in range(3):
        work.embed([f"without redis {number}"])
        work.flush()


def _scrape_in_flight(work, metrics):
    """A scrape while one batch holds its buffers and another one waits."""
    lane, service = work.lanes["cuda:0"], work.service
    lane.pooled.copying.clear()
    lane.pooled.gate.clear()
    calls = [threading.Thread(target=service.encode, args=([text],), kwargs={"use_device": "cuda:0"}) for text in "ab"]
    try:
        calls[0].start()
        assert lane.pooled.copying.wait(20)
        calls[1].start()
        _wait(lambda: service.get_advanced_stats()["queued_tokens"])
        work.stats = service.get_cache_stats()
        metrics.refresh()
        return Scrape(exposition(metrics.registry)[0])
    finally:
        lane.pooled.gate.set()
        for call in calls:
            call.join()


def _wait(condition):
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("waited for too long")


_COLOURS = ("red", "green", "blue")
_THINGS = ("invoice", "pallet", "price", "contract", "delivery", "order", "account", "ledger", "document")
_MORE = ("register", "quality", "season", "truck", "barcode")


def test_every_declared_metric_is_moved(done):
    _, scraped = done
    unmoved = [metric.name for metric in METRICS if not scraped.is_moved(metric)]
    assert unmoved == []


def test_every_sample_is_declared_with_its_labels(done):
    assert unknown_series(done[1], METRICS) == []


def test_dashboards_and_alerts_ask_for_what_is_there(done):
    assert not_exposed(done[1], "embedding_") == []


def test_calls_texts_and_tokens_are_counted_exactly(done):
    work, scraped = done
    for (kind, device, status), count in work.calls.items():
        assert scraped.value("embedding_requests_total", kind=kind, device=device, status=status) == count
    assert scraped.total("embedding_requests_total") == sum(work.calls.values())
    assert {labels["error"]: value for labels, value in scraped.samples("embedding_errors_total")} == work.errors
    for device, count in work.texts.items():
        assert scraped.value("embedding_items_processed_total", device=device) == count
    assert scraped.total("embedding_items_processed_total") == sum(work.texts.values())
    assert scraped.total("embedding_tokens_processed_total") == work.sums["tokens"]
    assert scraped.total("embedding_truncated_texts_total") == work.sums["truncated"] == 2
    assert scraped.total("embedding_cache_hits_total") == work.sums["hits"]
    assert scraped.total("embedding_cache_misses_total") == work.sums["misses"]
    served = sum(count for (_, _, status), count in work.calls.items() if status == "ok")
    assert scraped.total("embedding_duration_seconds_count") == served


def test_batches_of_the_second_lane_are_counted_exactly(done):
    work, scraped = done
    lane, on = work.lanes["cuda:0"], {"device": "cuda:0"}
    # Two more came back when the scrape was over.
    texts = sum(lane.returned) - 2
    assert scraped.value("embedding_batch_size_count", **on) == len(lane.returned) - 2
    assert scraped.value("embedding_batch_size_sum", **on) == texts
    assert scraped.value("embedding_gpu_requests_total", gpu_id="0") == len(lane.returned) - 2
    for reason, count in (("out_of_memory", 1), ("not_finite", 1), ("error", lane.n_refused)):
        assert scraped.value("embedding_batch_failures_total", reason=reason, **on) == count
    assert scraped.value("embedding_lanes_refused_total", device="cuda:1", error="LaneError") == 1
    assert scraped.value("embedding_gpu_memory_free_bytes", gpu_id="0") == FREE_BYTES
    assert scraped.value("embedding_gpu_count") == 1
    assert scraped.value("embedding_memory_pool_in_use_bytes", pool="device", **on) > 0


def test_caches_are_counted_exactly(done):
    work, scraped = done
    stats = work.stats
    for layer in ("redis", "sql"):
        tier = stats["tiers"][layer]
        assert scraped.value("embedding_cache_layer_hits_total", layer=layer) == tier["hits"]
        assert scraped.value("embedding_cache_written_total", layer=layer) == tier["written"]
        failed = scraped.samples("embedding_cache_failures_total", layer=layer)
        assert sum(value for _, value in failed) == tier["failures"]
    assert scraped.value("embedding_cache_damaged_total", layer="redis") == work.n_damaged
    assert scraped.total("embedding_cache_dropped_total") == work.n_dropped
    assert scraped.value("embedding_semantic_cache_checks_total", outcome="hit") == work.near_hits == 5
    near = stats["tiers"]["near"]
    n_measured = scraped.value("embedding_semantic_cache_checks_total", outcome="shadow")
    assert n_measured == near["shadow"] > MEASURED_AT_LEAST
    assert scraped.value("embedding_semantic_cache_checks_total", outcome="gated") >= 1
    assert scraped.value("embedding_federation_messages_total", news="sent") == near["federation"]["sent"]
    stored = sum(one["vectors"] for one in stats["quantization"].values())
    assert scraped.total("embedding_quantization_vectors_total") == stored
    assert scraped.value("embedding_circuit_breaker_state", component="cache:redis") == 2
    assert scraped.value("embedding_health_status", component="cache:redis") == 0.5


def test_objectives_tell_what_is_violated_and_what_will_be(done):
    work, scraped = done
    assert scraped.value("embedding_slo_violated", objective="availability") == 1
    assert scraped.value("embedding_slo_warning", objective="error_rate") == 1
    n_failed = work.errors["NoLaneAvailable"]
    n_served = sum(count for (_, _, status), count in work.calls.items() if status == "ok")
    assert scraped.value("embedding_slo_value", objective="error_rate") == pytest.approx(
        n_failed / (n_failed + n_served)
    )
    assert math.isfinite(scraped.value("embedding_slo_exhausted_in_seconds", objective="error_rate"))


DEVICES = {"cpu", "cuda:0", "cuda:1"}
TIERS = {"cache:redis", "cache:sql"}
# The sets that values of labels come from.
CLOSED = {
    "kind": set(get_args(Kind)),
    "device": {*DEVICES, "hybrid", "cache", "none"},
    "status": {"ok", "error"},
    "error": {name for name in vars(errors) if name[0].isupper()},
    "reason": set(get_args(BatchFailure)),
    "quantity": {"time", "memory"},
    "direction": {"up", "down"},
    "component": {*DEVICES, *TIERS, "service"},
    "gpu_id": {"0"},
    "pool": {"pinned", "device"},
    "layer": {"memory", "redis", "sql", "near", "write-behind"},
    "operation": {"get", "put", "delete"},
    "outcome": {"hit", "miss", "gated", "shadow"},
    "news": {"sent", "received", "refused", "failures"},
    "codec": set(CODECS),
    "objective": {one.name for one in objectives(Promises())},
    "span": {"window", "fast", "slow"},
    "target": {name for name, _ in TARGETS},
}


def test_values_of_labels_come_from_closed_sets(done):
    seen = [labels for _, labels, _ in done[1].all()]
    for label, allowed in CLOSED.items():
        assert {labels[label] for labels in seen if label in labels} <= allowed, label
    assert {label for labels in seen for label in labels} == {*CLOSED, "le"}
