"""A scrape as a test looks at it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

from hybrid_embeddings.observability.catalogue import Metric

Labels = dict[str, str]
DEPLOY = Path(__file__).parents[1] / "deploy"
# A metric with its conditions, as far as an expression has any.
_SELECTOR = re.compile(r"\b((?:embedding|rag)_[a-z0-9_]+)(?:{([^}]*)})?")
_CONDITION = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def expressions() -> Iterator[tuple[str, str, str]]:
    """Where an expression stands, the expression, and its legend or summary: of all dashboards and alerts."""
    for file in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"], target["legendFormat"]
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"], rule["annotations"]["summary"]


def not_exposed(scraped: Scrape, prefix: str) -> list[str]:
    """What dashboards and alerts ask for that a scrape does not show: names that begin so, and labels of theirs."""
    missing = []
    for where, expression, _ in expressions():
        for name, conditions in _SELECTOR.findall(expression):
            if name.startswith(prefix):
                wanted = set(_CONDITION.findall(conditions or ""))
                shown = [labels for labels, _ in scraped.samples(name)]
                if not any(wanted <= labels.keys() for labels in shown):
                    missing.append(f"{where}: {name} {sorted(wanted)}")
    return missing


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
