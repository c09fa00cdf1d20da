"""The pure parts of scheduling: batches, cost model, tail guard, queue; and the breaker with an injected clock."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling import batches
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.queue import WorkQueue
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import TokenizedText

LENGTHS = st.lists(st.integers(1, 600), min_size=1, max_size=200)


def item(length, *, is_query=False, device=None, prompt_tokens=0, exact=False, key=None):
    text = TokenizedText(np.ones(length, dtype=np.int32))
    made = Item(key or object(), text, is_query, device, prompt_tokens, exact)
    made.subscribers.append((Job(1, 4), 0))
    return made


def anything(_):
    return True


def take_bulk(queue, accepts, budget, *, longest_first):
    def fill(items):
        return range(batches.rows_in_batch([one.length for one in items], budget))

    return queue.take_bulk(accepts, fill, most_rows=10**6, longest_first=longest_first)


@given(LENGTHS, st.integers(1, 4096), st.booleans())
def test_batches_respect_budget_and_padding(lengths, budget, descending):
    ordered = sorted(lengths, reverse=descending)
    count = batches.rows_in_batch(ordered, budget)
    rows = ordered[:count]
    padded = len(rows) * max(rows)
    assert 1 <= count <= len(ordered)
    if count > 1:
        assert padded <= budget
        assert padded - sum(rows) <= max(batches.OVERHEAD_TOKENS, batches.MAX_PADDING * padded)


@given(LENGTHS, st.integers(1, 4096))
def test_fill_in_order_fits_and_is_as_long_as_possible(lengths, budget):
    count = batches.fill_in_order(lengths, budget)
    assert count == 1 or count * max(lengths[:count]) <= budget
    assert count == len(lengths) or (count + 1) * max(lengths[: count + 1]) > budget


@given(LENGTHS, st.integers(16, 4096), st.booleans())
def test_queue_gives_every_item_exactly_once(lengths, budget, longest_first):
    queue = WorkQueue(window_tokens=2000)
    items = [item(length) for length in lengths]
    for one in items:
        queue.put(one)
    taken = []
    while batch := take_bulk(queue, anything, budget, longest_first=longest_first):
        taken += batch
    assert sorted(map(id, taken)) == sorted(map(id, items))
    assert (queue.n_items, queue.n_tokens) == (0, 0)


def test_queue_empties_windows_in_order_of_arrival():
    queue = WorkQueue(window_tokens=100)
    old, young = [item(50), item(50)], [item(90)]
    for one in old + young:
        queue.put(one)
    first = take_bulk(queue, anything, 100, longest_first=True)
    assert set(map(id, first)) == set(map(id, old))


def test_queries_go_first_and_do_not_mix_prompts():
    queue = WorkQueue(window_tokens=1000)
    with_prompt, plain = item(5, is_query=True, prompt_tokens=3), item(5, is_query=True)
    queue.put(item(500))
    queue.put(with_prompt)
    queue.put(plain)
    assert queue.take_queries(anything, 1000) == [with_prompt]
    assert queue.take_queries(anything, 1000) == [plain]
    assert queue.n_items == 1


def test_queries_of_one_length_share_a_batch_and_the_oldest_is_in_it():
    queue = WorkQueue(window_tokens=1000)
    lengths = [90, 5, 95, 6, 7, 92]
    waiting = [item(length, is_query=True) for length in lengths]
    for one in waiting:
        queue.put(one)
    first = queue.take_queries(anything, 2048)
    assert sorted(one.length for one in first) == [90, 92, 95]
    assert sorted(one.length for one in queue.take_queries(anything, 2048)) == [5, 6, 7]
    assert not queue.n_items


@given(LENGTHS, st.integers(1, 2048))
def test_oldest_query_is_always_in_the_next_batch(lengths, budget):
    queue = WorkQueue(window_tokens=1000)
    for length in lengths:
        queue.put(item(length, is_query=True))
    while oldest := next(iter(queue), None):
        taken = queue.take_queries(anything, budget)
        assert any(one is oldest for one in taken)
        assert len(taken) == 1 or len(taken) * max(one.length for one in taken) <= budget


def test_lane_that_takes_nothing_leaves_the_queue_as_it_is():
    queue = WorkQueue(window_tokens=1000)
    waiting = [item(5), item(6)]
    for one in waiting:
        queue.put(one)
    assert queue.take_bulk(anything, lambda _: range(0), most_rows=9, longest_first=True) == []
    assert list(queue) == waiting


def test_queue_skips_items_for_other_lanes():
    queue = WorkQueue(window_tokens=1000)
    mine, other = item(5), item(6, device="cuda:1")
    queue.put(mine)
    queue.put(other)
    assert take_bulk(queue, lambda one: one.device is None, 1000, longest_first=True) == [mine]
    assert list(queue) == [other]


def test_discarded_items_are_gone():
    queue = WorkQueue(window_tokens=1000)
    gone, kept = item(5), item(6)
    queue.put(gone)
    queue.put(kept)
    queue.discard({id(gone)})
    assert list(queue) == [kept]
    assert queue.n_tokens == 6


def test_cost_model_learns_a_lane():
    rng = random.Random(1)
    cost = CostModel()
    for _ in range(200):
        tokens = rng.randrange(50, 4000)
        cost.observe(tokens, 0.004 + tokens * 2e-5)
    assert cost.predict_s(2000) == pytest.approx(0.044, rel=0.02)
    assert cost.tokens_per_s == pytest.approx(50_000, rel=0.05)
    assert cost.tokens_within(0.044) == pytest.approx(2000, rel=0.03)


def test_cost_model_follows_a_change():
    cost = CostModel()
    for speed in (1e-5, 1e-4):
        for tokens in list(range(100, 2100, 100)) * 15:
            cost.observe(tokens, tokens * speed)
    assert cost.predict_s(1000) == pytest.approx(0.1, rel=0.1)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_breaker_opens_after_failures_in_a_row_and_tries_again_once():
    clock = Clock()
    breaker = Breaker(threshold=3, timeout_s=60, clock=clock)
    breaker.failure()
    breaker.failure()
    breaker.success()
    for _ in range(3):
        assert breaker.allow()
        breaker.failure()
    assert (breaker.state, breaker.allow(), breaker.retry_in_s()) == ("open", False, 60)
    clock.now = 60
    assert breaker.state == "half_open"
    assert breaker.allow()
    assert not breaker.allow()  # one trial only
    breaker.failure()
    assert breaker.state == "open"
    clock.now = 120
    assert breaker.allow()
    breaker.success()
    assert breaker.state == "closed"


def test_unused_trial_is_given_back():
    clock = Clock()
    breaker = Breaker(threshold=1, timeout_s=1, clock=clock)
    breaker.failure()
    clock.now = 1
    assert breaker.allow()
    breaker.abandon_trial()
    assert breaker.allow()


@given(st.lists(st.sampled_from(["ok", "fail", "wait"]), max_size=60), st.integers(1, 5))
def test_breaker_against_a_simple_model(events, threshold):
    clock = Clock()
    breaker = Breaker(threshold=threshold, timeout_s=10, clock=clock)
    in_a_row, opened_at = 0, None
    for event in events:
        if event == "wait":
            clock.now += 4
            continue
        due = opened_at is not None and clock.now - opened_at >= 10
        assert breaker.allow() is (opened_at is None or due)
        if opened_at is not None and not due:
            continue
        if event == "ok":
            breaker.success()
            in_a_row, opened_at = 0, None
        else:
            breaker.failure()
            in_a_row += 1
            if due or in_a_row >= threshold:
                opened_at = clock.now
    assert (breaker.state == "closed") is (opened_at is None)


def call(number, lengths):
    made = [item(length) for length in lengths]
    for one in made:
        one.turn = number
    return made


def test_a_small_call_does_not_wait_for_a_large_one_to_end():
    queue = WorkQueue(window_tokens=32_000)
    large, small = call(1, [100] * 100), call(2, [100] * 4)
    for one in large:
        queue.put(one)
    taken = [one for _ in range(3) for one in take_bulk(queue, anything, 400, longest_first=True)]
    for one in small:
        queue.put(one)
    while not {id(one) for one in small} <= {id(one) for one in taken}:
        taken += take_bulk(queue, anything, 400, longest_first=True)
    assert len(taken) <= 30  # of 104


def test_a_large_call_is_not_overtaken_for_ever():
    """A call as large as a batch comes after every batch: the lane could do nothing else for ever."""
    queue = WorkQueue(window_tokens=32_000)
    large = call(0, [100] * 100)
    for one in large:
        queue.put(one)
    served, left = 0, {id(one) for one in large}
    for number in range(1, 1000):
        for one in call(number, [90] * 4):
            queue.put(one)
        batch = take_bulk(queue, anything, 400, longest_first=True)
        served += sum(one.length for one in batch)
        left -= {id(one) for one in batch}
        if not left:
            break
    assert 2 * 100 * 100 < served <= 2.5 * 100 * 100  # its own tokens and 1.25 times as many of later calls


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 300)), max_size=100), st.booleans(), st.integers(1, 9))
def test_calls_that_share_the_queue_lose_nothing(work, longest_first, per_turn):
    queue = WorkQueue(window_tokens=1000)
    items = [call(number, [length])[0] for number, length in work]
    taken, waiting = [], list(items)
    while waiting or queue.n_items:
        for one in waiting[:per_turn]:
            queue.put(one)
        del waiting[:per_turn]
        batch = take_bulk(queue, anything, 512, longest_first=longest_first)
        assert batch
        assert sum(one.length for one in batch) <= 512
        taken += batch
    assert sorted(map(id, taken)) == sorted(map(id, items))
    assert (queue.n_items, queue.n_tokens, list(queue)) == (0, 0, [])
