"""The memory tier against the simplest cache that does the same."""

from collections import OrderedDict

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hybrid_embeddings.cache.memory import MemoryTier
from hybrid_embeddings.keys import Space

TEXTS = st.lists(st.sampled_from("абвгдежзик"), min_size=1, max_size=6)
SPACES = st.sampled_from([Space("m", "w", kind, "", "p", None, 1, True, "fast") for kind in ("text", "query")])


class AgainstOracle(RuleBasedStateMachine):
    """An ordered dictionary: least recently used first."""

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.tier = MemoryTier(1, max_entries=5, max_bytes=10**6, ttl_s=10.0, clock=lambda: self.now)
        self.oracle: OrderedDict = OrderedDict()
        self.written = 0

    @rule(space=SPACES, texts=TEXTS, fidelity=st.sampled_from([1, 4]))
    def put(self, space, texts, fidelity):
        texts = list(dict.fromkeys(texts))[-5:]
        values = np.arange(self.written, self.written + len(texts), dtype=np.float32)
        self.written += len(texts)
        facts = np.stack([values, values], axis=1).astype(np.int32)
        self.tier.put_many(space, texts, values[:, None], facts, fidelity=fidelity)
        for text, value in zip(texts, values, strict=True):
            self.oracle.pop((space, text), None)
            if len(self.oracle) == 5:
                self.oracle.popitem(last=False)
            self.oracle[space, text] = (value, self.now + 10.0, fidelity)

    @rule(space=SPACES, texts=TEXTS, fidelity=st.sampled_from([1, 4]))
    def get(self, space, texts, fidelity):
        lookup = self.tier.get_many(space, texts, fidelity=fidelity)
        for row, text in enumerate(texts):
            value, expires, level = self.oracle.get((space, text), (None, 0.0, 0))
            hit = value is not None and expires > self.now and level >= fidelity
            assert (lookup is not None and bool(lookup.found[row])) == hit
            if hit:
                assert lookup.vectors[row, 0] == value
                assert lookup.facts[row].tolist() == [value, value]
                self.oracle.move_to_end((space, text))

    @rule(seconds=st.sampled_from([1.0, 6.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule(space=SPACES, texts=TEXTS)
    def delete(self, space, texts):
        self.tier.delete_many(space, texts)
        for text in texts:
            self.oracle.pop((space, text), None)

    @rule()
    def clear(self):
        self.tier.clear()
        self.oracle.clear()

    @invariant()
    def as_many(self):
        assert len(self.tier) == len(self.oracle)


TestMemoryTier = AgainstOracle.TestCase
TestMemoryTier.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
