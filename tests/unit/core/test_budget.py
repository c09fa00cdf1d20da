"""Budget policies: what they choose, what out of memory does to them, and how settings reach them."""

import random

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings, lane_wiring
from hybrid_embeddings.errors import LaneError, LaneOutOfMemory
from hybrid_embeddings.experimental.bandit import BanditBudget
from hybrid_embeddings.models.devices import HostMemory, available_memory_bytes, memory_limit_bytes
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.budget import (
    BudgetFacts,
    FixedBudget,
    FormulaBudget,
    MemoryLimit,
    activation_bytes_per_token,
)
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.scheduling.predictive import PredictiveBudget
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.testing import SimulatedLane, simulated_vector
from hybrid_embeddings.types import MemoryReading, ModelCard, TokenizedText

POLICIES = {
    "fixed": FixedBudget,
    "formula": lambda: FormulaBudget(MemoryLimit(1000.0), target_s=10.0),
    "predictive": lambda: PredictiveBudget(MemoryLimit(1000.0)),
    "bandit": lambda: BanditBudget(MemoryLimit(1000.0)),
}
FACTS = BudgetFacts(2048)


def formula(*, target_s=None, **options):
    return FormulaBudget(MemoryLimit(1000.0, **options), target_s=target_s)


def test_fixed_is_what_suits_the_device():
    assert FixedBudget().budget(FACTS) == 2048


@pytest.mark.parametrize(
    ("options", "free_bytes", "expected"),
    [
        ({}, None, 2048),  # nothing is known, nothing is cut
        ({}, 10**9, 2048),
        ({}, 1_000_000, 800),  # four fifths of 1,000 tokens
        ({"n_slots": 2}, 1_000_000, 400),
        ({"max_bytes": 500_000}, None, 500),
        ({"max_bytes": 500_000}, 250_000, 200),
        ({}, 0, 1),
    ],
)
def test_formula_keeps_to_memory(options, free_bytes, expected):
    assert formula(**options).budget(BudgetFacts(2048, free_bytes)) == expected


def test_formula_follows_less_memory_at_once_and_more_in_steps():
    policy = formula()
    budgets = [policy.budget(BudgetFacts(2048, free)) for free in (1_000_000, 999_000, 1_050_000, 1_200_000, 10**9)]
    assert budgets == [800, 799, 799, 960, 2048]
    assert policy.stats.adjustments == 3


def test_formula_cuts_batches_of_a_slow_device_to_the_target_time():
    policy = formula(target_s=0.5)
    for _ in range(20):
        policy.observe(policy.budget(FACTS), policy.budget(FACTS) * 0.001)
    assert policy.budget(FACTS) == pytest.approx(500, abs=1)


def test_noise_of_timings_does_not_change_the_budget():
    policy, rng = formula(target_s=0.5), random.Random(2)
    for _ in range(200):
        policy.observe(policy.budget(FACTS), policy.budget(FACTS) * 0.001 * rng.uniform(0.95, 1.05))
    assert policy.stats.adjustments <= 2


def test_first_batches_and_small_ones_do_not_cut_the_budget():
    policy = formula(target_s=0.5)
    policy.budget(FACTS)
    for _ in range(20):
        policy.observe(10, 0.1)  # a query: nearly all of it is overhead
    for seconds in (5.0, 5.0, *[0.05] * 8):  # kernels are compiled twice
        policy.observe(2048, seconds)
        assert policy.budget(FACTS) == 2048


def test_activation_memory_of_the_default_model():
    # 34 · 384 + 5 · 12 · 256 bytes at 16 bits per number
    assert activation_bytes_per_token(384, max_tokens=256, bytes_per_number=2) == 28_416
    assert activation_bytes_per_token(384, max_tokens=256, bytes_per_number=4) == 2 * 28_416
    unlimited = activation_bytes_per_token(384, max_tokens=None, bytes_per_number=2)
    assert unlimited == activation_bytes_per_token(384, max_tokens=8192, bytes_per_number=2)


@pytest.mark.parametrize("name", POLICIES)
def test_out_of_memory_halves_for_many_batches(name):
    policy = POLICIES[name]()
    budget = policy.budget(FACTS)
    policy.shrink(budget)
    assert policy.budget(FACTS) == policy.stats.ceiling_tokens == budget // 2
    policy.shrink(10 * budget)  # a late report of an older, larger batch
    assert policy.stats.ceiling_tokens == budget // 2
    for _ in range(250):
        chosen = policy.budget(FACTS)
        assert 1 <= chosen <= budget // 2
        policy.observe(chosen, 0.005 + chosen * 1e-5)
    assert policy.stats.adjustments >= 1


