"""LangChain embeddings on the hybrid engine: ``from langchain_hybrid_embeddings import HybridEmbeddings``."""

from langchain_hybrid_embeddings.embeddings import HybridEmbeddings
from langchain_hybrid_embeddings.stores import HybridByteStore

__all__ = ["HybridByteStore", "HybridEmbeddings"]
