"""A scrape as a test looks at it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from prometheus_client.parser import text_string_to_metric_families

from hybrid_embeddings.observability.catalogue import Metric

Labels = dict[str, str]


class Scrape:
    """The samples of one exposition."""

    def __init__(self, body: bytes) -> None:
        self._samples = [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(body.decode())
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]

    def all(self) -> list[tuple[str, Labels, float]]:
        return self._samples

    def samples(self, name: str, **labels: str) -> Iterator[tuple[Labels, float]]:
        for found, of_sample, value in self._samples:
            if found == name and labels.items() <= of_sample.items():
                yield of_sample, value

    def value(self, name: str, **labels: str) -> float:
        [(_, value)] = self.samples(name, **labels)
        return value

    def total(self, name: str) -> float:
        return sum(value for _, value in self.samples(name))

    def is_moved(self, metric: Metric) -> bool:
        """Whether any of its series has left the value that it began with."""
        name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
        return any(value != 0 and math.isfinite(value) for _, value in self.samples(name))


def unknown_series(scraped: Scrape, metrics: Iterable[Metric]) -> list[tuple[str, Labels]]:
    """Samples that no metric declares, or with other labels than it declares."""
    declared = {}
    for metric in metrics:
        for suffix in ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",):
            declared[metric.name + suffix] = {*metric.labels, *(["le"] if suffix == "_bucket" else [])}
    return [(name, labels) for name, labels, _ in scraped.all() if declared.get(name) != set(labels)]
