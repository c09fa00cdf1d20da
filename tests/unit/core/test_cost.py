"""The cost model with what real lanes do to it: one size for hours, a first batch that compiles, any numbers."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_embeddings.scheduling.cost import CostModel


def seconds(tokens):
    return 0.001 + tokens / 50_000


@pytest.fixture
def taught():
    cost = CostModel()
    for tokens in range(128, 1152, 128):
        cost.observe(tokens, seconds(tokens))
    return cost


def test_hours_of_batches_of_one_size_leave_it_sound(taught):
    rng = random.Random(1)
    for _ in range(20_000):
        taught.observe(2048, seconds(2048) * rng.uniform(0.95, 1.1))
    assert taught.predict_s(2048) == pytest.approx(seconds(2048), rel=0.1)
    assert 0 < taught.predict_s(20) < seconds(2048)
    taught.observe(20, seconds(20))
    assert taught.predict_s(20) == pytest.approx(seconds(20), rel=0.2)


def test_a_first_batch_of_a_second_does_not_spoil_the_prior():
    cost = CostModel()
    for number, tokens in enumerate(range(128, 1152, 128)):
        cost.observe(tokens, seconds(tokens) + (number == 0))
    assert cost.predict_s(2048) == pytest.approx(seconds(2048), rel=0.5)


def test_one_hiccup_changes_little(taught):
    for _ in range(50):
        taught.observe(1000, seconds(1000))
    taught.observe(1000, 1.0)
    assert taught.predict_s(1000) < 2 * seconds(1000)


@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_change_of_speed_is_followed_within_ten_batches(taught, factor):
    rng = random.Random(2)
    for _ in range(10):
        tokens = rng.randint(200, 2048)
        taught.observe(tokens, factor * seconds(tokens))
    assert taught.predict_s(1000) == pytest.approx(factor * seconds(1000), rel=0.5)


def test_a_slow_lane_with_much_overhead_is_known_after_its_check():
    cost = CostModel()
    for tokens in range(128, 1152, 128):
        cost.observe(tokens, 200 * seconds(tokens))
    assert cost.predict_s(5) == pytest.approx(200 * seconds(5), rel=0.1)


@given(st.lists(st.tuples(st.integers(-1, 10**7), st.floats(0, 1e5)), max_size=200))
def test_no_observations_break_it(observations):
    cost = CostModel()
    for tokens, measured_s in observations:
        cost.observe(tokens, measured_s)
    overhead_s, per_token_s = cost.coefficients
    assert 0 <= overhead_s < math.inf
    assert 0 < per_token_s < math.inf
    assert isinstance(cost.tokens_within(1.0), int)
