"""Where the time of the CPU lane goes: matrix products at their peak, the products of the model, all else.

Peak: products in bfloat16 by torch, in float32 by torch or numpy, whichever is faster, on all cores. Model: OpenVINO's
own profile of full batches of the default model, as the lane runs them, per sort of node, and the floating point
operations that the products of the model need: 2 per weight and token, and 4 × width × dimension per token and layer
for attention.

Run ``python benchmarks/limits.py [--rounds 10] [--json docs/results/limits.json]``.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from common import arguments, report

from hybrid_embeddings import EmbeddingService
from hybrid_embeddings.models import reference
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.prepared import PreparedModel, prepare
from hybrid_embeddings.settings import default_cache_dir

HINTS = {"fast": "bf16", "exact": "f32"}
WIDTHS = (32, 64, 128, 256)
BATCH_TOKENS = 2048
# OpenVINO's sorts of nodes; what is not listed moves or converts data, adds or normalises.
PRODUCTS = {"FullyConnected", "MatMul"}
ATTENTION = {"Subgraph", "ScaledDotProductAttention", "MHA"}


def fastest_s(run: Callable[[], object], rounds: int) -> float:
    """Return the shortest time of some runs: what the machine can do when nothing else disturbs it."""
    run()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def peak_tflops(dtype: torch.dtype, rounds: int) -> dict[str, float]:
    """Return TFLOP/s of products: a large square one, and the four of a layer of the model."""
    shapes = {
        "2048x2048x2048": (2048, 2048, 2048),
        "2048x384x384": (2048, 384, 384),
        "2048x384x1536": (2048, 384, 1536),
        "2048x1536x384": (2048, 1536, 384),
    }
    found = {}
    for name, (rows, inner, columns) in shapes.items():
        left, weights = torch.rand(rows, inner, dtype=dtype), torch.rand(columns, inner, dtype=dtype)
        seconds = fastest_s(lambda left=left, weights=weights: torch.nn.functional.linear(left, weights), rounds)
        if dtype is torch.float32:  # the library behind torch is slow with it on processors of other makers
            arrays = left.numpy(), weights.numpy().T
            seconds = min(seconds, fastest_s(lambda arrays=arrays: np.matmul(*arrays), rounds))
        found[name] = round(2e-12 * rows * inner * columns / seconds, 3)
    return found


def weights_and_layers(model: PreparedModel) -> tuple[int, int]:
    """Return the number of weights that every token is multiplied with, and the number of layers."""
    loaded = reference.load(model.source)
    linear = [layer for layer in loaded.modules() if isinstance(layer, torch.nn.Linear)]
    pooler = [each for name, each in loaded.named_modules() if name.endswith("pooler.dense")]
    n_layers = sum(name.endswith("attention.self") for name, _ in loaded.named_modules())
    return sum(layer.weight.numel() for layer in linear) - sum(each.weight.numel() for each in pooler), n_layers


def profile(model: PreparedModel, hint: str, rounds: int) -> list[dict[str, Any]]:
    """Return one row per width: speed, achieved TFLOP/s, and the share of time per sort of node."""
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint, "PERF_COUNT": True}
    path = model.folder / "openvino" / "model.xml"
    request = openvino.Core().compile_model(str(path), "CPU", options).create_infer_request()
    n_weights, n_layers = weights_and_layers(model)
    rows = []
    for width in WIDTHS:
        n_rows = BATCH_TOKENS // width
        inputs = {name: np.ones((n_rows, width), dtype=np.int64) for name in model.card.input_names}
        seconds = fastest_s(lambda inputs=inputs: request.infer(inputs), rounds)
        flop = BATCH_TOKENS * (2 * n_weights + 4 * width * model.card.dimension * n_layers)
        shares = _shares(request.profiling_info)
        product_tflops = 2e-12 * BATCH_TOKENS * n_weights / shares.pop("products_s")
        rows.append(
            {
                "rows": n_rows,
                "width": width,
                "tokens_per_s": round(BATCH_TOKENS / seconds),
                "tflops": round(1e-12 * flop / seconds, 3),
                "tflops_while_in_products": round(product_tflops, 3),
                "share_of_time": shares,
            }
        )
    return rows


def _shares(nodes: list[Any]) -> dict[str, float]:
    seconds: dict[str, float] = defaultdict(float)
    for node in nodes:
        sort = "products" if node.node_type in PRODUCTS else "attention" if node.node_type in ATTENTION else "rest"
        seconds[sort] += node.real_time.total_seconds()
    total = sum(seconds.values())
    return {name: round(value / total, 3) for name, value in seconds.items()} | {"products_s": seconds["products"]}


def main() -> None:
    """Measure and report."""
    options = arguments("Limits of the CPU lane.", rounds=10)
    with EmbeddingService() as service:
        directory = Path(service.model.directory)
    model = prepare(directory, fingerprint(directory), default_cache_dir())
    peaks = {"fast": peak_tflops(torch.bfloat16, options.rounds), "exact": peak_tflops(torch.float32, options.rounds)}
    result: dict[str, Any] = {"product_tflops": peaks, "best": {}}
    for precision, hint in HINTS.items():
        result[precision] = profile(model, hint, options.rounds)
        peak, best = max(peaks[precision].values()), max(row["tflops"] for row in result[precision])
        result["best"][precision] = {"product_tflops": peak, "tflops": best, "of_peak": round(best / peak, 3)}
    report(result, options.json)


if __name__ == "__main__":
    main()
