"""Two lanes together against each alone: real ones (OpenVINO beside torch, a core each), and simulated ones.

Simulated lanes differ in speed by 1:1 to 1:200. Throughput is given relative to the sum of both lanes alone and to
the fast lane alone, beside a fixed half-half split and the chunks of sentence-transformers' ``device=[…]`` pool. Texts
are whole, so a few of them cannot be shared out evenly: ten texts are drawn several times, and beside the reached
throughput stands that of the best plan there is. Then a CPU beside a GPU, as far as the model of both goes.

Run ``python benchmarks/hybrid.py [--largest 1000] [--real-texts 400] [--rounds 3] [--json FILE]``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from common import arguments, in_turn, median, mixed_texts, report
from simulation import (
    Device,
    best_seconds,
    dispatcher,
    engine_seconds,
    half_split_seconds,
    pool_seconds,
    token_texts,
)

from hybrid_embeddings import EmbeddingService
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.openvino_lane import OpenVinoLane
from hybrid_embeddings.models.prepared import PreparedModel, prepare
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.pipeline import Request
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.settings import Settings, default_cache_dir
from hybrid_embeddings.types import TokenizedText
from hybrid_embeddings.wiring import Engine, LaneFactory, build_engine

RATIOS = (1, 2, 5, 10, 100, 200)
SIZES = (10, 50, 100, 500, 1000)
TARGETS = {"sum": 0.95, "fast": 0.98}
FEW = 10  # of so few texts the best plan is found by trying all, and chance decides how well they can be shared
DRAWS = 10
RULES = {"half_split": half_split_seconds, "pool": pool_seconds}

Texts = list[TokenizedText]


def simulated(sizes: Sequence[int], *, tokens_per_s: int, rounds: int) -> list[dict[str, Any]]:
    """Return one row per ratio and size."""
    fast = Device("fast", tokens_per_s)
    draws = {size: [token_texts(size, seed=seed) for seed in range(DRAWS if size <= FEW else 1)] for size in sizes}
    with dispatcher([fast]) as engine:
        alone = {size: [_warm_seconds(engine, texts, rounds) for texts in drawn] for size, drawn in draws.items()}
    return [
        _row([fast, Device("slow", tokens_per_s / ratio)], ratio, drawn, alone[size], rounds)
        for ratio in RATIOS
        for size, drawn in draws.items()
    ]


def _warm_seconds(engine: Dispatcher, texts: Texts, rounds: int) -> float:
    return median([engine_seconds(engine, texts) for _ in range(rounds)])


def _row(
    devices: Sequence[Device], ratio: int, drawn: Sequence[Texts], alone: Sequence[float], rounds: int
) -> dict[str, Any]:
    """Compare the time of all draws together: that of the fast lane alone over that of each way to share."""
    seconds: dict[str, list[float]] = {"cold": [], "warm": []}
    n_slow = 0
    for texts in drawn:
        with dispatcher(devices) as engine:
            seconds["cold"].append(engine_seconds(engine, texts))
            seconds["warm"].append(_warm_seconds(engine, texts, rounds))
            n_slow += engine.states[1].counters.n_texts
    size = len(drawn[0])
    for name, rule in (RULES | {"best_plan": best_seconds} if size <= FEW else RULES).items():
        seconds[name] = [rule(devices, [len(text.ids) for text in texts]) for texts in drawn]
    gains = {name: sum(alone) / sum(values) for name, values in seconds.items()}
    singly = [alone_s / warm_s for alone_s, warm_s in zip(alone, seconds["warm"], strict=True)]
    return {
        "ratio": f"1:{ratio}",
        "texts": size,
        "slow_share": round(n_slow / ((rounds + 1) * size * len(drawn)), 3),
        "of_fast_alone": {name: round(gain, 3) for name, gain in gains.items()},
        "of_sum": {name: round(gain / (1 + 1 / ratio), 3) for name, gain in gains.items()},
        "worst_draw": {"of_fast_alone": round(min(singly), 3), "of_sum": round(min(singly) / (1 + 1 / ratio), 3)},
    }


def accelerated(sizes: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """Return one row per size for a CPU beside a GPU, on which starting a batch costs as much as 4,000 tokens."""
    gpu = Device("cuda:0", 1e6, overhead_s=4e-3, batch_tokens=65_536)
    cpu = Device("cpu", 25_000, overhead_s=2.5e-3)
    rows = []
    for size in sizes:
        texts = token_texts(size)
        with dispatcher([gpu]) as alone, dispatcher([gpu, cpu]) as together:
            calls = {
                "alone": partial(engine_seconds, alone, texts),
                "together": partial(engine_seconds, together, texts),
            }
            seconds = in_turn(calls, rounds=10 * rounds)
            n_slow = together.states[1].counters.n_texts
        milliseconds = {name: 1e3 * median(values) for name, values in seconds.items()}
        rows.append(
            {
                "texts": size,
                "ms": {name: round(value, 2) for name, value in milliseconds.items()},
                "cpu_share": round(n_slow / (10 * rounds * size), 3),
                "of_gpu_alone": round(milliseconds["alone"] / milliseconds["together"], 3),
            }
        )
    return rows


def worst(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the smallest warm figure per group of ratios, with its target; and the smallest share of the best plan."""
    near = [row["of_sum"]["warm"] for row in rows if int(row["ratio"][2:]) <= 10]
    far = [row["of_fast_alone"]["warm"] for row in rows if int(row["ratio"][2:]) > 10]
    planned = [row["of_sum"] for row in rows if "best_plan" in row["of_sum"]]
    return {
        "near_of_sum": min(near),
        "near_target": TARGETS["sum"],
        "far_of_fast_alone": min(far),
        "far_target": TARGETS["fast"],
        "few_texts_of_best_plan": min((round(each["warm"] / each["best_plan"], 3) for each in planned), default=None),
    }


