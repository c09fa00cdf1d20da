"""Caching as callers of the service see it, on the real default model."""

import asyncio
import threading

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, InputError, Settings
from hybrid_embeddings.cache import accuracy, codecs


def service(model_cache, **options) -> EmbeddingService:
    return EmbeddingService(settings=Settings.load(env_file=None, cache_dir=model_cache, **options))


@pytest.fixture(scope="module")
def ours():
    with EmbeddingService(settings=Settings.load(env_file=None, environ={}, cache_size=5000)) as one:
        yield one


def test_a_repeated_call_gets_the_same_bits_and_a_true_receipt(ours):
    texts = ["повтор один", "", "repeat two", "повтор один", "длинный текст " * 400]
    cold, first = ours.encode(texts, return_report=True)
    warm, second = ours.encode(texts, return_report=True)
    assert np.array_equal(cold, warm)
    assert (first.n_computed, first.n_cached) == (4, 0)
    assert (second.n_computed, second.n_cached) == (0, 4)
    assert second.n_tokens == first.n_tokens > 256
    assert second.truncated == first.truncated
    assert set(second.truncated) == {4}
    assert second.lanes == {}


def test_known_and_new_texts_in_one_call_keep_their_places(ours):
    """§4.2, §4.3: n texts in, n vectors out, each in its place, whatever the cache knew."""
    known = [f"знакомый {number}" for number in range(8)]
    of_known = ours.encode(known)
    mixed = ["новый а", known[3], "новый б", known[0], known[3], "новый а", known[7]]
    vectors, receipt = ours.encode(mixed, return_report=True)
    assert np.array_equal(vectors[[1, 3, 4, 6]], of_known[[3, 0, 3, 7]])
    assert np.array_equal(vectors[0], vectors[5])
    assert (receipt.n_computed, receipt.n_cached) == (2, 3)
    alone = ours.encode(["новый а", "новый б"], use_device="cpu")
    assert (1 - (vectors[[0, 2]] * alone).sum(axis=1)).max() < 1e-4


def test_texts_that_are_cut_are_refused_from_the_cache_as_well(ours):
    texts = ["короткий", "очень длинный " * 300]
    ours.encode(texts)
    with pytest.raises(InputError, match="text 1 has about") as raised:
        ours.encode(texts, on_truncate="error")
    assert raised.value.index == 1


def test_bad_unicode_names_the_row_of_the_caller_beside_known_rows(ours):
    ours.encode(["хороший"])
    with pytest.raises(InputError) as raised:
        ours.encode(["хороший", "хороший", "\ud800"])
    assert raised.value.index == 2


def test_a_call_for_a_device_is_computed_there(ours):
    ours.encode(["на устройстве"])
    _, receipt = ours.encode(["на устройстве"], use_device="cpu", return_report=True)
    assert receipt.n_computed == 1
    assert receipt.lanes == {"cpu": 1}


def test_kinds_do_not_share_entries(ours):
    """§4.4: the same text as a question and as a passage has two entries."""
    ours.encode(["вид"], kind="document")
    _, receipt = ours.encode(["вид"], kind="query", return_report=True)
    assert receipt.n_computed == 1


def test_what_callers_do_to_vectors_does_not_reach_the_cache(ours):
    first = ours.encode(["чужие руки"])
    kept = first.copy()
    first[:] = 0
    second = ours.encode(["чужие руки"])
    assert np.array_equal(second, kept)
    second[:] = 0
    assert np.array_equal(ours.encode(["чужие руки"]), kept)


def test_async_and_streams_use_the_cache(ours):
    texts = [f"поток {number}" for number in range(10)]
    expected = ours.encode(texts, kind="document")
    before = ours.get_cache_stats()["hits"]
    assert np.array_equal(asyncio.run(ours.aencode(texts, kind="document")), expected)
    assert np.array_equal(np.stack(list(ours.embed_iter(texts, window=3))), expected)
    assert ours.get_cache_stats()["hits"] == before + 20


def test_statistics_count_rows_once(ours):
    before = ours.get_device_stats()
    ours.encode(["счёт а", "счёт б", "счёт а"])
    ours.encode(["счёт а", "счёт в"])
    after = ours.get_device_stats()
    gained = {name: after[name] - before[name] for name in ("cache_hits", "cache_misses", "duplicate_texts")}
    assert gained == {"cache_hits": 1, "cache_misses": 4, "duplicate_texts": 1}
    assert 0 < after["cache_hit_rate"] < 1


def test_caching_can_be_switched_off(model_cache):
    with service(model_cache, cache_enabled=False) as bare:
        bare.encode(["дважды"])
        _, receipt = bare.encode(["дважды"], return_report=True)
        assert receipt.n_computed == 1
        assert bare.get_cache_stats()["enabled"] is False


def test_limits_of_the_memory_tier_come_from_the_settings(model_cache):
    with service(model_cache, cache_size=3, cache_ttl_s=50.0) as small:
        small.encode([str(number) for number in range(10)])
        stats = small.get_cache_stats()
        assert (stats["size"], stats["max_size"], stats["ttl_seconds"]) == (3, 3, 50.0)


def test_precision_and_dimension_do_not_share_a_store(model_cache, tmp_path):
    """§4.4: entries of one numeric class or length never serve another; equal options in a new process do share."""
    url = f"sqlite:///{tmp_path / 'кэш.sqlite'}"
    computed = []
    for options in ({}, {"precision": "exact"}, {"truncate_dim": 64, "document_prompt": "п: "}, {}):
        with service(model_cache, cache_sql_url=url, **options) as one:
            _, receipt = one.encode(["общий текст"], kind="document", return_report=True)
            computed.append(receipt.n_computed)
    assert computed == [1, 1, 1, 0]


def test_two_processes_worth_of_services_share_vectors_within_the_codec(model_cache, tmp_path):
    url = f"sqlite:///{tmp_path / 'v.sqlite'}"
    texts = [f"общий {number}" for number in range(20)] + ["длинный текст " * 400]
    with service(model_cache, cache_sql_url=url) as one:
        cold, first = one.encode(texts, return_report=True)
    with service(model_cache, cache_sql_url=url) as other:
        warm, second = other.encode(texts, return_report=True)
    assert second.n_computed == 0
    assert (second.n_tokens, second.truncated) == (first.n_tokens, first.truncated)
    one, other = cold.astype(np.float64), warm.astype(np.float64)
    cosine = (one * other).sum(axis=1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert (1 - cosine).max() < 1e-8


def test_64_threads_get_the_right_vectors(ours):
    """§4.2: under load no row gets the vector of another."""
    texts = [f"нить {number}" for number in range(40)]
    expected = ours.encode(texts)
    wrong = []

    def work(seed: int) -> None:
        rows = np.random.default_rng(seed).integers(0, 40, size=30)
        got = ours.encode([texts[row] for row in rows])
        if not np.array_equal(got, expected[rows]):
            wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("name", "limit"), [("float16", 1e-6), ("int16", 1e-6), ("int8", 1e-4)])
def test_codecs_keep_real_vectors(ours, name, limit):
    vectors = ours.encode([f"настоящий текст {number} " * (1 + number % 7) for number in range(40)])
    assert accuracy.errors(codecs.CODECS[name], vectors).max() <= limit


def test_importance_must_be_known(ours):
    with pytest.raises(InputError, match="critical, normal, background"):
        ours.encode(["a"], importance="high")
