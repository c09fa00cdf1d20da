"""Scheduling with simulated devices: who gets what, and what happens when devices fail."""

import itertools
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

from hybrid_embeddings.errors import (
    BadVector,
    EncodeError,
    LaneError,
    LaneOutOfMemory,
    NoLaneAvailable,
    Overloaded,
    ServiceClosed,
)
from hybrid_embeddings.events import BatchFailed, BatchFinished, BudgetChanged, Events
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.testing import SimulatedLane, simulated_vector
from hybrid_embeddings.types import TokenizedText

DIMENSION = 8


@pytest.fixture
def start():
    """Build dispatchers that are closed at the end; no thread may survive."""
    made = []

    def build(*lanes, threshold=5, breaker_timeout_s=60.0, speeds=None, **options):
        states = [
            LaneState(
                lane,
                Breaker(threshold=threshold, timeout_s=breaker_timeout_s),
                CostModel(seconds_per_token=1 / speed, overhead_s=1e-4),
                lane.max_batch_tokens,
            )
            for lane, speed in zip(lanes, speeds or [1e6] * len(lanes), strict=True)
        ]
        options = {"max_queued_tokens": 10**9, "operation_timeout_s": 30.0, **options}
        made.append(Dispatcher(states, dimension=DIMENSION, **options))
        return made[-1]

    before = set(threading.enumerate())
    yield build
    for dispatcher in made:
        assert dispatcher.close()
        assert all(state.lane.closed for state in dispatcher.states)
    assert set(threading.enumerate()) <= before


def text(length, seed):
    rng = random.Random(seed)
    return TokenizedText(np.array([rng.randrange(30_000) for _ in range(length)], dtype=np.int32))


def items(lengths, **options):
    made = [text(length, seed) for seed, length in enumerate(lengths)]
    return [Item(key=(tuple(one.ids), options.get("device")), text=one, **options) for one in made]


def submit(dispatcher, work):
    job = Job(len(work), DIMENSION)
    dispatcher.submit(job, work)
    return job


def expected(work):
    return np.stack([simulated_vector(item.text.ids, DIMENSION) for item in work])


LENGTHS = random.Random(5).choices(range(1, 300), k=500)


def test_vectors_come_back_in_the_order_of_the_caller(start):
    dispatcher = start(SimulatedLane("a"), SimulatedLane("b", n_slots=2))
    work = items(LENGTHS)
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))


def test_batches_keep_to_the_budget(start):
    lane = SimulatedLane(max_batch_tokens=600)
    dispatcher = start(lane)
    submit(dispatcher, items(LENGTHS)).future.result(10)
    assert all(batch.padded_tokens <= 600 for batch in lane.batches)
    counters = dispatcher.states[0].counters
    assert counters.n_tokens == sum(LENGTHS)
    assert 1 - counters.n_tokens / counters.n_padded_tokens <= 0.15


def test_share_follows_speed_and_a_very_slow_lane_gets_nothing_of_a_small_call(start):
    fast, slow = SimulatedLane("fast", tokens_per_s=1e6), SimulatedLane("slow", tokens_per_s=1e3)
    dispatcher = start(fast, slow, speeds=[1e6, 1e3])
    work = items([50] * 100)
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert not slow.batches
    told = [dispatcher.why_idle(state) for state in dispatcher.states]
    assert not told[0]
    assert "times as much a second: so far they were done sooner without it" in told[1]


def test_equally_fast_lanes_share_a_large_call(start):
    lanes = [SimulatedLane(name, tokens_per_s=2e5) for name in "ab"]
    dispatcher = start(*lanes, speeds=[2e5, 2e5])
    submit(dispatcher, items([100] * 400)).future.result(10)
    shares = [state.counters.n_texts / 400 for state in dispatcher.states]
    assert min(shares) > 0.3


def test_long_texts_go_to_the_fast_lane_and_come_back_in_their_places(start):
    fast, slow = SimulatedLane("fast", tokens_per_s=1e5), SimulatedLane("slow", tokens_per_s=2e4)
    dispatcher = start(fast, slow, speeds=[1e5, 2e4])
    work = items(LENGTHS)
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    mean = {
        lane.name: np.mean([len(one.ids) for batch in lane.batches for one in batch.texts]) for lane in (fast, slow)
    }
    assert mean["slow"] < mean["fast"]


