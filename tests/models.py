"""Small real models that tests build themselves, besides the default one. No network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from hybrid_embeddings.models.reference import quiet_loading
from hybrid_embeddings.models.resolve import resolve

try:  # sentence-transformers 6
    from sentence_transformers.sentence_transformer import modules as st_modules
except ImportError:  # sentence-transformers 5
    from sentence_transformers import models as st_modules

__all__ = ["default_directory", "sentence_transformer", "st_modules", "static_model", "variant"]


def default_directory() -> Path:
    """Return the directory of the real default model."""
    return resolve("all-MiniLM-L6-v2", offline=True).directory


def sentence_transformer(directory: Path) -> SentenceTransformer:
    """Load the reference for a directory, in float32 on the CPU."""
    with quiet_loading():
        return SentenceTransformer(str(directory), device="cpu")


def variant(target: Path, modules: list, **options) -> Path:
    """Save a model from modules and return its directory."""
    with quiet_loading():
        SentenceTransformer(modules=modules, device="cpu", **options).save(str(target))
    return target


def static_model(target: Path, dimension: int = 16) -> Path:
    """Save a model of random token vectors, which loads and computes in no time; every word has a vector of its own."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = ["раз", "два", "три", "четыре", "пять", "шесть", "проводка", "по", "складу", "загружено", "другое"]
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *words, *map(str, range(2_000))])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a token of text
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(0).standard_normal((len(vocabulary), dimension)).astype(np.float32)
    return variant(target, [st_modules.StaticEmbedding(tokenizer, embedding_weights=weights)])
