"""Multinomial logistic regression in numpy. Pure functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rag_demo.ports import Vectors

_STEPS = 400


def probabilities(features: Vectors, weights: Vectors, bias: Vectors) -> Vectors:
    """Softmax of ``features @ weights + bias``.

    Args:
        features: float32 ``(n, d)``.
        weights: float32 ``(d, classes)``.
        bias: float32 ``(classes,)``.

    Returns:
        Float32 ``(n, classes)``; rows sum to 1.
    """
    return _softmax(features @ weights + bias).astype(np.float32)


def fit(features: Vectors, labels: npt.NDArray[np.int64], *, classes: int, penalty: float) -> tuple[Vectors, Vectors]:
    """Weights and bias that minimise mean cross-entropy + ``penalty``/2 · ‖weights‖².

    Accelerated gradient descent (Nesterov 1983) over all rows from zero: the problem is convex, so there is one
    answer, and nothing is random. The weights are a mixture of the rows (``featuresᵀ @ mixture``), so the steps
    are taken in the mixture: ``n`` numbers per class where the weights have thousands.

    Args:
        features: float32 ``(n, d)``.
        labels: class numbers ``(n,)``.
        classes: their number.
        penalty: the larger, the smoother.

    Returns:
        Float32 ``(d, classes)`` and ``(classes,)``.
    """
    count = len(features)
    rows = features.astype(np.float64)
    alike = rows @ rows.T
    wanted = np.eye(classes)[labels]
    # The Hessian of the softmax loss is at most half of the covariance (Böhning 1992); 1 is the column of the bias.
    step = 1.0 / (0.5 * float(np.linalg.eigvalsh(alike + 1.0)[-1]) / count + penalty)
    current = ahead = np.zeros((count, classes))
    bias = bias_ahead = np.zeros(classes)
    for number in range(_STEPS):
        errors = (_softmax(alike @ ahead + bias_ahead) - wanted) / count
        new = ahead - step * (errors + penalty * ahead)
        new_bias = bias_ahead - step * errors.sum(axis=0)
        momentum = number / (number + 3)
        ahead, bias_ahead = new + momentum * (new - current), new_bias + momentum * (new_bias - bias)
        current, bias = new, new_bias
    return (rows.T @ current).astype(np.float32), bias.astype(np.float32)


def _softmax(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: npt.NDArray[Any] = exponents / exponents.sum(axis=1, keepdims=True)
    return shares