def drive(policy, seconds, *, rounds, free_bytes=None, bytes_of=None):
    """Run full batches; return the last sixteen budgets."""
    rng = random.Random(3)
    chosen = []
    for _ in range(rounds):
        chosen.append(policy.budget(BudgetFacts(2048, free_bytes)))
        noise = rng.uniform(0.97, 1.03)
        policy.observe(chosen[-1], seconds(chosen[-1]) * noise, bytes_of(chosen[-1]) if bytes_of else None)
    return chosen[-16:]


def test_predictive_learns_memory_and_uses_what_the_estimate_would_waste():
    policy = PredictiveBudget(MemoryLimit(1000.0))
    last = drive(
        policy,
        lambda n: 0.05 + n * 1e-5,
        rounds=200,
        free_bytes=1_000_000,
        bytes_of=lambda n: 100_000 + 100 * n,
    )
    assert max(last) == pytest.approx((800_000 - 100_000) / 100, rel=0.01)
    assert policy.stats.memory_error == pytest.approx(0, abs=0.01)
    assert 0 < policy.stats.time_error < 0.05


def test_predictive_error_shows_a_lane_that_cannot_be_predicted():
    policy, rng = PredictiveBudget(MemoryLimit(1000.0)), random.Random(1)
    for _ in range(100):
        policy.observe(1000, rng.choice([0.01, 0.1]))
    assert policy.stats.time_error > 0.5


def test_predictive_keeps_its_size_when_only_queries_come():
    policy = PredictiveBudget(MemoryLimit(1.0))
    policy.budget(FACTS)
    for _ in range(200):
        policy.observe(12, 0.002)
        policy.budget(FACTS)
    assert policy.budget(FACTS) in range(int(2048 * 0.8), int(2048 * 1.25) + 1)


def test_predictive_never_exceeds_the_limit_of_the_user():
    policy = PredictiveBudget(MemoryLimit(1.0), limit_tokens=2048)
    assert max(drive(policy, lambda n: 0.1 + n * 1e-6, rounds=200)) == 2048


def test_predictive_follows_a_drift():
    policy = PredictiveBudget(MemoryLimit(1.0))
    large = drive(policy, lambda n: 0.01 + n * 1e-5 + n * n * 1e-10, rounds=400)
    small = drive(policy, lambda n: 0.01 + n * 1e-5 + n * n * 1e-8, rounds=400)
    assert sum(large) / 16 > 5000  # the best are 10,000 and 1,000
    assert 500 < sum(small) / 16 < 2000


def test_bandit_settles_on_the_fastest_size_and_moves_when_it_changes():
    policy = BanditBudget(MemoryLimit(1.0))
    fast = drive(policy, lambda n: 0.01 + n * 1e-5 + max(0, n - 512) * 1e-4, rounds=300)
    assert sorted(fast)[8] == 512
    slow = drive(policy, lambda n: 0.2 + n * 1e-5, rounds=600)
    assert sorted(slow)[8] == 8192


# ------------------------------------------------------------- with the dispatcher


def run_all(lane, policy, lengths, **options):
    """Send texts of these lengths through a dispatcher with one lane; return its state and the vectors."""
    state = LaneState(
        lane, Breaker(threshold=5, timeout_s=60), CostModel(), lane.max_batch_tokens, budget=policy, **options
    )
    dispatcher = Dispatcher([state], dimension=8, max_queued_tokens=10**9, operation_timeout_s=30)
    rng = random.Random(1)
    work = [
        Item(key=row, text=TokenizedText(np.array([rng.randrange(30_000) for _ in range(length)], dtype=np.int32)))
        for row, length in enumerate(lengths)
    ]
    try:
        job = Job(len(work), 8)
        dispatcher.submit(job, work)
        vectors = job.future.result(20)
    finally:
        assert dispatcher.close()
    np.testing.assert_array_equal(vectors, np.stack([simulated_vector(item.text.ids, 8) for item in work]))
    return state


LENGTHS = random.Random(5).choices(range(1, 300), k=400)


@pytest.mark.parametrize("memory_tokens", [300, 900, 2000])
@pytest.mark.parametrize("name", POLICIES)
def test_out_of_memory_ladder_finishes_all_work(name, memory_tokens):
    lane = SimulatedLane(max_batch_tokens=4096, memory_tokens=memory_tokens, n_slots=2)
    state = run_all(lane, POLICIES[name](), LENGTHS)
    failed = [batch.padded_tokens for batch in lane.batches if batch.padded_tokens > memory_tokens]
    assert 1 <= state.counters.n_out_of_memory == len(failed) <= 10  # five times half, in each of two slots
    assert state.budget_tokens <= state.budget.stats.ceiling_tokens == min(failed) // 2
    assert state.breaker.state == "closed"


