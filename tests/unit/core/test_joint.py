"""The joint-throughput guard: a lane that costs more than it brings is sent away, a useful one stays."""

import pytest

from hybrid_embeddings.scheduling.joint import JointGain


def run(gain, *, slowdown, speed_ratio, batches):
    """Feed batches of a fast lane that is slowed down while the slow lane works; return how often it worked."""
    worked = 0
    for _ in range(batches):
        beside = gain.may_work
        worked += beside
        gain.observe(slowdown if beside else 1.0, beside=beside, speed_ratio=speed_ratio)
    return worked


def test_lane_that_slows_the_others_down_more_than_it_brings_is_sent_away():
    gain = JointGain()
    worked = run(gain, slowdown=1.25, speed_ratio=0.02, batches=400)
    assert worked < 50
    assert "took 1.25 times as long beside it" in gain.why_not
    assert gain.slowdown == pytest.approx(1.25, rel=0.01)


def test_lane_that_brings_more_than_it_costs_stays():
    gain = JointGain()
    worked = run(gain, slowdown=1.1, speed_ratio=0.5, batches=400)
    assert worked > 300
    assert not gain._benched


def test_harmless_lane_stays_and_rests_only_a_little():
    worked = run(JointGain(), slowdown=1.0, speed_ratio=0.01, batches=1000)
    assert 960 <= worked < 1000


def test_verdict_is_not_for_ever():
    gain = JointGain()
    run(gain, slowdown=2.0, speed_ratio=0.1, batches=60)
    assert not gain.may_work
    worked = run(gain, slowdown=1.0, speed_ratio=0.1, batches=2000)
    assert worked > 1000
