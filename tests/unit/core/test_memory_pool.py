"""The memory pool: classes, reuse, limit, clean-up, prediction, failures. No GPU: buffers are byte arrays."""

import threading

import pytest

from hybrid_embeddings.models.memory_pool import SMALLEST_BYTES, MemoryPool, PoolStats, size_class

MIB = 1 << 20


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.mark.parametrize(
    ("n_bytes", "expected"),
    [
        (0, SMALLEST_BYTES),
        (1, SMALLEST_BYTES),
        (65_536, 65_536),
        (65_537, 81_920),
        (81_920, 81_920),
        (100_000, 114_688),
        (131_072, 131_072),
        (MIB + 1, MIB + MIB // 4),
    ],
)
def test_size_classes(n_bytes, expected):
    assert size_class(n_bytes) == expected


def test_a_returned_buffer_is_lent_again():
    pool = MemoryPool(bytearray, limit_bytes=MIB)
    with pool.lease(70_000) as first:
        assert len(first) >= 70_000
    with pool.lease(75_000) as second:
        assert second is first
        stats = pool.stats()
    assert (stats.n_hits, stats.n_misses, stats.n_leased) == (1, 1, 1)
    assert stats.fragmentation == pytest.approx(1 - 75_000 / 81_920)
    assert pool.stats().hit_rate == 0.5


def test_much_too_large_buffers_are_left_alone():
    pool = MemoryPool(bytearray, limit_bytes=4 * MIB)
    pool.preallocate([MIB])
    with pool.lease(100_000) as buffer:
        assert len(buffer) == size_class(100_000)


def test_the_smallest_fitting_buffer_is_taken():
    pool = MemoryPool(bytearray, limit_bytes=4 * MIB)
    pool.preallocate([300_000, 200_000, 250_000])
    with pool.lease(190_000) as buffer:
        assert len(buffer) == size_class(200_000)


def test_the_longest_unused_buffer_makes_room():
    clock = Clock()
    pool = MemoryPool(bytearray, limit_bytes=3 * SMALLEST_BYTES, clock=clock)
    pool.preallocate([1])
    clock.now_s += 1
    with pool.lease(120_000):
        assert pool.stats().held_bytes == 3 * SMALLEST_BYTES
    with pool.lease(2 * SMALLEST_BYTES), pool.lease(1):
        stats = pool.stats()
    assert stats.n_evicted == 0
    with pool.lease(3 * SMALLEST_BYTES):
        stats = pool.stats()
    assert (stats.n_evicted, stats.held_bytes) == (2, 3 * SMALLEST_BYTES)


def test_without_room_a_lease_is_served_outside_the_pool():
    pool = MemoryPool(bytearray, limit_bytes=SMALLEST_BYTES)
    with pool.lease(1), pool.lease(10_000) as extra:
        assert len(extra) == 10_000
        stats = pool.stats()
    assert (stats.held_bytes, stats.n_unpooled, stats.n_leased) == (SMALLEST_BYTES, 1, 1)


def test_a_request_that_can_never_fit_frees_nothing():
    pool = MemoryPool(bytearray, limit_bytes=SMALLEST_BYTES)
    pool.preallocate([1])
    with pool.lease(MIB):
        assert pool.stats().n_evicted == 0


def test_switched_off_by_a_limit_of_zero():
    pool = MemoryPool(bytearray, limit_bytes=0)
    pool.preallocate([1])
    with pool.lease(5) as buffer:
        assert len(buffer) == 5
    assert pool.stats() == PoolStats(n_misses=1, n_unpooled=1)


def test_unused_buffers_are_freed_after_a_while():
    clock = Clock()
    pool = MemoryPool(bytearray, limit_bytes=MIB, idle_s=60.0, clock=clock)
    pool.preallocate([1])
    clock.now_s += 30
    pool.preallocate([200_000])
    clock.now_s += 30
    assert pool.stats().held_bytes == size_class(200_000)
    clock.now_s += 30
    assert pool.stats().held_bytes == 0


def test_clear_keeps_what_is_leased():
    pool = MemoryPool(bytearray, limit_bytes=MIB)
    pool.preallocate([1])
    with pool.lease(200_000) as buffer:
        pool.clear()
        assert pool.stats().held_bytes == len(buffer)
    assert pool.stats().held_bytes == size_class(200_000)


def test_preallocation_stops_at_the_limit():
    pool = MemoryPool(bytearray, limit_bytes=2 * SMALLEST_BYTES)
    pool.preallocate([1] * 5)
    stats = pool.stats()
    assert (stats.held_bytes, stats.n_hits, stats.n_misses) == (2 * SMALLEST_BYTES, 0, 0)


def test_prediction_follows_recent_requests():
    pool = MemoryPool(bytearray, limit_bytes=0)
    assert pool.predicted_bytes() == 0
    for n_bytes in [100] * 60 + [10_000] * 4:
        with pool.lease(n_bytes):
            pass
    assert pool.predicted_bytes() == 100
    for _ in range(8):
        with pool.lease(10_000):
            pass
    assert pool.predicted_bytes() == 10_000


def test_a_new_buffer_has_the_predicted_size():
    pool = MemoryPool(bytearray, limit_bytes=8 * MIB)
    for _ in range(20):
        with pool.lease(300_000):
            pass
    with pool.lease(300_000), pool.lease(200_000) as second:
        assert len(second) == size_class(300_000)


def test_a_failed_allocation_leaves_no_trace_in_the_bytes():
    def fail(n_bytes):
        raise RuntimeError("out of memory")

    pool = MemoryPool(fail, limit_bytes=MIB)
    with pytest.raises(RuntimeError, match="out of memory"), pool.lease(1):
        pass
    stats = pool.stats()
    assert (stats.held_bytes, stats.in_use_bytes, stats.n_leased, stats.n_misses) == (0, 0, 0, 1)


def test_an_error_inside_a_lease_gives_the_buffer_back():
    pool = MemoryPool(bytearray, limit_bytes=MIB)
    with pytest.raises(ZeroDivisionError), pool.lease(1):
        raise ZeroDivisionError
    assert pool.stats().n_leased == 0


def test_threads_never_share_a_buffer():
    pool = MemoryPool(bytearray, limit_bytes=6 * SMALLEST_BYTES)
    clashes = []

    def work(mark):
        for turn in range(200):
            with pool.lease(1 + turn * 997) as buffer:
                buffer[:4] = mark
                if buffer[:4] != mark:
                    clashes.append(mark)

    threads = [threading.Thread(target=work, args=(bytes([number] * 4),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stats = pool.stats()
    assert not clashes
    assert stats.n_hits + stats.n_misses == 1600
    assert (stats.n_leased, stats.in_use_bytes, stats.requested_bytes) == (0, 0, 0)
    assert stats.held_bytes <= stats.limit_bytes