def test_hybrid_off_leaves_all_to_the_fastest(start):
    fast, slow = SimulatedLane("fast", tokens_per_s=1e5), SimulatedLane("slow", tokens_per_s=9e4)
    dispatcher = start(fast, slow, speeds=[1e5, 9e4], hybrid=False)
    submit(dispatcher, items([100] * 100)).future.result(10)
    assert not slow.batches
    assert "hybrid mode is off" in dispatcher.why_idle(dispatcher.states[1])
    job = submit(dispatcher, items([10] * 3, device="slow"))  # unless the caller insists
    job.future.result(10)
    assert job.lanes == {"slow": 3}


def test_queries_overtake_bulk(start):
    entered, gate = threading.Event(), threading.Event()

    def wait_in_first_batch(number, _):
        if not number:
            entered.set()
            gate.wait(10)

    lane = SimulatedLane(max_batch_tokens=100, fault=wait_in_first_batch)
    dispatcher = start(lane)
    bulk = submit(dispatcher, items([50] * 100))
    assert entered.wait(10)
    query = submit(dispatcher, [Item(key="q", text=text(7, 999), is_query=True)])
    gate.set()
    query.future.result(10)
    bulk.future.result(10)
    lengths = [[len(one.ids) for one in batch.texts] for batch in lane.batches]
    assert lengths.index([7]) == 1  # right after the batch that was running


def test_equal_items_of_concurrent_calls_are_computed_once(start):
    gate = threading.Event()
    lane = SimulatedLane(fault=lambda *_: gate.wait(10) and None)
    dispatcher = start(lane)
    jobs = [submit(dispatcher, items([5, 6])) for _ in range(10)]
    gate.set()
    for job in jobs:
        np.testing.assert_array_equal(job.future.result(10), expected(items([5, 6])))
    assert dispatcher.states[0].counters.n_texts == 2


def test_withdrawing_one_caller_does_not_fail_another(start):
    gate = threading.Event()
    lane = SimulatedLane(max_batch_tokens=10, fault=lambda *_: gate.wait(10) and None)
    dispatcher = start(lane)
    first, second = submit(dispatcher, items([5, 6, 7, 8])), submit(dispatcher, items([5, 6, 7]))
    first.future.cancel()
    dispatcher.withdraw(first)
    gate.set()
    np.testing.assert_array_equal(second.future.result(10), expected(items([5, 6, 7])))
    assert 8 not in [len(one.ids) for batch in lane.batches for one in batch.texts]


def test_failing_lane_hands_its_work_over_and_its_breaker_opens(start):
    def broken(*_):
        raise LaneError("driver lost")

    bad, good = SimulatedLane("bad", fault=broken), SimulatedLane("good", tokens_per_s=1e6)
    dispatcher = start(bad, good, threshold=2, speeds=[2e6, 1e6])
    work = items(LENGTHS)
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert dispatcher.states[0].counters.n_failures >= 1
    assert "driver lost" in dispatcher.states[0].last_error


def test_all_lanes_failing_gives_one_error_with_every_cause(start):
    def broken(*_):
        raise LaneError("driver lost")

    dispatcher = start(SimulatedLane("a", fault=broken), SimulatedLane("b", fault=broken))
    with pytest.raises(NoLaneAvailable, match=r"(?s)a: LaneError: driver lost.*b: LaneError: driver lost") as caught:
        submit(dispatcher, items([5])).future.result(10)
    assert set(caught.value.causes) == {"a", "b"}


def test_open_breaker_answers_at_once_and_recovers(start):
    faults = iter([LaneError("first"), LaneError("second")])

    def fault(*_):
        error = next(faults, None)
        if error:
            raise error

    dispatcher = start(SimulatedLane("a", fault=fault), threshold=1, breaker_timeout_s=0.05)
    with pytest.raises(NoLaneAvailable):
        submit(dispatcher, items([5])).future.result(10)
    with pytest.raises(NoLaneAvailable, match="out of service.*tried again"):
        submit(dispatcher, items([6])).future.result(10)
    deadline = time.monotonic() + 10
    while dispatcher.states[0].breaker.state == "open" and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    with pytest.raises(NoLaneAvailable, match="second"):  # the trial fails
        submit(dispatcher, items([7])).future.result(10)
    while dispatcher.states[0].breaker.state == "open" and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert submit(dispatcher, items([8])).future.result(10).shape == (1, DIMENSION)
    assert dispatcher.states[0].breaker.state == "closed"


