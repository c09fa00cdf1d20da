from __future__ import annotations

import math

import pytest

from rag_demo.evaluate.measure import estimate, hit_at, ndcg_at, recall_at, reciprocal_rank


@pytest.mark.parametrize(("k", "expected"), [(1, 0.0), (2, 1.0), (10, 1.0)])
def test_hit(k, expected):
    assert hit_at([None, 2], k) == expected


def test_recall_is_a_share_of_the_golds():
    assert recall_at([1, None, 7, 20], 10) == 0.5
    assert recall_at([], 10) == 0.0


def test_reciprocal_rank_of_the_best():
    assert reciprocal_rank([4, 2, None]) == 0.5
    assert reciprocal_rank([None]) == 0.0


def test_ndcg_is_one_for_the_ideal_order_only():
    assert ndcg_at([1, 2], 10) == 1.0
    assert ndcg_at([1, 3], 10) == pytest.approx((1 + 1 / 2) / (1 + 1 / math.log2(3)))
    assert ndcg_at([None], 10) == 0.0


def test_an_interval_is_wider_where_questions_hang_together():
    values = [1.0, 0.0] * 50
    apart = estimate(values, [str(number) for number in range(100)])
    together = estimate(sorted(values), [str(number // 25) for number in range(100)])
    assert apart.mean == together.mean == 0.5
    assert apart.low < 0.5 < apart.high
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_an_interval_is_about_that_of_the_binomial_distribution():
    found = estimate([1.0] * 80 + [0.0] * 20, [str(number) for number in range(100)])
    assert found.low == pytest.approx(0.72, abs=0.02)
    assert found.high == pytest.approx(0.88, abs=0.02)


def test_nothing_is_not_a_number():
    assert all(math.isnan(value) for value in estimate([], []))
