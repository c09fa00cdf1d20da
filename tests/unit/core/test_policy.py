"""Which lane may take what: decisions over two lanes at a given time, without threads."""

import numpy as np

from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.lane import LaneState, Running
from hybrid_embeddings.scheduling.policy import Policy
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.testing import SimulatedLane
from hybrid_embeddings.types import Batch, TokenizedText


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def lane(name, tokens_per_s, n_slots=1):
    simulated = SimulatedLane(name, n_slots=n_slots)
    cost = CostModel(seconds_per_token=1 / tokens_per_s, overhead_s=1e-4)
    return LaneState(simulated, Breaker(threshold=5, timeout_s=60), cost, 2048)


def item(length, *, is_query=False):
    made = Item(object(), TokenizedText(np.ones(length, dtype=np.int32)), is_query=is_query)
    made.subscribers.append((Job(1, 4), 0))
    return made


def run(state, items, *, started_s, expected_s):
    running = Running(items, Batch(tuple(one.text for one in items)), started_s, expected_s)
    state.running.append(running)
    return running


def test_query_goes_to_a_slower_lane_while_the_fast_one_is_busy_with_queries():
    fast, slow = lane("fast", 100_000, n_slots=2), lane("slow", 50_000)
    policy = Policy([fast, slow], hybrid=True, clock=Clock())
    query = item(20, is_query=True)
    assert policy.acceptor(fast, queries=True)(query)
    assert not policy.acceptor(slow, queries=True)(query)
    run(fast, [item(2000, is_query=True)], started_s=100.0, expected_s=0.02)  # a slot is free, but not for queries
    assert policy.acceptor(slow, queries=True)(query)


def test_after_a_query_a_lane_runs_one_short_bulk_batch_at_a_time():
    state = lane("a", 20_000, n_slots=2)
    policy = Policy([state], hybrid=True, clock=Clock())
    waiting = [item(50) for _ in range(200)]
    usual = len(policy.bulk_rows(state, waiting, 10**6, last_query_s=0.0))
    after_query = len(policy.bulk_rows(state, waiting, 10**6, last_query_s=99.5))
    assert usual == 2048 // 50
    assert 0 < after_query * 50 <= 0.05 * 20_000
    hung = run(state, waiting[:1], started_s=99.9, expected_s=1.0)
    assert len(policy.bulk_rows(state, waiting, 10**6, last_query_s=99.5)) == 0
    hung.given_up = True  # a batch that never comes back does not keep the other slot idle
    assert len(policy.bulk_rows(state, waiting, 10**6, last_query_s=99.5)) == after_query


def test_slow_lane_leaves_the_end_to_the_fast_one():
    fast, slow = lane("fast", 100_000), lane("slow", 1000)
    policy = Policy([fast, slow], hybrid=True, clock=Clock())
    waiting = [item(50) for _ in range(20)]
    assert len(policy.bulk_rows(slow, waiting, 1000, last_query_s=0.0)) == 0
    assert len(policy.bulk_rows(fast, waiting, 1000, last_query_s=0.0)) == 20
    assert len(policy.bulk_rows(slow, waiting, 10**7, last_query_s=0.0)) > 0
