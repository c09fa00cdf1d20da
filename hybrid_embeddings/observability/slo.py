"""Service level objectives: what was promised, how much of the error budget is left, and when it will be gone.

Every objective is a share of good events. "p95 below 100 ms" says: at least 95 % of the calls take at most 100 ms;
"error rate below 0.1 %" says: at least 99.9 % of the calls succeed; "hit rate above 70 %" says: at least 70 % of the
look-ups are hits. So all of them have the same arithmetic (Beyer et al., The Site Reliability Workbook, 2018, ch. 5):

    bad share    = bad / (good + bad)
    burn rate    = bad share / (1 - target)        1: the budget is used up exactly at the end of the window
    budget left  = 1 - burn rate over the window   negative: the objective is violated
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hybrid_embeddings.events import EncodeFailed, EncodeFinished, Event
from hybrid_embeddings.observability.window import RollingCounts

Measure = Literal["latency", "errors", "availability", "cache_hits"]
Status = Literal["ok", "warning", "violated", "no_data"]

_N_SLOTS = 576  # 6.25 s of an hour, 2.5 min of a day; divisible by the spans below
_GOOD, _BAD = 0, 1
# Latencies are kept in classes that grow by 5 %, from 0.1 ms to 1,000 s, so a percentile is right within 5 %.
_FIRST_S, _GROWTH = 1e-4, 1.05
_N_CLASSES = 2 + math.ceil(math.log(1e7) / math.log(_GROWTH))


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise: at least the share ``target`` of the events over ``window_s`` is good."""

    name: str
    measure: Measure
    target: float  # share of good events, above 0 and below 1
    window_s: float
    threshold_s: float = 0.0  # for latencies: a call that takes longer is bad
    higher_is_better: bool = False  # how `value` and `limit` read: a hit rate, or an error rate or a time

    def __post_init__(self) -> None:
        """Refuse what has no error budget."""
        if not 0 < self.target < 1:
            raise ValueError(f"objective {self.name}: the target is {self.target}, expected a share between 0 and 1")

    @property
    def limit(self) -> float:
        """The promise in the unit of the objective: seconds, or a share in its own direction."""
        if self.measure == "latency":
            return self.threshold_s
        return self.target if self.higher_is_better else 1 - self.target


@dataclass(frozen=True, slots=True)
class BurnAlert:
    """Burning fast over a long and a short part of the window: it is serious, and it is still going on.

    Both alerts fire when half of the budget went into the long part: rate × long share = ½.
    """

    name: Literal["fast", "slow"]
    long_share: float
    short_share: float
    rate: float


ALERTS = (BurnAlert("fast", 1 / 12, 1 / 144, 6.0), BurnAlert("slow", 1 / 4, 1 / 48, 2.0))


@dataclass(frozen=True, slots=True)
class ObjectiveState:
    """How an objective stands. Shares and rates are NaN where nothing was measured."""

    name: str
    status: Status
    value: float  # seconds at the percentile, or the share, in the direction of the objective
    limit: float
    n_good: int
    n_bad: int
    budget_left: float  # share of the error budget; negative: overdrawn
    burn_rates: dict[str, float]  # "window", "fast", "slow": over the long part of each alert
    alerts: tuple[str, ...]
    exhausted_in_s: float | None  # at the present rate; None: not within a window, 0: gone


