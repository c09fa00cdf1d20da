"""An embedding model that learns the language of one configuration from its own texts.

Names are loaded on first use: to use a model takes neither torch nor scipy, which training needs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag_demo.adapt.adaptation import Adapted, adapt
    from rag_demo.adapt.embedder import FieldEmbedder
    from rag_demo.adapt.fields import layered_passage
    from rag_demo.adapt.train import Recipe

_HOME = {
    "Adapted": "adaptation",
    "FieldEmbedder": "embedder",
    "Recipe": "train",
    "adapt": "adaptation",
    "layered_passage": "fields",
}

__all__ = ["Adapted", "FieldEmbedder", "Recipe", "adapt", "layered_passage"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