def test_a_lane_that_may_be_tried_again_sleeps_until_there_is_work(start):
    """A thread that looked again every millisecond would look at the clock a hundred times long before the end."""
    looks, often = itertools.count(), threading.Event()

    def clock():
        if next(looks) == 100:
            often.set()
        return time.monotonic()

    dispatcher = start(SimulatedLane("a", fault=lambda *_: np.zeros(0)), threshold=1, breaker_timeout_s=1e-9)
    dispatcher.states[0].breaker = Breaker(threshold=1, timeout_s=1e-9, clock=clock)
    with pytest.raises(NoLaneAvailable):
        submit(dispatcher, items([5])).future.result(10)
    assert dispatcher.states[0].breaker.state == "half_open"
    assert not often.wait(0.5)


def test_out_of_memory_shrinks_the_budget_and_fails_nothing(start):
    lane = SimulatedLane(max_batch_tokens=4096, memory_tokens=700)
    dispatcher = start(lane)
    work = items(LENGTHS)
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert dispatcher.states[0].budget_tokens <= 700
    assert dispatcher.states[0].counters.n_out_of_memory >= 1
    assert dispatcher.states[0].breaker.state == "closed"


def test_text_that_fits_nowhere_but_on_another_lane_goes_there(start):
    small = SimulatedLane("small", memory_tokens=100)
    large = SimulatedLane("large", tokens_per_s=1e5)
    dispatcher = start(small, large, speeds=[1e6, 1e5])
    work = items([500, 20, 30])
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert any(len(one.ids) == 500 for batch in large.batches for one in batch.texts)


def test_text_that_fits_nowhere_is_an_error_of_its_call_only(start):
    dispatcher = start(SimulatedLane("small", memory_tokens=100))
    too_long, fine = submit(dispatcher, items([500])), submit(dispatcher, items([20, 30]))
    with pytest.raises(NoLaneAvailable, match="do not fit into 100"):
        too_long.future.result(10)
    assert fine.future.result(10).shape == (2, DIMENSION)


def bad_rows(until, value):
    """Make rows of batches before number ``until`` bad, as long as they are not computed in float32."""

    def fault(number, batch):
        vectors = np.stack([simulated_vector(one.ids, DIMENSION) for one in batch.texts])
        if number < until and not batch.exact:
            vectors[0] = value
        return vectors

    return fault


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_bad_row_is_computed_again_in_float32(start, value):
    lane = SimulatedLane(fault=bad_rows(10**9, value))
    lane.numeric_class = "float16"
    dispatcher = start(lane)
    work = items([5, 6, 7])
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert any(batch.exact for batch in lane.batches)


def test_row_that_is_always_bad_is_named(start):
    def fault(_, batch):
        vectors = np.stack([simulated_vector(one.ids, DIMENSION) for one in batch.texts])
        for row, one in enumerate(batch.texts):
            if len(one.ids) == 6:
                vectors[row] = np.nan
        return vectors

    dispatcher = start(SimulatedLane("a", fault=fault), SimulatedLane("b", fault=fault))
    with pytest.raises(BadVector) as caught:
        submit(dispatcher, items([5, 6, 7])).future.result(10)
    assert caught.value.index == 1


def test_wrong_dimension_is_a_failure_of_the_lane(start):
    bad = SimulatedLane("bad", fault=lambda _, batch: np.zeros((len(batch.texts), 3), dtype=np.float32))
    dispatcher = start(bad, SimulatedLane("good"), speeds=[2e6, 1e6])
    work = items([5, 6])
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))


