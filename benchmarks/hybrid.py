"""Two lanes together against each alone: real ones (OpenVINO beside torch, a core each), and simulated ones.

Simulated lanes differ in speed by 1:1 to 1:200. Throughput is given relative to the sum of both lanes alone and to
the fast lane alone, beside a fixed half-half split and the chunks of sentence-transformers' ``device=[…]`` pool.

Run ``python benchmarks/hybrid.py [--largest 1000] [--real-texts 400] [--rounds 3] [--json FILE]``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common import arguments, in_turn, median, mixed_texts, report
from simulation import Device, dispatcher, engine_seconds, half_split_seconds, pool_seconds, token_texts

from hybrid_embeddings import EmbeddingService
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.openvino_lane import OpenVinoLane
from hybrid_embeddings.models.prepared import PreparedModel, prepare
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.pipeline import Request
from hybrid_embeddings.settings import Settings, default_cache_dir
from hybrid_embeddings.wiring import Engine, LaneFactory, build_engine

RATIOS = (1, 2, 5, 10, 100, 200)
SIZES = (10, 50, 100, 500, 1000)
TARGETS = {"sum": 0.95, "fast": 0.98}


def simulated(sizes: Sequence[int], *, tokens_per_s: int, rounds: int) -> list[dict[str, Any]]:
    """Return one row per ratio and size."""
    fast = Device("fast", tokens_per_s)
    alone = {size: _alone(fast, size, rounds) for size in sizes}
    return [row for ratio in RATIOS for row in _ratio_rows(fast, ratio, alone, rounds)]


def _alone(device: Device, size: int, rounds: int) -> float:
    texts = token_texts(size)
    with dispatcher([device]) as engine:
        return median([engine_seconds(engine, texts) for _ in range(rounds)])


def _ratio_rows(fast: Device, ratio: int, alone: dict[int, float], rounds: int) -> list[dict[str, Any]]:
    devices = [fast, Device("slow", fast.tokens_per_s / ratio)]
    rows = []
    for size, fast_s in alone.items():
        texts = token_texts(size)
        lengths = [len(text.ids) for text in texts]
        with dispatcher(devices) as engine:
            cold_s, *warm_s = [engine_seconds(engine, texts) for _ in range(rounds + 1)]
            slow_texts = engine.states[1].counters.n_texts
        gains = {
            "cold": fast_s / cold_s,
            "warm": fast_s / median(warm_s),
            "half_split": fast_s / half_split_seconds(devices, lengths),
            "pool": fast_s / pool_seconds(devices, lengths),
        }
        rows.append(
            {
                "ratio": f"1:{ratio}",
                "texts": size,
                "slow_share": round(slow_texts / ((rounds + 1) * size), 3),
                "of_fast_alone": {name: round(gain, 3) for name, gain in gains.items()},
                "of_sum": {name: round(gain / (1 + 1 / ratio), 3) for name, gain in gains.items()},
            }
        )
    return rows


def worst(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the smallest warm figure per group of ratios, with its target."""
    near = [row["of_sum"]["warm"] for row in rows if int(row["ratio"][2:]) <= 10]
    far = [row["of_fast_alone"]["warm"] for row in rows if int(row["ratio"][2:]) > 10]
    return {
        "near_of_sum": min(near),
        "near_target": TARGETS["sum"],
        "far_of_fast_alone": min(far),
        "far_target": TARGETS["fast"],
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
    rows = simulated(
        [size for size in SIZES if size <= options.largest], tokens_per_s=options.tokens_per_s, rounds=options.rounds
    )
    result = {"simulated": rows, "worst": worst(rows)}
    if options.real_texts:
        result["real"] = real(options.real_texts, options.rounds, options.at_once_s)
    report(result, options.json)


if __name__ == "__main__":
    main()
