"""The memory pool under random leases: nothing lent twice, limits hold, counters add up."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hybrid_embeddings.models.memory_pool import SMALLEST_BYTES, MemoryPool, size_class

_LIMIT = 10 * SMALLEST_BYTES


class PoolMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.now_s = 0.0
        self.fails = False
        self.alive = 0
        self.pool = MemoryPool(self.allocate, limit_bytes=_LIMIT, idle_s=10.0, clock=lambda: self.now_s)
        self.leases = []  # (context manager, buffer, requested bytes)
        self.n_leases = 0

    def allocate(self, n_bytes):
        if self.fails:
            raise MemoryError
        return bytearray(n_bytes)

    @rule(n_bytes=st.integers(0, 12 * SMALLEST_BYTES))
    def lease(self, n_bytes):
        context = self.pool.lease(n_bytes)
        self.n_leases += 1
        try:
            buffer = context.__enter__()
        except MemoryError:
            assert self.fails
            return
        assert len(buffer) >= n_bytes
        assert all(buffer is not other for _, other, _ in self.leases)
        self.leases.append((context, buffer, n_bytes))

    @rule(position=st.integers(0, 20))
    def give_back(self, position):
        if self.leases:
            context, _, _ = self.leases.pop(position % len(self.leases))
            context.__exit__(None, None, None)

    @rule(sizes=st.lists(st.integers(0, 4 * SMALLEST_BYTES), max_size=4))
    def preallocate(self, sizes):
        if not self.fails:
            self.pool.preallocate(sizes)

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds):
        self.now_s += seconds

    @rule()
    def clear(self):
        self.pool.clear()

    @rule(fails=st.booleans())
    def memory_runs_short(self, fails):
        self.fails = fails

    @invariant()
    def limits_hold_and_counters_add_up(self):
        stats = self.pool.stats()
        assert 0 <= stats.in_use_bytes <= stats.held_bytes <= _LIMIT
        assert stats.requested_bytes <= stats.in_use_bytes or stats.n_leased == 0
        assert stats.n_hits + stats.n_misses == self.n_leases
        assert stats.n_unpooled <= stats.n_misses
        assert stats.n_leased <= len(self.leases)
        assert 0.0 <= stats.fragmentation <= 1.0
        assert 0.0 <= stats.hit_rate <= 1.0
        if not self.leases:
            assert (stats.n_leased, stats.in_use_bytes, stats.requested_bytes) == (0, 0, 0)


PoolMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestPool = PoolMachine.TestCase


def test_classes_are_few_and_waste_little():
    sizes = {size_class(n_bytes) for n_bytes in range(1, 1 << 24, 4097)}
    assert len(sizes) <= 4 * 8 + 1
    assert all(size_class(size) == size for size in sizes)
    assert all(size_class(n_bytes) <= 1.25 * n_bytes for n_bytes in range(SMALLEST_BYTES, 1 << 22, 1009))