def test_hanging_lane_is_given_up(start):
    release = threading.Event()
    stuck = SimulatedLane("stuck", fault=lambda *_: release.wait(30) and None)
    good = SimulatedLane("good", tokens_per_s=1e6)
    dispatcher = start(stuck, good, speeds=[2e6, 1e6], operation_timeout_s=0.1)
    work = items([5, 6, 7])
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    assert "EMBEDDING_OPERATION_TIMEOUT" in dispatcher.states[0].last_error
    release.set()


def test_only_lane_hanging_is_an_error_not_a_wait(start):
    release = threading.Event()
    dispatcher = start(SimulatedLane("stuck", fault=lambda *_: release.wait(30) and None), operation_timeout_s=0.1)
    with pytest.raises(NoLaneAvailable, match="no result after"):
        submit(dispatcher, items([5])).future.result(10)
    with pytest.raises(NoLaneAvailable, match="hangs in native code"):
        submit(dispatcher, items([6])).future.result(10)
    release.set()


def test_full_queue_is_an_answer(start):
    gate = threading.Event()
    dispatcher = start(
        SimulatedLane(max_batch_tokens=10, fault=lambda *_: gate.wait(10) and None), max_queued_tokens=100
    )
    first = submit(dispatcher, items([10] * 9))
    with pytest.raises(Overloaded, match="EMBEDDING_MAX_QUEUED_TOKENS") as caught:
        submit(dispatcher, items([60]))
    assert caught.value.retry_after_s >= 0
    gate.set()
    assert first.future.result(10).shape == (9, DIMENSION)


def test_a_call_that_is_admitted_is_not_refused_half_way(start):
    gate = threading.Event()
    lane = SimulatedLane(max_batch_tokens=10, fault=lambda *_: gate.wait(10) and None)
    dispatcher = start(lane, max_queued_tokens=100)
    work = items([10] * 30)
    job = Job(30, DIMENSION)
    dispatcher.submit(job, work[:20])
    assert not dispatcher.wait_for_room(0.01)
    with pytest.raises(Overloaded):  # others are
        submit(dispatcher, items([60]))
    gate.set()
    assert dispatcher.wait_for_room(10)
    dispatcher.submit(job, work[20:], first_row=20)
    np.testing.assert_array_equal(job.future.result(10), expected(work))


def test_close_tells_everybody_who_waits():
    gate = threading.Event()
    lane = SimulatedLane(max_batch_tokens=10, fault=lambda *_: gate.wait(10) and None)
    state = LaneState(lane, Breaker(threshold=5, timeout_s=60), CostModel(), 10)
    dispatcher = Dispatcher([state], dimension=DIMENSION, max_queued_tokens=10**6, operation_timeout_s=30)
    job = submit(dispatcher, items([10] * 20))
    closer = threading.Thread(target=dispatcher.close)
    closer.start()
    with pytest.raises(ServiceClosed):
        job.future.result(10)
    gate.set()
    closer.join(10)
    assert lane.closed
    with pytest.raises(ServiceClosed):
        submit(dispatcher, items([5]))


def test_many_threads_with_random_faults(start):
    """Every future ends; every result is right or a typed error."""
    rng = random.Random(11)

    def fault(_, batch):
        dice = rng.random()
        if dice < 0.03:
            raise LaneError("random fault")
        if dice < 0.05:
            raise MemoryError("random foreign error")
        if dice < 0.08:
            vectors = np.stack([simulated_vector(one.ids, DIMENSION) for one in batch.texts])
            vectors[-1] = np.nan
            return vectors
        return None

    lanes = [SimulatedLane(name, fault=fault, memory_tokens=1500, n_slots=2) for name in "abc"]
    dispatcher = start(*lanes, threshold=50, breaker_timeout_s=0.01)

    def call(seed):
        mine = random.Random(seed)
        work = [
            Item(key=seed_of, text=text(seed_of % 90 + 1, seed_of), is_query=mine.random() < 0.5)
            for seed_of in (mine.randrange(300) for _ in range(mine.randrange(1, 6)))
        ]
        job = submit(dispatcher, work)
        try:
            vectors = job.future.result(30)
        except EncodeError as error:
            dispatcher.withdraw(job)
            return error
        np.testing.assert_array_equal(vectors, expected(work))
        return None

    with ThreadPoolExecutor(64) as pool:
        errors = [error for error in pool.map(call, range(10_000)) if error is not None]
    assert len(errors) < 500
    assert dispatcher.queued_tokens == 0


