"""The memory tier: limits, and threads."""

import threading

import numpy as np

from hybrid_embeddings.cache.memory import MemoryTier
from hybrid_embeddings.keys import Space

SPACE = Space("m", "w", "text", "", "p", None, 4, True, "fast")


def put(tier: MemoryTier, texts: list[str], value: float = 1.0) -> None:
    vectors = np.full((len(texts), 4), value, dtype=np.float32)
    tier.put_many(SPACE, texts, vectors, np.zeros((len(texts), 2), dtype=np.int32), fidelity=4)


def test_bytes_are_limited_too():
    tier = MemoryTier(4, max_entries=10**6, max_bytes=100_000, ttl_s=10.0)
    for start in range(0, 500, 10):
        put(tier, [f"{number} " + "ё" * 1000 for number in range(start, start + 10)])
        assert tier.n_bytes <= 100_000
    assert 30 < len(tier) < 50
    assert tier.get_many(SPACE, ["499 " + "ё" * 1000]) is not None


def test_a_call_larger_than_the_cache_keeps_its_end():
    tier = MemoryTier(4, max_entries=10, max_bytes=10**6, ttl_s=10.0)
    put(tier, [str(number) for number in range(100)])
    assert len(tier) == 10
    lookup = tier.get_many(SPACE, [str(number) for number in range(100)])
    assert np.flatnonzero(lookup.found).tolist() == list(range(90, 100))


def test_what_is_handed_out_is_the_callers_own():
    tier = MemoryTier(4, max_entries=10, max_bytes=10**6, ttl_s=10.0)
    put(tier, ["a"])
    tier.get_many(SPACE, ["a"]).vectors[:] = 7
    assert (tier.get_many(SPACE, ["a"]).vectors == 1).all()


def test_texts_without_valid_unicode_are_keys_like_others():
    tier = MemoryTier(4, max_entries=10, max_bytes=10**6, ttl_s=10.0)
    put(tier, ["\ud800", ""])
    assert tier.get_many(SPACE, ["", "\ud800", "\ud801"]).found.tolist() == [True, True, False]


def test_64_threads_never_get_the_vector_of_another_text():
    tier = MemoryTier(4, max_entries=50, max_bytes=10**6, ttl_s=100.0)
    wrong = []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(30):
            numbers = rng.integers(0, 200, size=20)
            texts = [str(number) for number in numbers]
            vectors = np.repeat(numbers[:, None], 4, axis=1).astype(np.float32)
            lookup = tier.get_many(SPACE, texts)
            if lookup is not None and (lookup.vectors[lookup.found] != vectors[lookup.found]).any():
                wrong.append(texts)
            tier.put_many(SPACE, texts, vectors, np.zeros((20, 2), dtype=np.int32), fidelity=4)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(tier) == 50
