"""All tiers together, over tiers in memory that can fail on command."""

import threading

import numpy as np
import pytest

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache.guarded import GuardedTier
from hybrid_embeddings.cache.memory import MemoryTier
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.cache.tiers import Storage, TieredCache
from hybrid_embeddings.cache.write_behind import WriteBehind
from hybrid_embeddings.errors import CacheTierError
from hybrid_embeddings.events import (
    BreakerChanged,
    CacheFailed,
    CacheLookedUp,
    Events,
    RecordsDamaged,
    VectorsQuantized,
)
from hybrid_embeddings.keys import Space
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.testing import RecordsInMemory

SPACE = Space("m", "w", "text", "", "p", None, 8, True, "fast")
BY_IMPORTANCE = {"critical": codecs.FLOAT32, "normal": codecs.INT16, "background": codecs.INT8}


def vectors_of(texts):
    rows = [np.random.default_rng(abs(hash(text)) % 2**32).standard_normal(8) for text in texts]
    return np.array(rows, dtype=np.float32)


def cache_over(*tiers, events=None, now=None, max_waiting=1000, entries=1000):
    clock = now or (lambda: 0.0)
    guarded = [GuardedTier(tier, Breaker(threshold=2, timeout_s=60.0, clock=clock), events) for tier in tiers]
    memory = MemoryTier(8, max_entries=entries, max_bytes=10**6, ttl_s=100.0, clock=clock)
    return TieredCache(memory, guarded, Storage(RecordFormat(8), BY_IMPORTANCE), max_waiting=max_waiting, events=events)


def put(cache, texts, importance=None):
    facts = np.array([[len(text), 1] for text in texts], dtype=np.int32)
    cache.put_many(SPACE, texts, vectors_of(texts), facts, importance)
    assert cache.flush(10.0)


def test_a_slower_tier_answers_for_a_new_process_with_vectors_and_facts():
    store = RecordsInMemory("sql")
    put(cache_over(store), ["один", "два"])
    lookup = cache_over(store).get_many(SPACE, ["два", "нет", "один", "два"])
    assert lookup.found.tolist() == [True, False, True, True]
    assert np.allclose(lookup.vectors[[0, 2, 3]], vectors_of(["два", "один", "два"]), atol=1e-4)
    assert lookup.facts[[0, 2]].tolist() == [[3, 1], [4, 1]]


def test_each_tier_is_asked_once_per_call_and_only_for_what_is_left():
    fast, slow = RecordsInMemory("redis"), RecordsInMemory("sql")
    put(cache_over(fast), ["a"])
    put(cache_over(slow), ["b"])
    cache = cache_over(fast, slow)
    assert cache.get_many(SPACE, ["a", "b", "c", "a"]).found.tolist() == [True, True, False, True]
    assert fast.calls == ["put", "get 3"]
    assert slow.calls == ["put", "get 2"]


def test_hits_are_promoted_to_memory_and_to_the_faster_tiers_unchanged():
    """§4.5: a promoted record is copied as it is, not decoded and quantised again."""
    fast, slow = RecordsInMemory("redis"), RecordsInMemory("sql")
    put(cache_over(slow), ["a"], "background")
    cache = cache_over(fast, slow)
    first = cache.get_many(SPACE, ["a"], "background").vectors
    assert cache.flush(10.0)
    assert fast.records == slow.records
    assert np.array_equal(cache.get_many(SPACE, ["a"], "background").vectors, first)
    assert np.array_equal(cache_over(fast).get_many(SPACE, ["a"], "background").vectors, first)
    assert cache.stats()["tiers"]["memory"]["hits"] == 1


def test_importance_decides_the_codec_and_less_exact_records_do_not_serve_the_critical():
    store = RecordsInMemory("sql")
    for text, importance, codec in (("a", "critical", 1), ("b", None, 3), ("c", "background", 4)):
        put(cache_over(store), [text], importance)
        assert {record[1] for key, record in store.records.items() if SPACE.keys([text]) == [key[1]]} == {codec}
    found = {
        importance: cache_over(store).get_many(SPACE, ["a", "b", "c"], importance).found.tolist()
        for importance in ("critical", "normal", "background")
    }
    assert found == {
        "critical": [True, False, False],
        "normal": [True, True, False],
        "background": [True, True, True],
    }


def test_a_vector_decoded_from_int8_stays_int8_in_memory():
    """§4.5: promotion to memory does not make a vector more exact than its record."""
    store = RecordsInMemory("sql")
    put(cache_over(store), ["a"], "background")
    cache = cache_over(store)
    assert cache.get_many(SPACE, ["a"], "background") is not None
    assert cache.get_many(SPACE, ["a"], "critical") is None