def real(n_texts: int, rounds: int, at_once_s: float) -> dict[str, Any]:
    """Measure OpenVINO and torch, one core each, alone and together."""
    import torch

    torch.set_num_threads(1)
    with EmbeddingService() as service:
        directory = service.model.directory
    model = prepare(directory, fingerprint(directory), default_cache_dir())
    settings = Settings(precision="exact", cache_enabled=False)
    factories = _real_factories(model)
    choices = {name: {name: factory} for name, factory in factories.items()} | {"together": factories}
    engines = {name: build_engine(settings, model, factories=chosen) for name, chosen in choices.items()}
    texts = mixed_texts(n_texts)
    try:
        for engine in engines.values():
            _encode(engine, texts[:50])
        seconds = in_turn({name: _call(engine, texts) for name, engine in engines.items()}, rounds=rounds)
        at_once = _at_once([engines[name] for name in factories], texts, for_s=at_once_s)
    finally:
        for engine in engines.values():
            engine.close()
    speeds = {name: len(texts) / median(times) for name, times in seconds.items()}
    alone = [speeds[name] for name in factories]
    return {
        "texts": n_texts,
        "texts_per_s": {name: round(speed, 1) for name, speed in speeds.items()},
        "of_sum": round(speeds["together"] / sum(alone), 3),
        "of_fast_alone": round(speeds["together"] / max(alone), 3),
        "of_apart_at_once": round(speeds["together"] / at_once, 3),
        # Cores share memory, caches and clock: what two engines with work of their own reach at the same time.
        "apart_at_once_of_sum": round(at_once / sum(alone), 3),
    }


def _at_once(engines: Sequence[Engine], texts: Sequence[str], *, for_s: float) -> float:
    """Return the texts per second of engines that work at the same time, each on texts of its own."""
    pieces = [texts[start : start + 50] for start in range(0, len(texts), 50)]
    end = time.perf_counter() + for_s

    def work(engine: Engine) -> float:
        count, started = 0, time.perf_counter()
        while time.perf_counter() < end:
            piece = pieces[count % len(pieces)]
            _encode(engine, piece)
            count += 1
        return count * 50 / (time.perf_counter() - started)

    with ThreadPoolExecutor(len(engines)) as pool:
        return sum(pool.map(work, engines))


def _real_factories(model: PreparedModel) -> dict[str, LaneFactory]:
    return {
        "openvino": lambda _: OpenVinoLane(model, precision="exact", n_threads=1),
        "torch": lambda _: TorchLane(model.source, model.card, HostDevice(), numeric_class="float32"),
    }


def _call(engine: Engine, texts: Sequence[str]) -> Callable[[], object]:
    return lambda: _encode(engine, texts)


def _encode(engine: Engine, texts: Sequence[str]) -> object:
    return engine.pipeline.finish(engine.pipeline.start(Request(texts, "document")))


def main() -> None:
    """Measure and report; ``--real-texts 0`` leaves the real lanes out."""
    options = arguments(
        "Hybrid mode against its lanes alone.", largest=1000, tokens_per_s=50_000, real_texts=400, rounds=3, at_once_s=8
    )
    sizes = [size for size in SIZES if size <= options.largest]
    rows = simulated(sizes, tokens_per_s=options.tokens_per_s, rounds=options.rounds)
    result = {"simulated": rows, "worst": worst(rows), "gpu_and_cpu": accelerated(sizes, options.rounds)}
    result["worst"]["gpu_and_cpu"] = min(row["of_gpu_alone"] for row in result["gpu_and_cpu"])
    if options.real_texts:
        result["real"] = real(options.real_texts, options.rounds, options.at_once_s)
    report(result, options.json)


if __name__ == "__main__":
    main()
