"""What a panel is, and the expressions that most of them ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph. ``queries`` are pairs of an expression and the legend of its lines."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    meaning: str = ""
    minimum: float | None = 0


_SHARES = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Growth of a counter per second, summed up by labels."""
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({metric}{where}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram, by labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{where}[$__rate_interval])))"


def quantiles(histogram: str, where: str = "") -> tuple[tuple[str, str], ...]:
    """Median, 95th and 99th percentile with their legends."""
    return tuple((quantile(share, histogram, where=where), name) for share, name in _SHARES)


def target(*names: str, factor: str = "") -> tuple[str, str]:
    """Lines for targets of the settings."""
    return f'{factor}max by (target) (embedding_target{{target=~"{"|".join(names)}"}})', "target {{target}}"


def share(part: str, *whole: str, by: str = "", part_where: str = "") -> str:
    """The part of all that a metric, or some of its series, has."""
    some = f"({rate(part, by, part_where)} or vector(0))" if part_where else rate(part, by)
    return f"{some} / ({' + '.join(rate(metric, by) for metric in whole)})"
