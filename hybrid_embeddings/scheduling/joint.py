"""Does a slow lane help, or does it only take cores from the faster ones?

A CPU lane beside a GPU computes some texts, but it also slows down what feeds the GPU. Whether the sum gains shows
only in comparison: how fast the faster lanes are while the slow one works, and while it rests.
"""

from __future__ import annotations

_WORK_BATCHES = 24  # batches of the faster lanes, with the slow lane at work, before its first rest
# A rest costs what the lane would have done meanwhile. A lane as fast as the others works longer before its first
# one, so that rests take at most this share of the throughput of all.
_REST_SHARE = 0.02
_LONGEST_WORK = 3072  # every verdict in its favour doubles the time to the next rest, up to this
_REST_BATCHES = 6  # batches of the faster lanes to look at while the slow lane rests
_FORGET = 0.9  # weight of the past per batch in the two averages
_BENCH_BATCHES = 400  # after a verdict against it the slow lane stays away this long, then gets another try
_MIN_GAIN = 1.0


class JointGain:
    """The verdict on one lane. Fed with the batches of the lanes that are faster than it. Not thread-safe.

    With relative cost c = seconds ÷ expected seconds of a batch, averaged while the lane works (c₁) and rests (c₀),
    the faster lanes run at c₀/c₁ of their own speed beside it. It gains if c₀/c₁ + its share of their speed ≥ 1.
    """

    def __init__(self) -> None:
        self._cost: dict[bool, float | None] = {True: None, False: None}
        self._phase_batches = 0
        self._resting = False
        self._work_batches = _WORK_BATCHES
        self._benched = 0

    @property
    def may_work(self) -> bool:
        """Whether the lane may take bulk work now."""
        return not self._resting and not self._benched

    @property
    def why_not(self) -> str:
        """Why the lane may not work now; empty if it may."""
        if self._benched:
            return f"the faster devices took {self.slowdown:.2f} times as long beside it: stays away for a while"
        return "rests for a few batches: how fast are the others without it?" if self._resting else ""

    @property
    def slowdown(self) -> float:
        """How much slower the faster lanes are beside this one: c₁/c₀; 1.0 while unknown."""
        beside, alone = self._cost[True], self._cost[False]
        return 1.0 if beside is None or alone is None else beside / alone

    def observe(self, relative_cost: float, *, beside: bool, speed_ratio: float) -> None:
        """Learn from a batch of a faster lane.

        Args:
            relative_cost: its seconds ÷ the seconds that its cost model expected.
            beside: whether the slow lane was at work during the batch.
            speed_ratio: tokens/s of the slow lane ÷ tokens/s of the faster lanes together.
        """
        before = self._cost[beside]
        self._cost[beside] = relative_cost if before is None else _FORGET * before + (1 - _FORGET) * relative_cost
        if self._benched:
            self._benched -= 1
            return
        if beside is self._resting:
            return  # a batch that began in the phase before
        self._phase_batches += 1
        patience = _REST_BATCHES * speed_ratio / (1 + speed_ratio) / _REST_SHARE
        if self._phase_batches < (_REST_BATCHES if self._resting else max(self._work_batches, patience)):
            return
        self._phase_batches = 0
        self._resting = not self._resting
        if self._resting:
            return
        if 1.0 / self.slowdown + speed_ratio < _MIN_GAIN:
            self._benched = _BENCH_BATCHES
            self._work_batches = _WORK_BATCHES
        else:
            self._work_batches = min(2 * self._work_batches, _LONGEST_WORK)