def test_a_better_vector_replaces_what_was_stored_less_exactly():
    store = RecordsInMemory("sql")
    put(cache_over(store), ["a"], "background")
    put(cache_over(store), ["a"], "critical")
    assert np.array_equal(cache_over(store).get_many(SPACE, ["a"], "critical").vectors, vectors_of(["a"]))


def test_damaged_records_are_a_miss_are_counted_and_deleted():
    store, seen = RecordsInMemory("sql"), []
    put(cache_over(store), ["a", "b"])
    damaged = next(iter(store.records))
    store.records[damaged] = store.records[damaged][:-1] + b"!"
    events = Events()
    events.subscribe(seen.append)
    cache = cache_over(store, events=events)
    assert cache.get_many(SPACE, ["a", "b"]).found.sum() == 1
    assert cache.flush(10.0)
    assert damaged not in store.records
    assert cache.stats()["tiers"]["sql"]["damaged"] == 1
    assert RecordsDamaged("sql", 1) in seen


def test_a_record_under_the_key_of_another_text_is_refused():
    """A wrong vector is worse than none: here somebody swaps two records in the store."""
    store = RecordsInMemory("sql")
    put(cache_over(store), ["a", "b"])
    one, other = store.records
    store.records[one], store.records[other] = store.records[other], store.records[one]
    assert cache_over(store).get_many(SPACE, ["a", "b"]) is None


def test_a_tier_that_fails_costs_no_answer_and_its_breaker_opens():
    """§4.7: failures are counted, and an open breaker spares the tier."""
    now, seen = [0.0], []
    events = Events()
    events.subscribe(seen.append)
    broken, good = RecordsInMemory("redis"), RecordsInMemory("sql")
    put(cache_over(good), ["a"])
    broken.error = CacheTierError("away")
    cache = cache_over(broken, good, events=events, now=lambda: now[0], entries=1)
    for text in ("a", "x", "a", "y", "a"):
        cache.get_many(SPACE, [text, "z"])
    assert cache.flush(10.0)
    assert broken.calls.count("get 2") == 2
    stats = cache.stats()["tiers"]["redis"]
    assert stats["breaker"] == "open"
    assert stats["failures"] == 2
    assert stats["last_error"] == "away"
    assert BreakerChanged("cache:redis", "open") in seen
    assert CacheFailed("redis", "get", "CacheTierError") in seen
    assert cache.health()["cache:redis"] == {"status": "degraded", "detail": "away"}
    broken.error, now[0] = None, 61.0
    cache.get_many(SPACE, ["q"])
    assert cache.health()["cache:redis"]["status"] == "healthy"


def test_hits_and_misses_are_counted_once_per_row():
    """§4.7: no counter counts twice, promoted hits included."""
    events, seen = Events(), []
    events.subscribe(seen.append)
    store = RecordsInMemory("sql")
    put(cache_over(store), ["a", "b"])
    cache = cache_over(store, events=events)
    cache.get_many(SPACE, ["a", "b", "c", "a"])
    cache.get_many(SPACE, ["a", "c"])
    stats = cache.stats()
    assert (stats["hits"], stats["misses"], stats["hit_rate"]) == (4, 2, 4 / 6)
    assert stats["tiers"]["memory"] == {"hits": 1, "misses": 5}
    assert (stats["tiers"]["sql"]["hits"], stats["tiers"]["sql"]["misses"]) == (2, 2)
    looked = [(event.tier, event.n_hits, event.n_misses) for event in seen if isinstance(event, CacheLookedUp)]
    assert looked == [("memory", 0, 4), ("sql", 2, 1), ("memory", 1, 1), ("sql", 0, 1)]


def test_what_quantising_costs_is_measured_on_every_vector():
    events, seen = Events(), []
    events.subscribe(seen.append)
    cache = cache_over(RecordsInMemory("sql"), events=events)
    put(cache, ["a", "b"], "background")
    measured = cache.stats()["quantization"]["int8"]
    assert measured["vectors"] == 2
    assert measured["bytes_saved"] == 48
    assert 0 < measured["mean_error"] <= measured["worst_error"] < 1e-3
    assert next(event for event in seen if isinstance(event, VectorsQuantized)).worst_error == measured["worst_error"]


def test_the_caller_may_change_vectors_after_they_were_put():
    store = RecordsInMemory("sql")
    cache = cache_over(store)
    store.gate.clear()
    vectors = vectors_of(["a"])
    cache.put_many(SPACE, ["a"], vectors, np.zeros((1, 2), dtype=np.int32))
    vectors[:] = 7
    store.gate.set()
    assert cache.flush(10.0)
    assert np.allclose(cache_over(store).get_many(SPACE, ["a"]).vectors, vectors_of(["a"]), atol=1e-4)


