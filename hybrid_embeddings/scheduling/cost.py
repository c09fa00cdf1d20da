"""How long will a lane need for a batch? A linear model per lane, learned while running."""

from __future__ import annotations

import threading

_FORGET = 0.95  # weight of the past per observation: about the last 20 batches count
_SCALE_TOKENS = 64  # see observe()


class CostModel:
    """seconds ≈ overhead + padded_tokens × seconds_per_token.

    Recursive least squares with exponential forgetting (Haykin, Adaptive Filter Theory, ch. 10), on errors
    relative to the size of the batch, so that small batches count as much as large ones. Thread-safe.
    """

    def __init__(self, *, seconds_per_token: float = 1e-4, overhead_s: float = 1e-3) -> None:
        self._lock = threading.Lock()
        self._weights = [overhead_s, seconds_per_token]
        # Large values: the first observations overrule the prior.
        self._covariance = [[1e6, 0.0], [0.0, 1e2]]

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
        with self._lock:
            # Features and target are divided by the size. Dividing by the measured time would make old, fast
            # batches outweigh new, slow ones for a long time.
            size = padded_tokens + _SCALE_TOKENS
            x = (1.0 / size, padded_tokens / size)
            (p00, p01), (p10, p11) = self._covariance
            px0, px1 = p00 * x[0] + p01 * x[1], p10 * x[0] + p11 * x[1]
            scale = _FORGET + x[0] * px0 + x[1] * px1
            gain0, gain1 = px0 / scale, px1 / scale
            error = seconds / size - (self._weights[0] * x[0] + self._weights[1] * x[1])
            self._weights[0] = max(self._weights[0] + gain0 * error, 0.0)
            self._weights[1] = max(self._weights[1] + gain1 * error, 1e-9)
            self._covariance = [
                [(p00 - gain0 * px0) / _FORGET, (p01 - gain0 * px1) / _FORGET],
                [(p10 - gain1 * px0) / _FORGET, (p11 - gain1 * px1) / _FORGET],
            ]


def tail_budget(
    *,
    overhead_s: float,
    seconds_per_token: float,
    waiting_tokens: int,
    others_tokens_per_s: float,
    others_busy_s: float,
) -> int:
    """Return the largest batch (padded tokens) that a slow lane may take without being the last to finish.

    The slow lane needs ``overhead_s + b × seconds_per_token``. Meanwhile the faster lanes end what they run
    (``others_busy_s``) and do the rest of the queue, ``(waiting_tokens - b) / others_tokens_per_s``. The result is
    the b for which both end at the same time; zero or less means: leave it to the others.
    """
    room_s = others_busy_s + waiting_tokens / others_tokens_per_s - overhead_s
    return int(room_s / (seconds_per_token + 1.0 / others_tokens_per_s))