@pytest.mark.parametrize("name", ["formula", "predictive", "bandit"])
def test_known_memory_prevents_out_of_memory(name):
    lane = SimulatedLane(max_batch_tokens=4096, memory_tokens=1000)
    state = run_all(lane, POLICIES[name](), LENGTHS, read_memory=lambda: MemoryReading(free_bytes=1_000_000))
    assert state.counters.n_out_of_memory == 0
    assert state.budget_tokens <= 1000


def test_batches_follow_memory_that_gets_short_during_a_call():
    readings = iter([10**9] * 4)
    lane = SimulatedLane(max_batch_tokens=4096)
    run_all(
        lane,
        POLICIES["formula"](),
        LENGTHS,
        read_memory=lambda: MemoryReading(free_bytes=next(readings, 500_000)),
    )
    sizes = [batch.padded_tokens for batch in lane.batches]
    assert max(sizes[:4]) > 2000  # one reading at the start, three after a batch
    assert max(sizes[4:]) <= 400


def test_peak_of_the_device_is_shared_among_its_running_batches():
    seen = []

    class Witness(FixedBudget):
        def observe(self, padded_tokens, seconds, peak_bytes=None):
            seen.append(peak_bytes)

    run_all(SimulatedLane(), Witness(), [5], read_memory=lambda: MemoryReading(peak_bytes=900))
    assert seen == [900]


def test_peak_of_a_larger_batch_is_not_taken_for_that_of_a_small_one():
    seen = []

    class Witness(FixedBudget):
        def observe(self, padded_tokens, seconds, peak_bytes=None):
            seen.append((padded_tokens, peak_bytes))

    # Told at the start, after the second batch and after the third.
    peaks = iter([None, None, 900, 100])
    run_all(
        SimulatedLane(max_batch_tokens=10),
        Witness(),
        [300, 200, 100],
        read_memory=lambda: MemoryReading(peak_bytes=next(peaks)),
    )
    assert seen == [(300, None), (200, None), (100, 100)]


def test_failing_reading_of_memory_fails_no_call():
    readings = iter([MemoryReading()])

    def read():
        if reading := next(readings, None):
            return reading
        raise LaneError("the driver is gone")

    run_all(SimulatedLane(), FixedBudget(), LENGTHS[:20], read_memory=read)


# -------------------------------------------------------------- settings and facts

CARD = ModelCard(
    dimension=384,
    max_tokens=256,
    normalizes=True,
    prompts={},
    pad_id=0,
    padding_side="right",
    input_names=(),
    is_static=False,
    pools_prompt=True,
    prompt_tokens={},
)


class CudaLane(SimulatedLane):
    def __init__(self):
        super().__init__("cuda:0")

    def memory(self):
        return MemoryReading(free_bytes=7)


class CpuLane(SimulatedLane):
    def __init__(self):
        super().__init__("cpu")


@pytest.mark.parametrize(
    ("options", "policy", "source"),
    [
        ({}, "formula", HostMemory),
        ({"memory_aware_batching": False}, "formula", type),
        ({"memory_aware_batching": False, "adaptive_batch_size": False}, "fixed", type),
        ({"memory_aware_batching": False, "adaptive_batch_size": False, "max_memory_mb": 1}, "formula", type),
        ({"predictive_batch": True}, "predictive", HostMemory),
    ],
)
def test_settings_choose_policy_and_source(options, policy, source):
    settings = Settings(**options)
    assert lane_wiring._budget_policy(settings, CpuLane(), CARD).stats.policy == policy
    assert type(lane_wiring._memory_source(settings, CpuLane())) is source


def test_accelerator_is_asked_for_its_own_memory():
    assert lane_wiring._memory_source(Settings(), CudaLane())().free_bytes == 7
    assert lane_wiring._memory_source(Settings(memory_aware_batching=False), CudaLane())().free_bytes is None
    assert lane_wiring._memory_source(Settings(), SimulatedLane("cuda:1"))().free_bytes is None


def test_max_memory_and_adaptive_batch_size_reach_the_policy():
    # float32: 56,832 bytes per token
    policy = lane_wiring._budget_policy(Settings(max_memory_mb=10), CpuLane(), CARD)
    assert policy.budget(FACTS) == 10 * 2**20 // 56_832
    for is_adaptive, expected in ((True, 512), (False, 2048)):
        policy = lane_wiring._budget_policy(Settings(adaptive_batch_size=is_adaptive), CpuLane(), CARD)
        policy.budget(FACTS)
        for _ in range(9):
            policy.observe(2048, 8.0)
        assert policy.budget(FACTS) == expected


