"""``/v1/embeddings`` of ``rag-demo serve`` under many clients at once, against a naive server on the same machine.

Each side is a process of its own, and so are the clients: this one, which speaks HTTP over bare sockets, so that it
takes as little of the machine as it can (its share is told). The sides run in turn, one at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, mixed_texts, report, spread_ms

SIDES = ("ours", "naive, threads", "naive, loop")
LOADS = {
    "one query a request (4-16 words)": (4, 16, 1),
    "one text a request (5-400 words)": (5, 400, 1),
}


@dataclass
class Run:
    """What the clients saw of one server."""

    latencies_s: list[float] = field(default_factory=list)
    texts: int = 0
    failed: int = 0
    elapsed_s: float = 0.0
    client_cpu_s: float = 0.0

    def add(self, other: Run) -> None:
        """Join another round."""
        self.latencies_s += other.latencies_s
        self.texts += other.texts
        self.failed += other.failed
        self.elapsed_s += other.elapsed_s
        self.client_cpu_s += other.client_cpu_s

    def figures(self) -> dict[str, Any]:
        """Return throughput, latencies, and the share of one core that the clients took."""
        return {
            "texts_per_s": round(self.texts / self.elapsed_s, 1),
            "requests": len(self.latencies_s),
            "failed": self.failed,
            **{f"{name}_ms": value for name, value in spread_ms(self.latencies_s).items()},
            "client_cores": round(self.client_cpu_s / self.elapsed_s, 3),
        }


def model_folder() -> str:
    from hybrid_embeddings import EmbeddingService

    with EmbeddingService() as service:
        return str(service.model.directory)


def command_of(side: str, port: int) -> list[str]:
    if side == "ours":
        return [sys.executable, "-m", "rag_demo", "serve", "--port", str(port)]
    uvicorn = [sys.executable, "-m", "uvicorn", "naive_embeddings_server:app", "--log-level", "warning"]
    return [*uvicorn, "--app-dir", str(Path(__file__).parent), "--port", str(port)]


@contextlib.contextmanager
def serving(side: str, model: str, folder: str) -> Iterator[int]:
    """Start a server, wait until it has embedded something, end it afterwards. Yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    handler = "loop" if side.endswith("loop") else "thread"
    own = {"RAG_DATA_DIR": folder, "NAIVE_MODEL": model, "NAIVE_HANDLER": handler, "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(command_of(side, port), env={**os.environ, **own})
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                embed_once(port, ["first"])
                break
            if process.poll() is not None:
                raise SystemExit(f"the server ({side}) ended with status {process.returncode}")
            time.sleep(0.2)
        yield port
    finally:
        process.kill()
        process.wait()


def embed_once(port: int, texts: list[str]) -> np.ndarray:
    body = json.dumps({"input": texts, "model": "default"}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/embeddings", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - see above
        return np.array([one["embedding"] for one in json.load(answer)["data"]], np.float32)


def bodies(load: tuple[int, int, int]) -> Iterator[bytes]:
    """Ready requests; their texts hardly ever repeat."""
    shortest, longest, texts = load
    pool = mixed_texts(1999, shortest=shortest, longest=longest, seed=7)
    for number in itertools.count():
        chosen = [f"{pool[(number * texts + n) % len(pool)]} {number}" for n in range(texts)]
        body = json.dumps({"input": chosen, "model": "default"}).encode()
        yield b"POST /v1/embeddings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" + (
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )


async def client(port: int, requests: Iterator[bytes], run: Run, *, until_s: float, texts: int) -> None:
    """Ask one request after the other over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    while (started_s := time.perf_counter()) < until_s:
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        failed = not head.startswith(b"HTTP/1.1 200")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
        if failed:
            run.failed += 1
        else:
            run.latencies_s.append(time.perf_counter() - started_s)
            run.texts += texts
    writer.close()


async def load_server(port: int, requests: Iterator[bytes], *, clients: int, seconds: float, texts: int) -> Run:
    run, cpu_s, started_s = Run(), time.process_time(), time.perf_counter()
    until_s = started_s + seconds
    await asyncio.gather(*(client(port, requests, run, until_s=until_s, texts=texts) for _ in range(clients)))
    run.elapsed_s = time.perf_counter() - started_s  # what was asked last is waited for and counts
    run.client_cpu_s = time.process_time() - cpu_s
    return run


def main() -> None:
    options = arguments(__doc__ or "", clients=64, seconds=3, rounds=2)
    runs = {load: {side: Run() for side in SIDES} for load in LOADS}
    sample = mixed_texts(8, seed=3)
    vectors: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        model = model_folder()
        for _ in range(options.rounds):
            for side in SIDES:
                with serving(side, model, folder) as port:
                    vectors[side] = embed_once(port, sample)
                    for name, load in LOADS.items():
                        asked = {"clients": options.clients, "texts": load[2]}
                        requests = bodies(load)
                        asyncio.run(load_server(port, requests, **asked, seconds=1.0))  # warm
                        run = asyncio.run(load_server(port, requests, **asked, seconds=options.seconds))
                        runs[name][side].add(run)
    cosine = np.sum(vectors["ours"] * vectors["naive, loop"], axis=1).min()
    report({"clients": options.clients, "least_cosine": float(cosine), "loads": summary(runs)}, options.json)


def summary(runs: dict[str, dict[str, Run]]) -> dict[str, Any]:
    """Return the figures of every load with the ratio to the better naive server."""
    told: dict[str, Any] = {}
    for name, sides in runs.items():
        figures = {side: run.figures() for side, run in sides.items()}
        best = max(SIDES[1:], key=lambda side, figures=figures: figures[side]["texts_per_s"])
        told[name] = {
            **figures,
            "throughput_ratio": round(figures["ours"]["texts_per_s"] / figures[best]["texts_per_s"], 2),
            "p95_ratio": round(figures[best]["p95_ms"] / figures["ours"]["p95_ms"], 2),
        }
    return told


if __name__ == "__main__":
    main()
