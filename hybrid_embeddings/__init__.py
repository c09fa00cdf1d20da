"""A local embedding engine for sentence-transformers models, on all devices of the machine at once.

    from hybrid_embeddings import EmbeddingService

    with EmbeddingService() as service:
        vector = service.encode("text")            # float32, shape (dim,)
        matrix = service.encode(["one", "two"])    # float32, shape (2, dim)

Names are loaded on first use: importing the package loads neither torch nor a model.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybrid_embeddings.errors import (
        DeadlineExceeded,
        EncodeError,
        HybridEmbeddingsError,
        InputError,
        ModelError,
        Overloaded,
        SettingsError,
    )
    from hybrid_embeddings.service import EmbeddingService
    from hybrid_embeddings.settings import Settings
    from hybrid_embeddings.types import Report

__version__ = "0.1.0"

_HOME = {
    "DeadlineExceeded": "errors",
    "EmbeddingService": "service",
    "EncodeError": "errors",
    "HybridEmbeddingsError": "errors",
    "InputError": "errors",
    "ModelError": "errors",
    "Overloaded": "errors",
    "Report": "types",
    "Settings": "settings",
    "SettingsError": "errors",
}

__all__ = [
    "DeadlineExceeded",
    "EmbeddingService",
    "EncodeError",
    "HybridEmbeddingsError",
    "InputError",
    "ModelError",
    "Overloaded",
    "Report",
    "Settings",
    "SettingsError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
