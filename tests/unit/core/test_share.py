"""How much a lane takes near the end: checked against every other choice, and against the equation it solves."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_embeddings.scheduling.share import Worker, best_rows, soonest_end_s

WORKERS = st.lists(
    st.builds(Worker, st.floats(0, 2), st.floats(0, 0.01), st.floats(1e-6, 1e-2), st.integers(1, 9999)),
    min_size=1,
    max_size=5,
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
    fast = Worker(0.0, overhead_tokens * 1e-5, 1e-5, 2048)
    return fast, Worker(0.0, overhead_tokens * 1e-5 * ratio, 1e-5 * ratio, 2048)


def simulated_end_s(lengths, workers):
    """Let workers pull, fastest first in the list and from the long end; return when the last one is done."""
    waiting, free_s, end_s = list(lengths), [0.0] * len(workers), 0.0
    while waiting:
        turn = min(range(len(workers)), key=lambda index: (free_s[index], index))
        now_s = free_s[turn]
        rivals = [
            replace(worker, free_s=free_s[index] - now_s) for index, worker in enumerate(workers) if index != turn
        ]
        mine = waiting[::-1] if turn else waiting
        rows = best_rows(mine, workers[turn].batch_tokens, workers[turn], rivals, beyond_tokens=0, may_leave=turn > 0)
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
    assert sum(gains) / len(gains) >= 0.98 * (1 + 1 / ratio)


def best_plan_s(lengths, workers):
    """Try every split over two workers, each part in every cut into batches."""

    def seconds(rows, worker):
        ends = [0.0]
        for stop in range(1, len(rows) + 1):
            ends.append(min(ends[start] + worker.seconds((stop - start) * rows[start]) for start in range(stop)))
        return ends[-1]

    best_s = float("inf")
    for mask in range(2 ** len(lengths)):
        parts = [[length for row, length in enumerate(lengths) if (mask >> row & 1) == side] for side in (0, 1)]
        best_s = min(best_s, max(seconds(part, worker) for part, worker in zip(parts, workers, strict=True)))
    return best_s


@pytest.mark.parametrize("ratio", [1, 3, 10, 100])
def test_a_few_texts_are_done_about_as_soon_as_by_the_best_plan(ratio):
    rng, shares = random.Random(ratio), []
    for _ in range(12):
        lengths = sorted((rng.randint(5, 256) for _ in range(7)), reverse=True)
        workers = two(ratio)
        shares.append(best_plan_s(lengths, workers) / simulated_end_s(lengths, workers))
    assert sum(shares) / len(shares) >= 0.97
    assert min(shares) >= 0.85


@given(
    st.lists(st.integers(1, 600), min_size=1, max_size=60),
    st.integers(1, 4096),
    WORKERS,
    st.integers(0, 10**5),
    st.booleans(),
)
def test_within_budget_and_only_a_lane_with_rivals_takes_nothing(lengths, budget, others, beyond_tokens, may_leave):
    lengths.sort(reverse=beyond_tokens % 2 == 0)
    me = Worker(0.0, 1e-3, 1e-5, budget)
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
    me = Worker(0.0, 64e-5, 1e-5, 2048)
    assert best_rows([20] * 30, 2048, me, [], beyond_tokens=0, may_leave=False) == range(30)
    assert best_rows([250] * 4 + [5] * 40, 2048, me, [], beyond_tokens=0, may_leave=False) == range(4)


GPU = Worker(0.0, 4e-3, 1e-6, 65_536)  # to start a batch costs as much as 4,000 tokens
CPU = Worker(0.0, 2e-3, 4e-5, 2048)


def test_where_starting_a_batch_is_dear_short_and_long_texts_share_one():
    lengths = [250, 200, 120, 60, 30, 10, 5]
    assert best_rows(lengths, 65_536, GPU, [], beyond_tokens=0, may_leave=False) == range(7)
    assert len(best_rows(lengths, 2048, CPU, [], beyond_tokens=0, may_leave=False)) < 4
    assert GPU.packing().free_padding == 4000
    assert replace(GPU, batch_tokens=4096).packing().free_padding == 1024  # whatever the clock said: a quarter


@pytest.mark.parametrize("count", [10, 50, 100, 500])
def test_a_cpu_beside_a_gpu_never_makes_a_call_slower(count):
    for seed in range(4):
        rng = random.Random(seed)
        lengths = sorted((rng.randint(5, 256) for _ in range(count)), reverse=True)
        assert simulated_end_s(lengths, [GPU, CPU]) <= 1.005 * simulated_end_s(lengths, [GPU])


def test_what_cannot_win_as_much_as_planning_takes_is_left_to_the_others():
    """Otherwise a device that does ten texts in 5 ms would wait for the plan."""
    lengths = [20] * 10
    assert best_rows(lengths, 2048, CPU, [GPU], beyond_tokens=0, may_leave=True) == range(0)
    assert best_rows(lengths[::-1], 65_536, GPU, [CPU], beyond_tokens=0, may_leave=False) == range(10)
