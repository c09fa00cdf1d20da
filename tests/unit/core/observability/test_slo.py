"""Objectives from the events of a service, with a clock of the test."""

from __future__ import annotations

import math

import pytest

from hybrid_embeddings.events import BatchFailed, EncodeFailed, EncodeFinished
from hybrid_embeddings.observability.objectives import Promises, objectives
from hybrid_embeddings.observability.slo import Objective, SloTracker


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


def finished(total_s=0.01, n_texts=1, n_cached=0):
    return EncodeFinished("query", "cpu", n_texts, n_texts - n_cached, n_cached, 5, 0, 0.001, total_s)


def failed(error="BadVector", fault="service"):
    return EncodeFailed("query", error, 1, 0.1, fault)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(clock):
    return SloTracker(objectives(Promises()), clock=clock)


def states(tracker):
    return {state.name: state for state in tracker.states()}


def test_nothing_measured_is_neither_kept_nor_violated(tracker):
    for state in tracker.states():
        assert state.status == "no_data"
        assert math.isnan(state.value)
        assert math.isnan(state.burn_rates["window"])
        assert state.exhausted_in_s is None


def test_all_promises_are_kept_by_fast_calls_that_hit_the_cache(tracker):
    for _ in range(100):
        tracker(finished(n_cached=1))
    assert {state.status for state in tracker.states()} == {"ok"}
    assert states(tracker)["cache_hit_rate"].value == 1.0


def test_a_hit_rate_of_95_percent_is_not_a_violation(tracker):
    """Higher is better here: an earlier system reported exactly this as a violation."""
    for number in range(100):
        tracker(finished(n_cached=int(number % 20 > 0)))
    state = states(tracker)["cache_hit_rate"]
    assert state.value == pytest.approx(0.95)
    assert state.limit == pytest.approx(0.7)
    assert state.status == "ok"
    assert state.budget_left == pytest.approx(1 - 0.05 / 0.3)


def test_slow_calls_overdraw_the_budget_of_their_percentile_only(tracker):
    for number in range(100):
        tracker(finished(total_s=0.15 if number % 10 == 0 else 0.01))
    found = states(tracker)
    assert found["latency_p95"].status == "violated"
    assert found["latency_p95"].value == pytest.approx(0.15, rel=0.06)
    assert found["latency_p50"].status == "ok"
    assert found["latency_p99"].status == "ok"  # 150 ms are within 200


def test_a_bulk_call_says_nothing_about_the_latency_of_one_text(tracker):
    tracker(finished(total_s=60.0, n_texts=10_000))
    assert states(tracker)["latency_p99"].status == "no_data"


def test_what_the_caller_got_wrong_is_no_error_of_the_service(tracker):
    tracker(finished())
    tracker(failed("InputError", fault="caller"))
    assert states(tracker)["error_rate"].value == 0.0
    assert states(tracker)["availability"].value == 1.0


def test_an_error_is_no_outage_but_an_outage_is_an_error(tracker):
    for _ in range(98):
        tracker(finished())
    tracker(failed("BadVector"))
    tracker(failed("NoLaneAvailable"))
    found = states(tracker)
    assert found["error_rate"].value == pytest.approx(0.02)
    assert found["availability"].value == pytest.approx(0.99)
    assert found["availability"].status == "violated"


def test_a_violation_is_forgotten_with_its_window(tracker, clock):
    tracker(failed())
    assert states(tracker)["error_rate"].status == "violated"
    clock.now_s += 3600 + 7
    tracker(finished())
    assert states(tracker)["error_rate"].status == "ok"
    assert states(tracker)["availability"].n_good == 2  # its window is a day


def test_the_trend_warns_before_the_violation(clock):
    tracker = SloTracker([Objective("error_rate", "errors", 0.9, 3600.0)], clock=clock)
    for _ in range(3000):
        clock.now_s += 1
        tracker(finished())
    for number in range(120):
        clock.now_s += 1
        tracker(failed() if number % 2 else finished())
    [state] = tracker.states()
    assert state.status == "warning"
    assert state.budget_left > 0
    # At this rate: what is left of the budget over what a window of such calls would take.
    assert state.exhausted_in_s == pytest.approx(state.budget_left * 3600 / state.burn_rates["fast"])
    assert 0 < state.exhausted_in_s < 3600


def test_other_events_are_ignored(tracker):
    tracker(BatchFailed("cpu", "error", 3))
    assert states(tracker)["error_rate"].status == "no_data"


@pytest.mark.parametrize("target", [0.0, 1.0, 1.5, -0.1])
def test_an_objective_without_an_error_budget_is_refused(target):
    with pytest.raises(ValueError, match="error_rate"):
        Objective("error_rate", "errors", target, 3600.0)


def test_a_time_that_goes_backwards_counts_as_now(tracker, clock):
    tracker(finished())
    clock.now_s -= 500
    tracker(finished())
    assert states(tracker)["error_rate"].n_good == 2
