"""An embedding model that learns the language of one configuration from its own texts."""

from __future__ import annotations

from rag_demo.adapt.adaptation import Adapted, adapt
from rag_demo.adapt.embedder import FieldEmbedder
from rag_demo.adapt.fields import layered_passage
from rag_demo.adapt.train import Recipe

__all__ = ["Adapted", "FieldEmbedder", "Recipe", "adapt", "layered_passage"]
