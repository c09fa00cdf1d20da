"""Rounding of vectors to what one byte per number can hold."""

from __future__ import annotations

from torch import Tensor

_STEPS = 127


def rounded(rows: Tensor) -> Tensor:
    """Each row as it is after storage in signed bytes with a scale of its own, ``(n, dimension)``.

    In training the gradient passes through unchanged (Bengio, Léonard, Courville 2013).
    """
    scale = rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / _STEPS
    return (rows / scale).round() * scale
