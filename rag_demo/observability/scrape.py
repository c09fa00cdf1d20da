"""What ``/metrics`` of the server answers: the engine and the chat in one registry, one process or several."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from hybrid_embeddings.events import Subscriber
from hybrid_embeddings.observability.instruments import exposition, multiprocess_registry
from hybrid_embeddings.observability.prometheus import Observed, PrometheusMetrics
from rag_demo.events import Events
from rag_demo.observability.prometheus import RagMetrics
from rag_demo.observability.state import index_state

Scrape = Callable[[], tuple[bytes, str]]
# Of several workers only one is asked; the others keep what they last said of themselves.
_REFRESH_S = 10.0


class Watched(Protocol):
    """Who answers and indexes: `rag_demo.library.Library`."""

    @property
    def events(self) -> Events:
        """Tells how questions and updates went."""

    def subscribe_models(self, subscriber: Subscriber) -> None:
        """Tell what the models of the spaces do, those too that are opened later."""


def open_scrape(library: Watched, service: Observed, data_folder: Path) -> Scrape:
    """Watch a server from now on; returns what gives the body and the content type of a scrape.

    With ``PROMETHEUS_MULTIPROC_DIR`` the metrics of all processes that write there are added up; each calls this once.

    Args:
        library: asks and indexes.
        service: embeds for ``/v1/embeddings``; the gauges of devices, caches and objectives are its own.
        data_folder: of the indexes.

    Raises:
        MissingDependencyError: ``prometheus-client`` is not installed.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    every_s = _REFRESH_S if folder else math.inf
    engine = PrometheusMetrics(refresh_every_s=every_s)
    rag = RagMetrics(engine.registry, state=partial(index_state, data_folder), refresh_every_s=every_s)
    engine.watch(service)
    library.subscribe_models(engine)
    library.events.subscribe(rag)

    def scrape() -> tuple[bytes, str]:
        if not folder:
            return exposition(engine.registry)
        engine.refresh()
        rag.refresh()
        return exposition(multiprocess_registry(folder))

    return scrape
