"""The arithmetic of objectives against a reference that keeps every event."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_embeddings.observability.slo import ALERTS, Objective, Tracker
from hybrid_embeddings.observability.window import RollingCounts

WINDOW_S, N_SLOTS = 576.0, 576  # slices of one second in a Tracker, too

# Steps of time between events, and whether each was good: pauses longer than the window are common.
histories = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 0.9, 1.0, 5.0, 47.9, 48.0, 300.0, 700.0]), st.booleans()), min_size=1
)


@given(histories, st.sampled_from([0.0, 0.5, 10.0, 600.0]), st.sampled_from([4.0, 12.0, 48.0, 144.0, 576.0]))
def test_a_sum_is_that_of_the_span_and_at_most_one_slice_more(history, pause_s, span_s):
    counts = RollingCounts(2, window_s=WINDOW_S, n_slots=N_SLOTS)
    now_s, events = 0.0, []
    for step_s, is_good in history:
        now_s += step_s
        counts.add(int(is_good), 1, now_s)
        events.append((now_s, is_good))
    now_s += pause_s
    sums = counts.sums(span_s, now_s)
    for counter in (0, 1):
        at_least = sum(1 for at_s, is_good in events if is_good == counter and at_s > now_s - span_s)
        at_most = sum(1 for at_s, is_good in events if is_good == counter and at_s >= now_s - span_s - 1)
        assert at_least <= sums[counter] <= at_most


@given(histories, st.floats(0.5, 0.999))
def test_rates_budget_and_alerts_follow_from_the_counts(history, target):
    objective = Objective("o", "errors", target, WINDOW_S)
    tracker = Tracker(objective)
    now_s, events = 0.0, []
    for step_s, is_good in history:
        now_s += step_s
        tracker.count(int(is_good), int(not is_good), now_s)
        events.append((int(now_s), is_good))

    def rate(span_s: float) -> float:
        inside = [is_good for second, is_good in events if second >= int(now_s) - round(span_s)]
        return inside.count(False) / len(inside) / (1 - target) if inside else math.nan

    state = tracker.state(now_s)
    assert state.burn_rates["window"] == pytest.approx(rate(WINDOW_S), nan_ok=True)
    assert state.budget_left == pytest.approx(1 - rate(WINDOW_S))
    for alert in ALERTS:
        long_rate, short_rate = rate(WINDOW_S * alert.long_share), rate(WINDOW_S * alert.short_share)
        assert state.burn_rates[alert.name] == pytest.approx(long_rate, nan_ok=True)
        assert (alert.name in state.alerts) == (long_rate >= alert.rate and short_rate >= alert.rate)
    assert (state.status == "violated") == (state.budget_left < 0)


@given(st.lists(st.floats(1e-5, 900.0), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_right_within_its_class(latencies, share):
    tracker = Tracker(Objective("p", "latency", share, WINDOW_S, threshold_s=0.1))
    for seconds in latencies:
        tracker.latency(seconds, 1.0)
    state = tracker.state(1.0)
    exact = sorted(latencies)[math.ceil(share * len(latencies)) - 1]
    assert max(exact, 1e-4) / 1.0001 <= state.value <= max(exact, 1e-4) * 1.0501
    assert state.n_bad == sum(seconds > 0.1 for seconds in latencies)


@given(st.floats(0.01, 0.99), st.integers(1, 200), st.integers(0, 200))
def test_value_and_limit_agree_with_the_status_in_both_directions(target, n_good, n_bad):
    for higher in (True, False):
        tracker = Tracker(Objective("o", "cache_hits", target, WINDOW_S, higher_is_better=higher))
        tracker.count(n_good, n_bad, 1.0)
        state = tracker.state(1.0)
        margin = state.value - state.limit if higher else state.limit - state.value
        if abs(margin) > 1e-9:
            assert (state.status == "violated") == (margin < 0)
