"""A circuit breaker: after some failures in a row a part gets no work until a trial shows that it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Breaker:
    """closed → (``threshold`` failures in a row) → open → (``timeout_s``) → half_open → closed or open again.

    Half-open lets exactly one trial through. Thread-safe; the clock is in seconds and injected for tests.
    """

    def __init__(self, *, threshold: int, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._opened_at: float | None = None
        self._trial_running = False

    @property
    def state(self) -> State:
        """``half_open`` as soon as a trial would be let through."""
        with self._lock:
            return self._state()

    def _state(self) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if self._clock() - self._opened_at >= self._timeout_s else "open"

    def allow(self) -> bool:
        """Tell whether work may start. In half-open state the first True claims the trial."""
        with self._lock:
            state = self._state()
            if state == "half_open" and not self._trial_running:
                self._trial_running = True
                return True
            return state == "closed"

    def retry_in_s(self) -> float | None:
        """Return the seconds until a trial is due; None while closed."""
        with self._lock:
            if self._opened_at is None:
                return None
            return max(0.0, self._opened_at + self._timeout_s - self._clock())

    def success(self) -> None:
        """Work succeeded: close."""
        with self._lock:
            self._failures = 0
            self._opened_at = None
            self._trial_running = False

    def abandon_trial(self) -> None:
        """The claimed trial was not used (there was no work after all)."""
        with self._lock:
            self._trial_running = False

    def failure(self) -> None:
        """Work failed: count, and open at the threshold or after a failed trial."""
        with self._lock:
            self._failures += 1
            if self._trial_running or self._failures >= self._threshold:
                self._opened_at = self._clock()
            self._trial_running = False
