"""Statistics and health of an engine with two real lanes, one of which fails when the test wants it."""

import numpy as np
import pytest

from hybrid_embeddings import Settings, statistics
from hybrid_embeddings.errors import LaneError, NoLaneAvailable
from hybrid_embeddings.lane_wiring import lane_factories
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.prepared import prepare
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.pipeline import Request
from hybrid_embeddings.testing import SimulatedLane
from hybrid_embeddings.wiring import build_engine
from tests.models import default_directory


class Unplugged(TorchLane):
    """A real lane that passes for another device and can be unplugged."""

    fails = False

    def __init__(self, model, device):
        super().__init__(model.source, model.card, HostDevice(), numeric_class="float32")
        self.name = self.device = device

    def run(self, batch):
        if self.fails:
            raise LaneError("unplugged")
        return super().run(batch)


@pytest.fixture(scope="module")
def prepared(model_cache):
    directory = default_directory()
    return prepare(directory, fingerprint(directory), model_cache)


@pytest.fixture
def engine(prepared):
    settings = Settings(
        precision="exact",
        cache_enabled=False,
        breaker_threshold_cpu=1,
        breaker_threshold_gpu=1,
        breaker_timeout_cpu_s=0.05,
        breaker_timeout_gpu_s=0.05,
    )
    factories = {name: lambda _, name=name: Unplugged(prepared, name) for name in ("cuda:0", "cpu")}
    made = build_engine(settings, prepared, factories=factories)
    yield made
    made.close()


def encode(engine, texts, device=None):
    return engine.pipeline.finish(engine.pipeline.start(Request(texts, "text", device)))


def unplug(engine, *names):
    for state in engine.states:
        state.lane.fails = state.name in names


def statuses(engine):
    found = statistics.health(engine)
    return found["status"], {name: part["status"] for name, part in found["components"].items()}


def test_healthy_degraded_unhealthy_and_back(engine):
    texts = [f"text {number}" for number in range(40)]
    expected = encode(engine, texts)
    assert statuses(engine) == ("healthy", {"cuda:0": "healthy", "cpu": "healthy"})

    unplug(engine, "cuda:0")
    with pytest.raises(NoLaneAvailable):
        encode(engine, texts, device="cuda:0")
    assert statuses(engine)[0] == "degraded"
    np.testing.assert_allclose(encode(engine, texts), expected, atol=1e-5)
    assert "unplugged" in engine.states[0].last_error

    unplug(engine, "cuda:0", "cpu")
    with pytest.raises(NoLaneAvailable, match="unplugged"):
        encode(engine, texts)

    unplug(engine)
    while statuses(engine)[0] != "healthy":  # trials are due after 0.05 s
        try:
            np.testing.assert_allclose(encode(engine, texts), expected, atol=1e-5)
        except NoLaneAvailable:
            continue


def test_all_lanes_down_is_unhealthy(engine):
    for state in engine.states:
        state.breaker._timeout_s = 3600.0
    unplug(engine, "cuda:0", "cpu")
    with pytest.raises(NoLaneAvailable) as caught:
        encode(engine, ["a"])
    assert set(caught.value.causes) == {"cuda:0", "cpu"}
    status, parts = statuses(engine)
    assert (status, set(parts.values())) == ("unhealthy", {"unhealthy"})


def test_a_device_whose_driver_raises_anything_leaves_the_others_at_work(prepared):
    def broken(_):
        raise TypeError("the driver speaks another language")

    settings = Settings(precision="exact", cache_enabled=False)
    factories = {"cuda:0": broken, "cpu": lambda _: Unplugged(prepared, "cpu")}
    made = build_engine(settings, prepared, factories=factories)
    try:
        assert encode(made, ["a", "b"]).shape == (2, 384)
        assert made.refused == {"cuda:0": "TypeError: the driver speaks another language"}
        assert statuses(made)[0] == "degraded"
    finally:
        made.close()
    with pytest.raises(NoLaneAvailable, match="another language"):
        build_engine(settings, prepared, factories={"cuda:0": broken})


def test_torch_stands_in_where_openvino_gives_other_vectors_and_only_there(prepared):
    settings = Settings(precision="exact", cache_enabled=False)
    for usual, at_work in ((SimulatedLane("cpu", dimension=384), "cpu:torch"), (Unplugged(prepared, "cpu"), "cpu")):
        factories = {"cpu": lambda _, lane=usual: lane, "cpu:torch": lambda _: Unplugged(prepared, "cpu:torch")}
        made = build_engine(settings, prepared, factories=factories)
        assert [state.name for state in made.states] == [at_work]
        assert ("cpu" in made.refused) is (at_work == "cpu:torch")
        made.close()
    assert set(lane_factories(Settings(), prepared)) >= {"cpu", "cpu:torch"}
    assert "cpu:torch" not in lane_factories(Settings(cpu_backend="openvino"), prepared)


def test_performance_is_summed_up_by_sort_of_device_and_by_lane(engine):
    encode(engine, [f"text {number} " * 20 for number in range(60)])
    found = statistics.performance_stats(engine)
    assert set(found) == {"gpu", "cuda:0", "cpu"}
    assert found["gpu"] == found["cuda:0"]
    assert sum(found[kind]["request_count"] for kind in ("cpu", "gpu")) >= 1
    assert all(set(row) >= {"avg_time", "request_count"} for row in found.values())
