"""Budget policies under any course of events: bounds, out of memory, convergence."""

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_embeddings.experimental.bandit import BanditBudget
from hybrid_embeddings.scheduling.budget import BudgetFacts, FixedBudget, FormulaBudget, MemoryLimit
from hybrid_embeddings.scheduling.predictive import PredictiveBudget

_LIMITS = st.builds(
    MemoryLimit,
    st.floats(1.0, 1e6),
    n_slots=st.integers(1, 4),
    max_bytes=st.one_of(st.none(), st.integers(1, 10**10)),
)
_POLICIES = st.one_of(
    st.builds(FixedBudget),
    st.builds(FormulaBudget, _LIMITS, target_s=st.one_of(st.none(), st.floats(1e-3, 10))),
    st.builds(PredictiveBudget, _LIMITS, limit_tokens=st.one_of(st.none(), st.integers(1, 10**5))),
    st.builds(BanditBudget, _LIMITS),
)
_FACTS = st.builds(BudgetFacts, st.integers(1, 10**5), st.one_of(st.none(), st.integers(0, 10**11)))
_EVENTS = st.one_of(
    st.tuples(
        st.just("run"),
        st.floats(0.01, 1.5),  # padded tokens as a share of the budget; a single long row may exceed it
        st.floats(1e-6, 100.0),
        st.one_of(st.none(), st.integers(0, 10**11)),
    ),
    st.tuples(st.just("out of memory"), st.floats(0.01, 1.5)),
)


@settings(deadline=None)
@given(_POLICIES, st.lists(st.tuples(_FACTS, _EVENTS), max_size=80))
def test_budget_is_never_below_one_nor_above_the_ceiling(policy, course):
    ceiling = float("inf")
    for facts, (kind, share, *outcome) in course:
        budget = policy.budget(facts)
        assert isinstance(budget, int)
        assert 1 <= budget <= ceiling
        padded = max(1, int(budget * share))
        if kind == "run":
            policy.observe(padded, *outcome)
        else:
            policy.shrink(padded)
            ceiling = min(ceiling, max(1, padded // 2))
            assert policy.stats.ceiling_tokens == ceiling


@settings(deadline=None)
@given(_POLICIES, st.integers(1, 10**5), st.integers(1, 4096))
def test_ladder_ends_below_any_limit(policy, preferred, fits):
    """Full batches that fail above ``fits`` tokens: every failure at least halves, so few of them are enough."""
    facts, failures = BudgetFacts(preferred), []
    for _ in range(60):
        budget = policy.budget(facts)
        if budget > fits:
            failures.append(budget)
            policy.shrink(budget)
        else:
            policy.observe(budget, 0.001 + budget * 1e-5)
    assert all(later <= earlier / 2 for earlier, later in pairwise(failures))
    assert policy.budget(facts) <= fits


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 10**6), min_size=1, max_size=20), st.integers(1, 10**5), st.sampled_from(["max", "free"])
)
def test_formula_is_monotone_in_memory(amounts, preferred, kind):
    def budget(amount):
        if kind == "max":
            return FormulaBudget(MemoryLimit(50.0, max_bytes=amount)).budget(BudgetFacts(preferred))
        return FormulaBudget(MemoryLimit(50.0)).budget(BudgetFacts(preferred, amount))

    budgets = [budget(amount) for amount in sorted(amounts)]
    assert budgets == sorted(budgets)
    assert all(1 <= chosen <= preferred for chosen in budgets)


@settings(deadline=None, max_examples=40)
@given(
    overhead_s=st.floats(1e-3, 0.05),
    per_token_s=st.floats(1e-6, 1e-4),
    best=st.integers(300, 12_000),
    fits=st.one_of(st.none(), st.integers(200, 20_000)),
    seed=st.integers(0, 1000),
)
def test_predictive_comes_within_ten_percent_of_the_oracle(overhead_s, per_token_s, best, fits, seed):
    """A lane that does not change; ``best`` is its fastest size, ``fits`` the memory that it reports."""
    dearer = overhead_s / best**2

    def seconds(padded):
        return overhead_s + per_token_s * padded + dearer * padded**2

    def speed(padded):
        return padded / seconds(padded)

    policy, rng = PredictiveBudget(MemoryLimit(1500.0)), random.Random(seed)
    free = None if fits is None else int(fits * 1000 / 0.8) + 1
    tokens = time_s = 0.0
    for step in range(500):
        padded = policy.budget(BudgetFacts(2048, free))
        assert fits is None or padded <= fits + 1
        took_s = seconds(padded) * rng.uniform(0.98, 1.02)
        policy.observe(padded, took_s, None if fits is None else padded * 1000)
        if step >= 250:
            tokens, time_s = tokens + padded, time_s + seconds(padded)
    oracle = speed(min(best, fits or best, 8 * 2048))
    assert tokens / time_s >= 0.9 * oracle