@pytest.mark.parametrize("number_of_batch", range(12))
def test_out_of_memory_at_any_batch_costs_time_only(start, number_of_batch):
    def fault(number, _):
        if number == number_of_batch:
            raise LaneOutOfMemory("the memory is full for a moment")

    lane = SimulatedLane(max_batch_tokens=600, fault=fault)
    work = items(LENGTHS[:60])
    np.testing.assert_array_equal(submit(start(lane), work).future.result(10), expected(work))
    assert len(lane.batches) > number_of_batch


def test_late_vectors_of_a_batch_that_was_given_up_do_no_harm(start):
    """The lane comes back, with a bad row, when another one has the items already."""
    release = threading.Event()

    def late(_, batch):
        release.wait(10)
        return np.full((len(batch.texts), DIMENSION), np.nan, dtype=np.float32)

    stuck, good = SimulatedLane("stuck", fault=late), SimulatedLane("good", tokens_per_s=1e6)
    dispatcher = start(stuck, good, speeds=[2e6, 1e6], operation_timeout_s=0.1)
    work = items([5, 6, 7])
    np.testing.assert_array_equal(submit(dispatcher, work).future.result(10), expected(work))
    release.set()
    again = items([8, 9])
    np.testing.assert_array_equal(submit(dispatcher, again).future.result(10), expected(again))


def test_queries_find_a_free_slot_while_bulk_runs(start):
    """After a query a lane runs one bulk batch at a time, so that the next query does not wait for two."""
    entered, gate = threading.Semaphore(0), threading.Event()

    def slow_bulk(_, batch):
        if batch.width > 10:
            entered.release()
            gate.wait(10)

    lane = SimulatedLane(n_slots=2, max_batch_tokens=100, fault=slow_bulk)
    dispatcher = start(lane)
    submit(dispatcher, [Item(key="q0", text=text(5, 998), is_query=True)]).future.result(10)
    bulk = submit(dispatcher, items([50] * 20))
    assert entered.acquire(timeout=10)
    submit(dispatcher, [Item(key="q1", text=text(7, 999), is_query=True)]).future.result(10)
    gate.set()
    bulk.future.result(10)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is raised on purpose
def test_defect_in_scheduling_is_an_error_not_a_wait(start):
    class BrokenCost(CostModel):
        def predict_s(self, padded_tokens):
            raise OverflowError("a defect")

    dispatcher = start(SimulatedLane())
    dispatcher.states[0].cost = BrokenCost()
    with pytest.raises(EncodeError, match="internal error while scheduling: OverflowError: a defect"):
        submit(dispatcher, items([5])).future.result(10)


def test_events_tell_what_the_counters_count(start):
    rng = random.Random(3)

    def fault(_, batch):
        if rng.random() < 0.2:
            raise LaneError("random fault")

    events = Events()
    told = []
    events.subscribe(told.append)
    lanes = [SimulatedLane(name, fault=fault, memory_tokens=400, n_slots=2) for name in "ab"]
    dispatcher = start(*lanes, threshold=3, breaker_timeout_s=0.01, events=events)
    for seed in range(20):
        with suppress(NoLaneAvailable):
            submit(dispatcher, items([seed % 9 + 1, *LENGTHS[seed * 10 : seed * 10 + 10]])).future.result(10)
    assert dispatcher.close()
    for state in dispatcher.states:
        mine = [event for event in told if getattr(event, "lane", getattr(event, "component", "")) == state.name]
        finished = [event for event in mine if isinstance(event, BatchFinished)]
        reasons = [event.reason for event in mine if isinstance(event, BatchFailed)]
        assert len(finished) == state.counters.n_batches
        assert sum(event.n_texts for event in finished) == state.counters.n_texts
        assert sum(event.n_padded_tokens for event in finished) == state.counters.n_padded_tokens
        assert reasons.count("error") == state.counters.n_failures
        assert reasons.count("out_of_memory") == state.counters.n_out_of_memory
    assert any(isinstance(event, BudgetChanged) and event.direction == "down" for event in told)
