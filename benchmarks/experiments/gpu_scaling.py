"""One, two and four GPUs: throughput of one bulk call over that of one device.

The devices are simulated: lanes that sleep as long as a device of 100,000 padded tokens a second would compute, behind
the real scheduler in real time. Where there are CUDA devices, these are measured, too. Reference: 1.75 for two and 3.17
for four.

Run ``python benchmarks/experiments/gpu_scaling.py [--texts 10000] [--json docs/results/gpu_scaling.json]``; a chart
goes beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from charts import Axes, line_chart
from common import arguments, in_turn, median, mixed_texts, report
from multi_gpu import fleet
from simulation import dispatcher, engine_seconds, token_texts

REFERENCE = {1: 1.0, 2: 1.75, 4: 3.17}


def simulated(count: int, rounds: int) -> dict[int, float]:
    """Seconds of one call on so many equal devices that sleep."""
    texts = token_texts(count)
    seconds = {}
    for n_devices in REFERENCE:
        with dispatcher(fleet([1.0] * n_devices)) as engine:
            seconds[n_devices] = median([engine_seconds(engine, texts) for _ in range(rounds)])
    return seconds


def real(count: int, rounds: int) -> dict[int, float]:
    """Seconds of one call on so many of the CUDA devices of this machine; empty where there are none."""
    from hybrid_embeddings.lane_wiring import lane_factories
    from hybrid_embeddings.models.cuda_device import cuda_devices
    from hybrid_embeddings.models.fingerprint import fingerprint
    from hybrid_embeddings.models.prepared import prepare
    from hybrid_embeddings.models.resolve import resolve
    from hybrid_embeddings.pipeline import Request
    from hybrid_embeddings.settings import Settings, default_cache_dir
    from hybrid_embeddings.wiring import build_engine

    devices, texts = cuda_devices(), mixed_texts(count)
    settings = Settings.load(env_file=None, hybrid_mode=False, cache_enabled=False)
    seconds: dict[int, float] = {}
    for n_devices in REFERENCE:
        if n_devices > len(devices):
            break
        directory = resolve(settings.model, offline=settings.offline).directory
        model = prepare(directory, fingerprint(directory), default_cache_dir())
        factories = lane_factories(settings, model)
        engine = build_engine(settings, model, factories={name: factories[name] for name in devices[:n_devices]})
        pipeline = engine.pipeline

        def once(pipeline: Any = pipeline) -> None:
            pipeline.finish(pipeline.start(Request(texts, "text", None)))

        once()
        seconds[n_devices] = median(in_turn({"bulk": once}, rounds=rounds)["bulk"])
        engine.close()
    return seconds


def scaling(count: int, seconds: dict[int, float]) -> dict[str, dict[str, float]]:
    """Texts per second, and how many times those of one device."""
    return {
        str(number): {"texts_per_s": round(count / taken), "scaling": round(seconds[1] / taken, 2)}
        for number, taken in seconds.items()
    }


def main() -> None:
    """Measure, report, draw."""
    options = arguments("1, 2 and 4 GPUs.", texts=10_000, rounds=2)
    found = {
        "simulated": scaling(options.texts, simulated(options.texts, options.rounds)),
        "cuda": scaling(options.texts, real(options.texts, options.rounds)),
    }
    report({"texts": options.texts, "reference": REFERENCE, **found}, options.json)
    if options.json:
        lines = {
            name: [(float(number), row["scaling"]) for number, row in rows.items()] for name, rows in found.items()
        }
        lines["reference"] = [(float(number), times) for number, times in REFERENCE.items()]
        axes = Axes("Bulk throughput over that of one GPU", "GPUs", "times one device", list(REFERENCE))
        line_chart(options.json.with_suffix(".svg"), axes, {name: points for name, points in lines.items() if points})


if __name__ == "__main__":
    main()
