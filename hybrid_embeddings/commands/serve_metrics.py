"""Serve /metrics, /health/live and /health/ready for Prometheus and for probes.

With PROMETHEUS_MULTIPROC_DIR the metrics of all processes that write there are added up and no model is loaded;
otherwise this process loads the model of the settings and proves with a canary that it works.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

HELP = "serve /metrics and health probes over HTTP"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See :mod:`hybrid_embeddings.cli`."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=9109, help="port to listen on (default: 9109; 0: any free one)")


def run(options: argparse.Namespace) -> int:
    """See :mod:`hybrid_embeddings.cli`."""
    from hybrid_embeddings.observability.http import MetricsServer
    from hybrid_embeddings.observability.instruments import exposition, multiprocess_registry

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())  # how containers and systemd end a process
    with contextlib.ExitStack() as opened:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        if folder:
            scrape: Callable[[], tuple[bytes, str]] = lambda: exposition(multiprocess_registry(folder))  # noqa: E731
            ready: Callable[[], dict[str, Any]] = lambda: {"status": "healthy", "components": {}}  # noqa: E731
        else:
            scrape, ready = _own(opened)
        server = opened.enter_context(
            contextlib.closing(MetricsServer(scrape, ready, host=options.host, port=options.port))
        )
        print(f"http://{options.host}:{server.port}/metrics", flush=True)
        ended.wait()
    return 0


def _own(opened: contextlib.ExitStack) -> tuple[Callable[[], tuple[bytes, str]], Callable[[], dict[str, Any]]]:
    """Load a service and watch it."""
    from hybrid_embeddings import EmbeddingService, HybridEmbeddingsError
    from hybrid_embeddings.observability.instruments import exposition
    from hybrid_embeddings.observability.prometheus import PrometheusMetrics

    service = opened.enter_context(EmbeddingService())
    metrics = PrometheusMetrics()
    metrics.watch(service.load())
    numbers = itertools.count()

    def ready() -> dict[str, Any]:
        try:
            service.encode(f"canary {next(numbers)}")  # another text each time: no cache may answer for the lanes
        except HybridEmbeddingsError as error:
            return {"status": "unhealthy", "components": {"service": {"status": "unhealthy", "detail": str(error)}}}
        return service.health_check()

    return lambda: exposition(metrics.registry), ready
