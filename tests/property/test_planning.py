"""Plans of any machine: what is recommended fits, what is written can be read, and more is never less."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_embeddings.settings import Settings as EngineSettings
from rag_demo.errors import PlanRefused
from rag_demo.planning import arithmetic, environment
from rag_demo.planning.catalogue import SHEETS, measured_gpu
from rag_demo.planning.recommend import recommend
from rag_demo.planning.types import GB, Demand, Machine, Wish
from rag_demo.settings import read_settings

NAMES = sorted(" ".join(sorted(sheet.words)) for sheet in SHEETS)
memories = st.integers(4, 200).map(lambda gb: gb * GB)
demands = st.builds(
    Demand,
    documents=st.integers(1, 3_000_000),
    users=st.integers(1, 300),
    answer_tokens=st.integers(16, 20_000),
    sources=st.integers(1, 50),
    dimension=st.sampled_from([256, 384, 1024]),
)


@st.composite
def machines(draw):
    cards = tuple(
        card
        for _ in range(draw(st.integers(0, 2)))
        for card in [measured_gpu(draw(st.sampled_from(NAMES)), draw(memories))] * draw(st.integers(1, 8))
    )
    return Machine(cards, draw(st.integers(4, 512)) * GB, draw(st.integers(20, 2000)) * GB, draw(st.integers(1, 64)))


def planned(machine, demand, wish=None):
    try:
        return recommend(machine, demand, wish)
    except PlanRefused:
        return None


@given(machine=machines(), demand=demands)
def test_what_is_recommended_fits_and_cuts_nothing(machine, demand):
    plan = planned(machine, demand)
    if plan is None:
        return
    assert plan.ram.total_bytes <= machine.ram_bytes
    assert plan.disk.total_bytes <= machine.disk_bytes
    if plan.serving is not None:
        serving = plan.serving
        assert serving.used_bytes <= serving.usable_bytes
        assert arithmetic.needed_window(demand) <= serving.window_tokens <= serving.llm.longest_window_tokens
        assert 1 <= serving.concurrency <= serving.wanted_concurrency
        assert serving.llm.attention_heads % len(serving.gpus) == 0
        assert set(serving.gpus) <= set(machine.gpus)
        assert serving.full.total_s >= serving.alone.total_s > 0
        assert all(measure.after_s < measure.before_s for measure in plan.measures)


@given(machine=machines(), demand=demands, monitoring=st.booleans())
@settings(max_examples=20)
def test_both_programs_read_what_is_written(machine, demand, monitoring, tmp_path_factory):
    plan = planned(machine, demand)
    if plan is None:
        return
    file = tmp_path_factory.mktemp("план") / ".env"
    values = environment.compose_values(plan, monitoring=monitoring)
    environment.write(environment.text_of(values, heading="план"), file)
    assert file.stat().st_mode & 0o077 == 0
    read = read_settings({}, env_file=file)
    engine = EngineSettings.load(environ={}, env_file=file)
    assert engine.cache_redis_url == values["EMBEDDING_CACHE_REDIS_URL"]
    assert engine.cache_sql_url == values.get("EMBEDDING_CACHE_SQL_URL")
    assert read.top_k == demand.sources
    assert read.llm_mode == (plan.serving.llm.engine if plan.serving else "extractive")
    if plan.serving is not None:
        assert (read.llm_model, read.llm_num_predict) == (plan.serving.llm.name, demand.answer_tokens)
        assert read.llm_max_concurrency == plan.serving.concurrency
        if plan.serving.llm.engine == "ollama":
            assert read.llm_num_ctx == plan.serving.window_tokens


@given(machine=machines(), demand=demands, more=st.integers(0, 200), cards=st.integers(0, 3))
def test_more_memory_or_more_cards_never_give_a_smaller_model(machine, demand, more, cards):
    larger = tuple(replace(gpu, memory_bytes=gpu.memory_bytes + more * GB) for gpu in machine.gpus)
    larger += larger[:1] * cards
    before = planned(replace(machine, ram_bytes=1000 * GB, disk_bytes=10_000 * GB), demand)
    after = planned(replace(machine, ram_bytes=1000 * GB, disk_bytes=10_000 * GB, gpus=larger), demand)
    if before is not None and before.serving is not None:
        assert after is not None
        assert after.serving is not None
        assert after.serving.llm.parameters >= before.serving.llm.parameters


@given(
    machine=machines(),
    demand=demands,
    window=st.integers(512, 200_000),
    concurrency=st.integers(1, 64),
    model=st.sampled_from(["gpt-oss:20b", "gpt-oss-120b", "Qwen2.5-32B-Instruct-AWQ"]),
)
def test_a_window_that_would_cut_is_refused_however_it_is_asked_for(machine, demand, window, concurrency, model):
    plan = planned(machine, demand, Wish(model, window, concurrency))
    if plan is not None:
        assert plan.serving.window_tokens == window >= arithmetic.needed_window(demand)
        assert plan.serving.concurrency == concurrency


@pytest.mark.parametrize("dimension", [256, 384, 1024])
def test_memory_of_vectors_grows_with_both_factors(dimension):
    least, most = arithmetic.qdrant_bytes(100_000, dimension)
    assert least < most
    assert arithmetic.qdrant_bytes(200_000, dimension) == (2 * least, 2 * most)


def test_the_published_range_for_384_dimensions():
    least, most = arithmetic.qdrant_bytes(100_000, 384)
    assert 150e6 <= least < most <= 250e6


def test_a_file_is_never_replaced_by_accident(tmp_path: Path):
    file = tmp_path / ".env"
    environment.write("A=1\n", file)
    with pytest.raises(Exception, match="--force"):
        environment.write("A=2\n", file)
    assert file.read_text(encoding="utf-8") == "A=1\n"
    environment.write("A=3\n", file, replace=True)
    assert file.read_text(encoding="utf-8") == "A=3\n"
    assert list(tmp_path.iterdir()) == [file]
