"""Bulk throughput against other libraries with the same weights: sentence-transformers, FastEmbed, Infinity.

sentence-transformers runs as it is called by default, and tuned: texts sorted by length, best of several batch sizes.
FastEmbed runs the weights exported to ONNX here, in its default batches and in sorted ones. Peers that are not
installed, or do not run, are listed with the reason. They are no dependencies of this project:
``pip install fastembed onnx onnxscript infinity-emb`` in an environment of your own.

Run ``python benchmarks/peers.py [--texts 500] [--rounds 3] [--json docs/results/peers.json]``.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, in_turn, median, mixed_texts, report
from sentence_transformers import SentenceTransformer

from hybrid_embeddings import EmbeddingService
from hybrid_embeddings.models.reference import quiet_loading, read_card
from hybrid_embeddings.models.torch_lane import traceable

Encode = Callable[[Sequence[str]], Any]
BATCH_SIZES = (8, 16, 32, 64, 128)


def sorted_first(encode: Encode) -> Encode:
    """Return a function that sorts texts by length, encodes, and brings the vectors back into order."""

    def encode_sorted(texts: Sequence[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda row: len(texts[row]), reverse=True)
        found = np.asarray(encode([texts[row] for row in order]))
        vectors = np.empty_like(found)
        vectors[order] = found
        return vectors

    return encode_sorted


def tuned(make: Callable[[int], Encode], texts: Sequence[str]) -> tuple[int, Encode]:
    """Return the batch size that is fastest on these texts, sorted, and the function that uses it."""
    choices = {size: sorted_first(make(size)) for size in BATCH_SIZES}
    texts = texts[:100]
    seconds = in_turn({str(size): lambda encode=encode: encode(texts) for size, encode in choices.items()}, rounds=1)
    best = min(BATCH_SIZES, key=lambda size: seconds[str(size)][0])
    return best, choices[best]


def sentence_transformers_peers(directory: Path, texts: Sequence[str]) -> dict[str, Encode]:
    """Return the default and the tuned way to call it."""
    model = SentenceTransformer(str(directory), device="cpu")

    def make(size: int) -> Encode:
        return lambda texts: model.encode(texts, batch_size=size)

    size, best = tuned(make, texts)
    return {"sentence-transformers": make(32), f"sentence-transformers, sorted, batches of {size}": best}


def fastembed_peers(directory: Path, texts: Sequence[str]) -> dict[str, Encode]:
    """Return FastEmbed on an ONNX file of the same weights, with its default batch size and tuned."""
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = Path(tempfile.mkdtemp(prefix="onnx-"))
    export(directory, folder)
    name = "benchmark/same-weights"
    TextEmbedding.add_custom_model(
        model=name,
        pooling=PoolingType.DISABLED,
        normalization=False,
        sources=ModelSource(hf=name),
        dim=SentenceTransformer(str(directory), device="cpu").get_embedding_dimension(),
        model_file="model.onnx",
    )
    model = TextEmbedding(name, specific_model_path=str(folder), threads=os.cpu_count())

    def make(size: int) -> Encode:
        return lambda texts: np.array(list(model.embed(list(texts), batch_size=size)))

    size, best = tuned(make, texts)
    return {"FastEmbed": make(256), f"FastEmbed, sorted, batches of {size}": best}


def export(directory: Path, folder: Path) -> None:
    """Write the model with its own pooling as ``model.onnx``, beside its tokenizer and configuration."""
    import torch

    with quiet_loading(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SentenceTransformer(str(directory), device="cpu")
        module, example = traceable(model, read_card(model))
        free = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
        torch.onnx.export(
            module,
            tuple(example.values()),
            str(folder / "model.onnx"),
            input_names=list(example),
            output_names=["sentence_embedding"],
            dynamic_shapes=tuple(free for _ in example),
            dynamo=True,
            verbose=False,
        )
        model.tokenizer.save_pretrained(str(folder))
    for name in ("config.json", "special_tokens_map.json", "tokenizer.json"):
        if (directory / name).is_file():
            (folder / name).write_bytes((directory / name).read_bytes())
    # FastEmbed cuts where this file says, which is often later than sentence-transformers does.
    path = folder / "tokenizer_config.json"
    limit = {"model_max_length": model.max_seq_length, "max_length": model.max_seq_length}
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | limit), encoding="utf-8")


def infinity_peers(directory: Path, _: Sequence[str]) -> dict[str, Encode]:
    """Return Infinity with its torch engine, which batches by itself."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from infinity_emb import AsyncEmbeddingEngine, EngineArgs

    settings = EngineArgs(model_name_or_path=str(directory), engine="torch", device="cpu", model_warmup=False)
    engine = AsyncEmbeddingEngine.from_args(settings)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(engine.astart())

    def encode(texts: Sequence[str]) -> np.ndarray:
        vectors, _tokens = loop.run_until_complete(engine.embed(list(texts)))
        return np.array(vectors)

    return {"Infinity": encode}


def installed(directory: Path, texts: Sequence[str]) -> tuple[dict[str, Encode], dict[str, str]]:
    """Return what runs here, and why the rest does not."""
    running, missing = {}, {}
    sources = {
        "sentence-transformers": sentence_transformers_peers,
        "FastEmbed": fastembed_peers,
        "Infinity": infinity_peers,
    }
    for name, source in sources.items():
        try:
            for contestant, encode in source(directory, texts).items():
                encode(texts[:4])
                running[contestant] = encode
        except Exception as error:  # noqa: BLE001 - foreign code; the result says what it raised
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return running, missing


def compared(contestants: dict[str, Encode], texts: Sequence[str], rounds: int) -> dict[str, Any]:
    """Time all in turn; 1-cosine is to the first contestant."""
    vectors = {name: np.asarray(encode(texts[:64]), dtype=np.float64) for name, encode in contestants.items()}
    expected = next(iter(vectors.values()))
    seconds = in_turn(
        {name: lambda encode=encode: encode(texts) for name, encode in contestants.items()}, rounds=rounds
    )
    ours = {name: median(times) for name, times in seconds.items() if name.startswith("hybrid-embeddings")}
    fastest_s = min(ours.values())
    return {
        name: {
            "texts_per_s": round(len(texts) / median(times), 1),
            "we_are_times_faster": round(median(times) / fastest_s, 2),
            "largest_1_minus_cosine": float(f"{_distance(vectors[name], expected):.1e}"),
        }
        for name, times in seconds.items()
    }


def _distance(found: np.ndarray, expected: np.ndarray) -> float:
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    return float(np.max(1 - np.einsum("ij,ij->i", found, expected) / lengths))


def main() -> None:
    """Measure what is installed."""
    options = arguments("Throughput against other libraries.", texts=500, rounds=3)
    texts = mixed_texts(options.texts)
    services = {name: EmbeddingService(precision=name) for name in ("fast", "exact")}
    peers, missing = installed(services["fast"].model.directory, texts)
    ours = {f"hybrid-embeddings, {name}": service.encode for name, service in services.items()}
    started = time.perf_counter()
    result = {"texts": len(texts), "contestants": compared(peers | ours, texts, options.rounds), "missing": missing}
    report({**result, "seconds": round(time.perf_counter() - started, 1)}, options.json)
    for service in services.values():
        service.close()


if __name__ == "__main__":
    main()
