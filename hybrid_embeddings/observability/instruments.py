"""Prometheus instruments made from a table of metrics. The only file that imports ``prometheus_client``."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import MissingDependencyError
from hybrid_embeddings.observability.catalogue import Metric


class Instruments:
    """The metrics of a table, in one registry."""

    def __init__(self, metrics: Iterable[Metric], registry: Any = None) -> None:
        """Register ``metrics``.

        Args:
            metrics: their table.
            registry: a ``prometheus_client.CollectorRegistry``; None makes a new one.

        Raises:
            MissingDependencyError: ``prometheus-client`` is not installed.
            ValueError: the registry has metrics of these names already.
        """
        client = _client()
        self.registry = client.CollectorRegistry() if registry is None else registry
        self._refresh: list[Callable[[], None]] = []
        # Registered first, so that it is asked before the metrics are read.
        self.registry.register(_Refresher(self._refresh))
        self._lock = threading.Lock()
        self._children: dict[tuple[Any, ...], Any] = {}  # finding them takes the library longer than counting
        self._totals: dict[tuple[str, tuple[str, ...]], float] = {}
        self._made = {metric.name: (metric, _make(client, metric, self.registry)) for metric in metrics}

    def add(self, name: str, amount: float = 1, /, **labels: str) -> None:
        """Count."""
        self._child(name, labels).inc(amount)

    def begin(self, name: str, label: str, values: Iterable[str], /, **labels: str) -> None:
        """Show a counter for each value of a label before anything is counted.

        Rates do not see the first step of a series that begins with it: an alert on one failure would never fire.
        """
        for value in values:
            self._child(name, {label: value, **labels})

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Put a value into a histogram."""
        self._child(name, labels).observe(value)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._child(name, labels).set(value)

    def advance(self, name: str, total: float, /, **labels: str) -> None:
        """Bring a counter to a total that somebody else counts."""
        key = (name, tuple(labels.values()))
        with self._lock:
            amount = total - self._totals.get(key, 0.0)
            # A source that starts again from 0 has counted its whole total since then.
            amount = total if amount < 0 else amount
            self._totals[key] = total
        self.add(name, amount, **labels)

    def before_scrape(self, refresh: Callable[[], None]) -> None:
        """Call ``refresh`` at each scrape of the registry before values are read."""
        self._refresh.append(refresh)

    def _child(self, name: str, labels: dict[str, str]) -> Any:
        key = (name, *labels.items())
        found = self._children.get(key)
        if found is None:
            metric, instrument = self._made[name]
            found = instrument.labels(**labels) if metric.labels else instrument
            self._children[key] = found
        return found


class _Refresher:
    """A collector without metrics of its own."""

    def __init__(self, refresh: Sequence[Callable[[], None]]) -> None:
        self._refresh = refresh

    def describe(self) -> Iterator[Any]:
        """Nothing: registering must not refresh."""
        return iter(())

    def collect(self) -> Iterator[Any]:
        """Refresh."""
        for refresh in self._refresh:
            refresh()
        return iter(())


def exposition(registry: Any) -> tuple[bytes, str]:
    """Return the body and the content type of a scrape."""
    client = _client()
    return client.generate_latest(registry), client.CONTENT_TYPE_LATEST


def multiprocess_registry(folder: str) -> Any:
    """Return a registry that adds up what all processes wrote below ``folder`` (``PROMETHEUS_MULTIPROC_DIR``).

    Gauges of processes that are gone are forgotten, so all must be of this machine, or of one container.
    """
    client = _client()
    multiprocess: Any = importlib.import_module("prometheus_client.multiprocess")  # its constructor has no types
    for file in Path(folder).glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            multiprocess.mark_process_dead(int(pid), folder)
    registry = client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=folder)
    return registry


def _is_alive(pid: int) -> bool:
    if os.name == "nt":  # signal 0 is none there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _client() -> Any:
    try:
        import prometheus_client
    except ImportError as error:
        raise MissingDependencyError(
            "Prometheus metrics need prometheus-client: pip install 'hybrid-embeddings[metrics]'"
        ) from error
    return prometheus_client


def _make(client: Any, metric: Metric, registry: Any) -> Any:
    if metric.kind == "histogram":
        return client.Histogram(metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=registry)
    if metric.kind == "counter":
        return client.Counter(metric.name, metric.meaning, metric.labels, registry=registry)
    # In several processes a gauge describes one of them; the dead are left out.
    return client.Gauge(metric.name, metric.meaning, metric.labels, registry=registry, multiprocess_mode="liveall")
