"""The commands of ``hybrid-embeddings``; see :mod:`hybrid_embeddings.cli`."""
