"""The size above which batches did not fit into memory, and the careful way back when memory is free again."""

from __future__ import annotations

_FIRST_PATIENCE = 512  # good batches near the ceiling before the first try above it
_LONGEST_PATIENCE = 16_384
_RAISE = 1.25


class Ceiling:
    """Set to half of what did not fit; raised by a quarter after enough good batches.

    A try that fails costs one batch, which is done again in parts. It puts the ceiling back to what went well before
    and doubles the number of good batches until the next try, so tries get rare where memory stays short, and the
    ceiling comes back where something else had taken the memory for a while. Not thread-safe.
    """

    def __init__(self) -> None:
        self.tokens: int | None = None  # padded; None: nothing has failed, or what failed fits again
        self._too_large = 0  # the largest that failed since there is a ceiling
        self._proven: int | None = None  # where the ceiling was before it was raised on trial
        self._patience = _FIRST_PATIENCE
        self._n_good = 0

    def failed(self, padded_tokens: int) -> None:
        """Note that a batch did not fit."""
        # Half of what did not fit: memory is not measured exactly, and a second failure costs another batch.
        lower = max(1, padded_tokens // 2)
        if self._proven is not None and padded_tokens > self._proven:
            lower = self._proven
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        self._too_large = padded_tokens if self.tokens is None else max(padded_tokens, self._too_large)
        self.tokens = lower if self.tokens is None else min(self.tokens, lower)
        self._proven, self._n_good = None, 0

    def went_well(self, padded_tokens: int) -> None:
        """Note that a batch fitted."""
        if self.tokens is None or 2 * padded_tokens < self.tokens:
            return  # small batches say nothing
        self._n_good += 1
        if self._n_good < self._patience:
            return
        self._n_good, self._proven = 0, self.tokens
        self.tokens = int(self.tokens * _RAISE) + 1
        if self.tokens > self._too_large:
            self.tokens = None