def test_writing_never_waits_and_what_finds_no_room_is_counted():
    store = RecordsInMemory("sql")
    store.gate.clear()
    cache = cache_over(store, max_waiting=3)
    for text in "abcdef":
        cache.put_many(SPACE, [text], vectors_of([text]), np.zeros((1, 2), dtype=np.int32))
    stats = cache.stats()
    assert stats["dropped_writes"] == 3
    assert stats["waiting_writes"] == 3
    assert not cache.flush(0.01)
    store.gate.set()
    assert cache.flush(10.0)
    assert len(store.records) == 3


def test_closing_writes_what_is_left():
    store = RecordsInMemory("sql")
    cache = cache_over(store)
    cache.put_many(SPACE, ["a"], vectors_of(["a"]), np.zeros((1, 2), dtype=np.int32))
    cache.close()
    cache.close()
    assert len(store.records) == 1
    assert store.closed


def test_closing_gives_up_what_hangs_says_so_and_lets_nobody_wait(caplog):
    writer, began, go_on, told = WriteBehind(max_entries=10), threading.Event(), threading.Event(), []
    writer.submit(2, lambda: began.set() or go_on.wait(20))
    writer.submit(3, go_on.set)
    began.wait(20)
    waiting = threading.Thread(target=lambda: told.append(writer.flush()))
    waiting.start()
    assert not writer.close(0.01)
    go_on.set()
    waiting.join(20)
    assert told == [False]
    assert "5 entries" in caplog.text


def test_a_look_up_that_is_interrupted_does_not_keep_the_trial_of_a_tier():
    store, now = RecordsInMemory("redis"), [0.0]
    tier = GuardedTier(store, Breaker(threshold=1, timeout_s=60.0, clock=lambda: now[0]))
    store.error = CacheTierError("away")
    tier.get_many(b"space", [b"key"])
    now[0], store.error = 61.0, KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tier.get_many(b"space", [b"key"])
    store.error = None
    tier.get_many(b"space", [b"key"])
    assert tier.health()["status"] == "healthy"


def test_a_store_that_was_away_at_first_is_told_what_its_space_is():
    store = RecordsInMemory("redis")
    cache = cache_over(store)
    store.error = CacheTierError("away")
    put(cache, ["a"])
    store.error = None
    put(cache, ["b"])
    assert store.descriptions == {SPACE.digest(): SPACE.described()}


def test_a_write_that_raises_something_unforeseen_does_not_end_the_writer(caplog):
    writer, done = WriteBehind(max_entries=10), threading.Event()

    def fail():
        raise ZeroDivisionError

    assert writer.submit(1, fail)
    assert writer.submit(1, done.set)
    assert writer.flush(10.0)
    assert done.is_set()
    assert "a cache write failed" in caplog.text
    assert writer.close(10.0)
    assert not writer.submit(1, done.set)


def test_spaces_do_not_mix():
    """§4.4: a query vector is never served as a document vector, nor one of another model."""
    store = RecordsInMemory("sql")
    put(cache_over(store), ["a"])
    cache = cache_over(store)
    for other in (
        Space("m", "w", "query", "", "p", None, 8, True, "fast"),
        Space("m", "other weights", "text", "", "p", None, 8, True, "fast"),
        Space("m", "w", "text", "prompt: ", "p", None, 8, True, "fast"),
        Space("m", "w", "text", "", "p", None, 8, True, "exact"),
        Space("m", "w", "text", "", "p", None, 8, False, "fast"),
    ):
        assert cache.get_many(other, ["a"]) is None
    assert cache.get_many(SPACE, ["a"]) is not None


@pytest.mark.parametrize("name", ["float16", "int16", "int8"])
def test_accuracy_of_codecs_on_random_unit_vectors(name):
    from hybrid_embeddings.cache import accuracy

    vectors = np.random.default_rng(0).standard_normal((500, 384)).astype(np.float32)
    found = accuracy.measure(codecs.CODECS[name], vectors)
    assert found.worst_error <= {"float16": 1e-6, "int16": 1e-6, "int8": 1e-4}[name]
    assert 0 <= found.recall_loss_at_10 <= {"float16": 0.01, "int16": 0.01, "int8": 0.1}[name]


def test_calibrated_int8_is_as_exact_and_better_on_outliers():
    """One dimension that is far larger than all others costs the plain codec its precision."""
    from hybrid_embeddings.cache import accuracy

    vectors = np.random.default_rng(0).standard_normal((2000, 64)).astype(np.float32)
    vectors[:, 0] *= 30
    plain = accuracy.measure(codecs.INT8, vectors)
    calibrated = accuracy.measure(codecs.INT8_CALIBRATED, vectors, codecs.calibrate(vectors))
    assert calibrated.mean_error < plain.mean_error
    assert calibrated.recall_loss_at_10 < plain.recall_loss_at_10
