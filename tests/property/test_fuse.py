"""Properties of the fusion that hold for any lists."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from rag_demo.retrieve.fuse import RANK_CONSTANT, diversify, fuse

legs = st.sampled_from(["lexical", "exact", "dense"])
ranked = st.lists(st.integers(0, 40), unique=True, max_size=25)
lists = st.dictionaries(legs, ranked)
weights = st.fixed_dictionaries({leg: st.floats(0.01, 10) for leg in ("lexical", "exact", "dense")})


@given(lists, weights)
def test_every_item_appears_once_with_its_ranks(lists, weights):
    fused = fuse(lists, weights)
    assert sorted(entry.item for entry in fused) == sorted(set().union(*lists.values()))
    for entry in fused:
        assert entry.ranks == {leg: items.index(entry.item) + 1 for leg, items in lists.items() if entry.item in items}


@given(lists, weights)
def test_scores_fall_and_follow_the_formula(lists, weights):
    fused = fuse(lists, weights)
    scores = [entry.score for entry in fused]
    assert scores == sorted(scores, reverse=True)
    for entry in fused:
        expected = sum(weights[leg] / (RANK_CONSTANT + rank) for leg, rank in entry.ranks.items())
        assert abs(entry.score - expected) < 1e-12


@given(ranked, weights)
def test_one_list_keeps_its_order(items, weights):
    assert [entry.item for entry in fuse({"lexical": items}, weights)] == items


@given(lists, weights, legs)
def test_a_missing_leg_is_an_empty_leg(lists, weights, leg):
    without = {name: items for name, items in lists.items() if name != leg}
    assert fuse(without, weights) == fuse({**without, leg: []}, weights)


@given(lists, weights, st.floats(0.1, 10))
def test_order_does_not_depend_on_the_scale_of_the_weights(lists, weights, factor):
    scaled = {leg: weight * factor for leg, weight in weights.items()}
    before = {entry.item: entry.score for entry in fuse(lists, weights)}
    after = [before[entry.item] for entry in fuse(lists, scaled)]
    assert all(first >= second - 1e-12 for first, second in itertools.pairwise(after))


@given(ranked, ranked, weights)
def test_first_in_both_lists_is_first(left, right, weights):
    assert fuse({"lexical": [99, *left], "dense": [99, *right]}, weights)[0].item == 99


def test_a_repeated_item_counts_at_its_best_rank():
    (entry,) = fuse({"exact": ["а", "а", "а"]}, {"exact": 1.0})
    assert entry.ranks == {"exact": 1}


def test_nothing_gives_nothing():
    assert fuse({}, {}) == []
    assert fuse({"lexical": [], "dense": []}, {"lexical": 1.0}) == []


def test_a_leg_without_weight_only_fills_the_end():
    fused = fuse({"dense": ["чужой"], "lexical": ["свой"]}, {"lexical": 1.0})
    assert [entry.item for entry in fused] == ["свой", "чужой"]


@given(st.lists(st.integers(0, 60), unique=True), st.integers(1, 8), st.integers(1, 3))
def test_diversify_reorders_and_loses_nothing(items, within, most):
    result = diversify(items, lambda item: item % 4, within=within, most=most)
    assert sorted(result) == sorted(items)
    groups = [item % 4 for item in result[:within]]
    others = [item % 4 for item in result[within:]]
    crowded = {group for group in groups if groups.count(group) > most}
    assert not crowded or set(others) <= {group for group in set(groups) if groups.count(group) >= most}


def test_diversify_takes_two_of_an_object_and_keeps_the_order():
    items = ["а1", "а2", "а3", "б1", "а4", "б2", "в1", "г1"]
    assert diversify(items, lambda item: item[0]) == ["а1", "а2", "б1", "б2", "в1", "а3", "а4", "г1"]