class Tracker:
    """Counts good and bad events of one objective. Not thread-safe."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._counts = RollingCounts(2, window_s=objective.window_s, n_slots=_N_SLOTS)
        self._latencies = (
            RollingCounts(_N_CLASSES, window_s=objective.window_s, n_slots=_N_SLOTS // 8)
            if objective.measure == "latency"
            else None
        )

    def count(self, good: int, bad: int, now_s: float) -> None:
        """Count events."""
        if good:
            self._counts.add(_GOOD, good, now_s)
        if bad:
            self._counts.add(_BAD, bad, now_s)

    def latency(self, seconds: float, now_s: float) -> None:
        """Count a call by its time."""
        is_good = seconds <= self.objective.threshold_s
        self.count(int(is_good), int(not is_good), now_s)
        if self._latencies is not None:
            self._latencies.add(_class_of(seconds), 1, now_s)

    def state(self, now_s: float) -> ObjectiveState:
        """Judge the window that ends at ``now_s``."""
        objective = self.objective
        good, bad = (int(number) for number in self._counts.sums(objective.window_s, now_s))
        burn = self._burn_rate(objective.window_s, now_s)
        rates: dict[str, float] = {
            alert.name: self._burn_rate(alert.long_share * objective.window_s, now_s) for alert in ALERTS
        }
        alerts = tuple(alert.name for alert in ALERTS if self._fires(alert, rates[alert.name], now_s))
        left = 1 - burn
        exhausted_in_s = self._exhausted_in_s(left, rates["fast"])
        return ObjectiveState(
            name=objective.name,
            status=_status(good + bad, left, alerts, exhausted_in_s),
            value=self._value(good, bad, now_s),
            limit=objective.limit,
            n_good=good,
            n_bad=bad,
            budget_left=left,
            burn_rates={"window": burn, **rates},
            alerts=alerts,
            exhausted_in_s=exhausted_in_s,
        )

    def _burn_rate(self, span_s: float, now_s: float) -> float:
        good, bad = (int(number) for number in self._counts.sums(span_s, now_s))
        if not good + bad:
            return math.nan
        return bad / (good + bad) / (1 - self.objective.target)

    def _fires(self, alert: BurnAlert, long_rate: float, now_s: float) -> bool:
        short_rate = self._burn_rate(alert.short_share * self.objective.window_s, now_s)
        return long_rate >= alert.rate and short_rate >= alert.rate

    def _exhausted_in_s(self, left: float, rate: float) -> float | None:
        """Seconds until the budget is gone if the calls go on like those of the last twelfth of the window."""
        if math.isnan(left) or math.isnan(rate):
            return None
        if left <= 0:
            return 0.0
        if rate <= 1:
            return None  # such a rate can be kept up for ever
        return left * self.objective.window_s / rate

    def _value(self, good: int, bad: int, now_s: float) -> float:
        if not good + bad:
            return math.nan
        if self._latencies is None:
            return (good if self.objective.higher_is_better else bad) / (good + bad)
        return _percentile(self._latencies.sums(self.objective.window_s, now_s), self.objective.target)


def _status(n_events: int, left: float, alerts: Sequence[str], exhausted_in_s: float | None) -> Status:
    if not n_events:
        return "no_data"
    if left < 0:
        return "violated"
    return "warning" if alerts or exhausted_in_s is not None else "ok"


def _class_of(seconds: float) -> int:
    if seconds <= _FIRST_S:
        return 0
    return min(math.ceil(math.log(seconds / _FIRST_S) / math.log(_GROWTH)), _N_CLASSES - 1)


def _percentile(counts: np.ndarray, share: float) -> float:
    """Upper edge of the class in which the percentile lies, in seconds."""
    cumulated = np.cumsum(counts)
    index = int(np.searchsorted(cumulated, share * cumulated[-1]))
    return float(_FIRST_S * _GROWTH**index)


class SloTracker:
    """A subscriber that keeps the objectives of a service. Thread-safe."""

    def __init__(self, objectives: Iterable[Objective], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take objectives with distinct names. ``clock`` gives seconds."""
        self._trackers = [Tracker(objective) for objective in objectives]
        self._clock = clock
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Count what an event says about each objective."""
        if not isinstance(event, (EncodeFinished, EncodeFailed)):
            return
        now_s = self._clock()
        with self._lock:
            for tracker in self._trackers:
                _COUNT[tracker.objective.measure](tracker, event, now_s)

    def after_fork(self) -> None:
        """Forget the lock of the parent process, which another thread may have held."""
        self._lock = threading.Lock()

    def states(self) -> list[ObjectiveState]:
        """How each objective stands now."""
        now_s = self._clock()
        with self._lock:
            return [tracker.state(now_s) for tracker in self._trackers]


def _count_latency(tracker: Tracker, event: Event, now_s: float) -> None:
    """Calls of one text: the time of a larger one says how many texts it had."""
    if isinstance(event, EncodeFinished) and event.n_texts == 1:
        tracker.latency(event.total_s, now_s)


def _count_errors(tracker: Tracker, event: Event, now_s: float) -> None:
    if isinstance(event, EncodeFinished):
        tracker.count(1, 0, now_s)
    elif isinstance(event, EncodeFailed) and event.fault == "service":
        tracker.count(0, 1, now_s)


def _count_availability(tracker: Tracker, event: Event, now_s: float) -> None:
    """Whether the service took the call: a call that was taken and failed is an error, not an outage."""
    if isinstance(event, EncodeFailed):
        if event.fault == "service":
            is_outage = event.error in _OUTAGES
            tracker.count(int(not is_outage), int(is_outage), now_s)
    else:
        tracker.count(1, 0, now_s)


def _count_cache_hits(tracker: Tracker, event: Event, now_s: float) -> None:
    """A call counts its distinct texts once, whichever tier had them."""
    if isinstance(event, EncodeFinished):
        tracker.count(event.n_cached, event.n_computed, now_s)


_OUTAGES = frozenset({"NoLaneAvailable", "Overloaded", "ServiceClosed"})
_COUNT: dict[Measure, Callable[[Tracker, Event, float], None]] = {
    "latency": _count_latency,
    "errors": _count_errors,
    "availability": _count_availability,
    "cache_hits": _count_cache_hits,
}