def test_explain_shows_the_policy_and_the_engine_keeps_to_it(model_cache):
    settings = Settings(offline=True, cache_dir=model_cache, max_memory_mb=10, predictive_batch=True)
    with EmbeddingService(settings=settings) as service:
        service.encode([f"text {number} of a few more words" for number in range(300)])
        facts = service.explain()["lanes"]["cpu"]
    assert facts["budget"]["policy"] == "predictive"
    assert facts["budget_tokens"] < 400
    assert facts["budget"]["time_error"] is not None
    assert facts["batches"] > 10


# ------------------------------------------------------------------ host memory


def test_memory_of_machine_and_container(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemAvailable:   50 kB\n", encoding="ascii")
    assert available_memory_bytes(meminfo=meminfo, cgroup=tmp_path) == 51_200
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("30000\n", encoding="ascii")
    assert available_memory_bytes(meminfo=meminfo, cgroup=tmp_path) == 51_200
    assert memory_limit_bytes(meminfo=meminfo, cgroup=tmp_path) == 102_400
    (tmp_path / "memory.max").write_text("40000\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 5000\n", encoding="ascii")
    assert available_memory_bytes(meminfo=meminfo, cgroup=tmp_path) == 15_000
    assert memory_limit_bytes(meminfo=meminfo, cgroup=tmp_path) == 40_000
    (tmp_path / "memory.current").write_text("90000\n", encoding="ascii")
    assert available_memory_bytes(meminfo=meminfo, cgroup=tmp_path) == 0
    assert available_memory_bytes(meminfo=tmp_path / "none", cgroup=tmp_path / "none") is None
    assert memory_limit_bytes(meminfo=tmp_path / "none", cgroup=tmp_path / "none") is None


def test_memory_of_an_older_container(tmp_path):
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "memory.limit_in_bytes").write_text("40000", encoding="ascii")
    (folder / "memory.usage_in_bytes").write_text("30000", encoding="ascii")
    (folder / "memory.stat").write_text("total_inactive_file 1000\n", encoding="ascii")
    assert available_memory_bytes(meminfo=tmp_path / "none", cgroup=tmp_path) == 11_000


def test_host_memory_is_read_now_and_then():
    now, values = [0.0], iter([1, 2, 3])
    memory = HostMemory(every_s=0.5, read=lambda: next(values), clock=lambda: now[0])
    readings = []
    for now[0] in (0.0, 0.4, 0.6, 0.9, 1.2):
        readings.append(memory().free_bytes)
    assert readings == [1, 1, 2, 2, 3]


def full_batches(policy, fits, count):
    """Run batches as large as the policy wants; those above ``fits`` tokens fail. Return what failed."""
    failed = []
    for _ in range(count):
        budget = policy.budget(FACTS)
        if budget > fits:
            failed.append(budget)
            policy.shrink(budget)
        else:
            policy.observe(budget, 0.001 + budget * 1e-5)
    return failed


@pytest.mark.parametrize("name", POLICIES)
def test_ceiling_comes_back_when_memory_does(name):
    policy = POLICIES[name]()
    assert full_batches(policy, 300, 50)
    assert policy.stats.ceiling_tokens <= 300
    assert not full_batches(policy, 10**9, 8000)
    assert policy.stats.ceiling_tokens is None


def test_ceiling_is_tried_ever_more_rarely_while_memory_stays_short():
    policy = FixedBudget()
    assert len(full_batches(policy, 1000, 20)) == 2  # 4,096 and 2,048 do not fit, 1,024 / 2 does
    early, late = full_batches(policy, 1000, 12_000), full_batches(policy, 1000, 20_000)
    assert 1 <= len(early) <= 6
    assert len(late) <= 4
    assert policy.budget(FACTS) <= 1000


def test_lane_that_ran_out_of_memory_once_gets_large_batches_again():
    def fault(number, batch):
        if number < 3 and batch.padded_tokens > 300:
            raise LaneOutOfMemory("another program has the memory")

    lane = SimulatedLane(max_batch_tokens=1000, fault=fault)
    state = run_all(lane, FixedBudget(), [50] * 40_000)
    assert state.counters.n_out_of_memory >= 1
    assert state.budget.stats.ceiling_tokens is None
    assert lane.batches[-1].padded_tokens <= state.budget_tokens == 1000
