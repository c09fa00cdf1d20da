"""The learned numbers that are shipped with the package. `rag_demo.classify.train` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag_demo.ports import Vectors

FILE = Path(__file__).with_name("parameters.npz")
# Share of the vector beside the lexical features, both of length 1. The default model hardly knows Russian:
# with equal weight it makes the classifier worse (docs/documents.md).
VECTOR_WEIGHT = 0.5
EMBEDDED = 400  # characters; the default model spends a token on each Cyrillic letter and reads 512


@dataclass(frozen=True, slots=True)
class Head:
    """One regression: float32 ``weights (d, classes)`` and ``bias (classes,)``."""

    weights: Vectors
    bias: Vectors


@dataclass(frozen=True, slots=True)
class Parameters:
    """``lexical`` serves with any embedding model, ``joint`` (features, then vector) only with the one it is for."""

    classes: tuple[str, ...]
    model_fingerprint: str
    lexical: Head
    joint: Head


def load(file: Path = FILE) -> Parameters:
    """Read parameters."""
    with np.load(file, allow_pickle=False) as stored:
        heads = {
            name: Head(stored[f"{name}_weights"].astype(np.float32), stored[f"{name}_bias"].astype(np.float32))
            for name in ("lexical", "joint")
        }
        return Parameters(tuple(map(str, stored["classes"])), str(stored["model_fingerprint"]), **heads)


def save(parameters: Parameters, file: Path = FILE) -> None:
    """Write parameters; half precision changes no verdict and halves the file."""
    arrays = {
        f"{name}_{part}": getattr(head, part).astype(np.float16)
        for name, head in (("lexical", parameters.lexical), ("joint", parameters.joint))
        for part in ("weights", "bias")
    }
    np.savez_compressed(
        file,
        allow_pickle=False,
        classes=np.array(parameters.classes),
        model_fingerprint=np.array(parameters.model_fingerprint),
        **arrays,
    )
