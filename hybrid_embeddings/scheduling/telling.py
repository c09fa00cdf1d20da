"""What a batch meant for its lane, as events. Made under the lock, emitted when no lock is held."""

from __future__ import annotations

from dataclasses import dataclass

from hybrid_embeddings.errors import LaneOutOfMemory
from hybrid_embeddings.events import BatchFailed, BatchFinished, BreakerChanged, BreakerState, BudgetChanged, Event
from hybrid_embeddings.scheduling.lane import LaneState, Running
from hybrid_embeddings.types import Vectors


@dataclass(frozen=True, slots=True)
class Before:
    """A lane before the outcome of a batch was booked."""

    breaker: BreakerState
    budget_tokens: int

    @classmethod
    def of(cls, state: LaneState) -> Before:
        """Look at a lane."""
        return cls(state.breaker.state, state.budget_tokens)

    def events(self, state: LaneState, running: Running, outcome: Vectors | Exception, seconds: float) -> list[Event]:
        """Return what to tell of a batch that came back after ``seconds``. Of one that was given up, all was told."""
        told: list[Event] = []
        if not running.given_up:
            told.append(_outcome(state.name, running, outcome, seconds))
        if not isinstance(outcome, Exception) and not all(running.good_rows):
            told.append(BatchFailed(state.name, "not_finite", running.good_rows.count(False)))
        return told + self.changes(state)

    def changes(self, state: LaneState) -> list[Event]:
        """Return what changed about the lane since."""
        changed: list[Event] = []
        if state.breaker.state != self.breaker:
            changed.append(BreakerChanged(state.name, state.breaker.state))
        if state.budget_tokens != self.budget_tokens:
            is_up = state.budget_tokens > self.budget_tokens
            changed.append(BudgetChanged(state.name, state.budget_tokens, "up" if is_up else "down"))
        return changed


def _outcome(lane: str, running: Running, outcome: Vectors | Exception, seconds: float) -> Event:
    n_texts = len(running.items)
    if isinstance(outcome, Exception):
        return BatchFailed(lane, "out_of_memory" if isinstance(outcome, LaneOutOfMemory) else "error", n_texts)
    n_tokens = sum(item.length for item in running.items)
    return BatchFinished(lane, n_texts, n_tokens, running.batch.padded_tokens, seconds)


def given_up(state: LaneState, running: Running) -> BatchFailed:
    """Return what to tell of a batch that overran its time."""
    return BatchFailed(state.name, "timeout", len(running.items))
