"""Notices batches that overrun the operation time-out: a native call that hangs never comes back by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from hybrid_embeddings.scheduling.lane import LaneState, Running


class Watchdog:
    """A thread that looks at running batches. It wakes up by itself, so that starting a batch costs no switch to it."""

    def __init__(
        self,
        states: Sequence[LaneState],
        lock: threading.Lock,
        *,
        timeout_s: float,
        clock: Callable[[], float],
        overrun: Callable[[list[tuple[LaneState, Running]]], None],
    ) -> None:
        """Start.

        Args:
            states: the lanes.
            lock: guards them.
            timeout_s: seconds that a batch may take.
            clock: seconds.
            overrun: called without the lock, with the batches that took longer and were not given up yet.
        """
        self._states = states
        self._changed = threading.Condition(lock)
        self._timeout_s = timeout_s
        self._clock = clock
        self._overrun = overrun
        self._stopped = False
        self._thread = threading.Thread(target=self._watch, name="hybrid-embeddings-watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end. Called under the lock."""
        self._stopped = True
        self._changed.notify_all()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _watch(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                now_s = self._clock()
                waited = [(state, run) for state in self._states for run in state.running if not run.given_up]
                late = [pair for pair in waited if now_s - pair[1].started_s >= self._timeout_s]
                if not late:
                    self._changed.wait(self._next_look_s([run.started_s for _, run in waited], now_s))
            if late:
                self._overrun(late)

    def _next_look_s(self, starts_s: Sequence[float], now_s: float) -> float:
        # A batch that begins after this look is seen at the next one, long before its time is over.
        idle_s = min(self._timeout_s / 4, threading.TIMEOUT_MAX)
        return min([idle_s, *(max(start_s + self._timeout_s - now_s, 0.001) for start_s in starts_s)])
