"""How much a lane takes near the end: checked against every other choice, and against the equation it solves."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_embeddings.scheduling.share import Worker, best_rows, soonest_end_s

WORKERS = st.lists(
    st.builds(Worker, st.floats(0, 2), st.floats(0, 0.01), st.floats(1e-6, 1e-2)), min_size=1, max_size=5
)


@given(WORKERS, st.integers(1, 10**6))
def test_tokens_are_done_exactly_when_it_says(workers, tokens):
    end_s = soonest_end_s(workers, tokens)
    done = sum(max(0.0, end_s - worker.free_s - worker.overhead_s) / worker.seconds_per_token for worker in workers)
    assert done == pytest.approx(tokens, rel=1e-6)


def test_nothing_to_do_and_nobody_to_do_it():
    assert soonest_end_s([], 0) == 0.0
    assert soonest_end_s([], 1) == float("inf")


def two(ratio, overhead_tokens=64):
    fast = Worker(0.0, overhead_tokens * 1e-5, 1e-5)
    return fast, Worker(0.0, overhead_tokens * 1e-5 * ratio, 1e-5 * ratio)


def simulated_end_s(lengths, workers):
    """Let workers pull, fastest first in the list and from the long end; return when the last one is done."""
    waiting, free_s, end_s = list(lengths), [0.0] * len(workers), 0.0
    while waiting:
        turn = min(range(len(workers)), key=lambda index: (free_s[index], index))
        now_s = free_s[turn]
        rivals = [
            Worker(free_s[index] - now_s, worker.overhead_s, worker.seconds_per_token)
            for index, worker in enumerate(workers)
            if index != turn
        ]
        mine = waiting[::-1] if turn else waiting
        rows = best_rows(mine, 2048, workers[turn], rivals, beyond_tokens=0, may_leave=turn > 0)
        if not rows:  # asks again when the fastest has taken something
            free_s[turn] = free_s[0] + 1e-9
            continue
        taken = mine[rows.start : rows.stop]
        free_s[turn] = now_s + workers[turn].seconds(len(taken) * max(taken))
        end_s = max(end_s, free_s[turn])
        waiting = sorted(mine[: rows.start] + mine[rows.stop :], reverse=True)
    return end_s


@pytest.mark.parametrize("ratio", [1, 2, 5, 10])
@pytest.mark.parametrize("count", [10, 50])
def test_pulling_ends_about_as_soon_as_the_sum_of_both_allows(ratio, count):
    rng = random.Random(ratio)
    gains = []
    for _ in range(30):
        lengths = sorted((rng.randint(5, 256) for _ in range(count)), reverse=True)
        fast, slow = two(ratio)
        alone_s = simulated_end_s(lengths, [fast])
        gains.append(alone_s / simulated_end_s(lengths, [fast, slow]))
    assert sum(gains) / len(gains) >= (0.95 if count == 10 else 0.97) * (1 + 1 / ratio)


@given(
    st.lists(st.integers(1, 600), min_size=1, max_size=60),
    st.integers(1, 4096),
    WORKERS,
    st.integers(0, 10**5),
    st.booleans(),
)
def test_within_budget_and_only_a_lane_with_rivals_takes_nothing(lengths, budget, others, beyond_tokens, may_leave):
    lengths.sort(reverse=beyond_tokens % 2 == 0)
    me = Worker(0.0, 1e-3, 1e-5)
    rows = best_rows(lengths, budget, me, others, beyond_tokens=beyond_tokens, may_leave=may_leave)
    assert (0 if may_leave else 1) <= len(rows)
    assert 0 <= rows.start <= rows.stop <= len(lengths)
    assert len(rows) <= 1 or len(rows) * max(lengths[rows.start : rows.stop]) <= budget


def test_lane_that_would_be_last_takes_nothing():
    fast, slow = two(200)
    lengths = [5] * 20
    assert best_rows(lengths, 2048, slow, [fast], beyond_tokens=0, may_leave=True) == range(0)
    assert best_rows(lengths, 2048, slow, [fast], beyond_tokens=10**6, may_leave=True)


def test_one_lane_alone_makes_no_more_batches_than_pay_off():
    me = Worker(0.0, 64e-5, 1e-5)
    assert best_rows([20] * 30, 2048, me, [], beyond_tokens=0, may_leave=False) == range(30)
    assert best_rows([250] * 4 + [5] * 40, 2048, me, [], beyond_tokens=0, may_leave=False) == range(4)
