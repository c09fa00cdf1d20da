"""How long will a lane need for a batch? A linear model per lane, learned while running."""

from __future__ import annotations

import threading

_FORGET = 0.95  # weight of the past per observation: about the last 20 batches count
_SCALE_TOKENS = 64  # see observe()
# A batch that takes this many times more or less than expected is a surprise: it counts as if it had taken just so
# many times more (a lane's first batch may compile for seconds), and what was known is worth half.
_SURPRISE, _FORGET_SURPRISED = 3.0, 0.5
# What is known before the first batch, as the weight of overhead and of seconds per token. Small: the first
# observations overrule the prior.
_PRIOR_INFORMATION = (1e-6, 1e-2)
_SHORTEST_S = 1e-7  # of a batch, as far as clocks can tell
_MAX_OVERHEAD_TOKENS = 65_536  # no device needs longer to begin a batch than for so many tokens


class CostModel:
    """seconds ≈ overhead + padded_tokens × seconds_per_token.

    Recursive least squares with exponential forgetting (Haykin, Adaptive Filter Theory, ch. 10), on errors
    relative to the size of the batch, so that small batches count as much as large ones. It keeps the information
    matrix and lets it forget towards the prior, not towards zero: batches of one size for an hour say nothing about
    other sizes, and the usual form, which keeps the inverse, then overflows. Thread-safe.
    """

    def __init__(self, *, seconds_per_token: float = 1e-4, overhead_s: float = 1e-3) -> None:
        self._lock = threading.Lock()
        self._weights = [overhead_s, seconds_per_token]
        self._is_new = True
        # The symmetric matrix [[a, b], [b, c]] as (a, b, c).
        self._information = (_PRIOR_INFORMATION[0], 0.0, _PRIOR_INFORMATION[1])

    def predict_s(self, padded_tokens: int) -> float:
        """Return the expected seconds for a batch."""
        overhead_s, per_token_s = self.coefficients
        return max(overhead_s + per_token_s * padded_tokens, 1e-6)

    @property
    def tokens_per_s(self) -> float:
        """Speed on large batches, in padded tokens per second."""
        return 1.0 / self.coefficients[1]

    @property
    def coefficients(self) -> tuple[float, float]:
        """Overhead in seconds, seconds per padded token."""
        with self._lock:
            return self._weights[0], self._weights[1]

    def tokens_within(self, seconds: float) -> int:
        """Return the padded tokens that the lane can do in a time; may be zero or less."""
        overhead_s, per_token_s = self.coefficients
        return int((seconds - overhead_s) / per_token_s)

    def observe(self, padded_tokens: int, seconds: float) -> None:
        """Learn from one batch."""
        if padded_tokens <= 0 or seconds <= 0:
            return
        seconds = max(seconds, _SHORTEST_S)
        with self._lock:
            # Features and target are divided by the size. Dividing by the measured time would make old, fast
            # batches outweigh new, slow ones for a long time.
            size = padded_tokens + _SCALE_TOKENS
            x = (1.0 / size, padded_tokens / size)
            expected = self._weights[0] * x[0] + self._weights[1] * x[1]
            if self._is_new:  # the first batch sets the level, so that no prior of ours has to be unlearned
                self._weights = [weight * seconds / size / expected for weight in self._weights]
                self._is_new, expected = False, seconds / size
            error = min(seconds / size, _SURPRISE * expected) - expected
            is_expected = expected / _SURPRISE <= seconds / size <= expected * _SURPRISE
            forget = _FORGET if is_expected else _FORGET_SURPRISED
            a, b, c = (forget * value for value in self._information)
            a += (1 - forget) * _PRIOR_INFORMATION[0] + x[0] * x[0]
            b += x[0] * x[1]
            c += (1 - forget) * _PRIOR_INFORMATION[1] + x[1] * x[1]
            self._information = (a, b, c)
            step = error / (a * c - b * b)
            overhead_s = self._weights[0] + step * (c * x[0] - b * x[1])
            per_token_s = self._weights[1] + step * (a * x[1] - b * x[0])
            self._weights = _possible(overhead_s, per_token_s, x)


def _possible(overhead_s: float, per_token_s: float, x: tuple[float, float]) -> list[float]:
    """Return the nearest weights that a device can have and that predict the same for the features ``x``."""
    fitted = overhead_s * x[0] + per_token_s * x[1]
    if overhead_s < 0.0:
        return [0.0, fitted / x[1]]
    if per_token_s * _MAX_OVERHEAD_TOKENS < overhead_s:
        overhead_s = fitted / (x[0] + x[1] / _MAX_OVERHEAD_TOKENS)
        return [overhead_s, overhead_s / _MAX_OVERHEAD_TOKENS]
    return [overhead_s, per_token_s]
