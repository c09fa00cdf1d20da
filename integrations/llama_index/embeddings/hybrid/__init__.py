"""LlamaIndex embedding on the hybrid engine: ``from llama_index.embeddings.hybrid import HybridEmbedding``."""

from llama_index.embeddings.hybrid.base import HybridEmbedding

__all__ = ["HybridEmbedding"]
