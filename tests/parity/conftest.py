"""Models for parity tests: the real default one, and variants made of its real weights."""

import pytest

from tests.models import default_directory, sentence_transformer, variant
from tests.models import st_modules as models


@pytest.fixture(scope="session")
def unnormalized(tmp_path_factory):
    """The default model without its Normalize module, with a query prompt."""
    first, second, *_ = sentence_transformer(default_directory())
    target = tmp_path_factory.mktemp("без-нормализации") / "модель"
    return variant(target, [first, second], prompts={"query": "search for: ", "document": ""})


@pytest.fixture(scope="session")
def cls_with_dense(tmp_path_factory):
    """CLS pooling, a dense projection to 64 dimensions, and normalisation."""
    import torch

    torch.manual_seed(7)
    first, *_ = sentence_transformer(default_directory())
    modules = [first, models.Pooling(384, pooling_mode="cls"), models.Dense(384, 64), models.Normalize()]
    return variant(tmp_path_factory.mktemp("dense") / "model", modules)


@pytest.fixture(scope="session")
def without_prompt_pooling(tmp_path_factory):
    """A model that leaves the tokens of its prompt out of the pooling."""
    first, *_ = sentence_transformer(default_directory())
    pooling = models.Pooling(384, pooling_mode="mean", include_prompt=False)
    target = tmp_path_factory.mktemp("instructor") / "model"
    return variant(target, [first, pooling], prompts={"query": "represent the question: ", "document": "passage: "})


@pytest.fixture(scope="session")
def static(tmp_path_factory):
    """A static embedding over the tokenizer of the default model."""
    import numpy as np
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(default_directory() / "tokenizer.json"))
    weights = np.random.default_rng(3).normal(size=(tokenizer.get_vocab_size(), 48)).astype(np.float32)
    modules = [models.StaticEmbedding(tokenizer, embedding_weights=weights), models.Normalize()]
    return variant(tmp_path_factory.mktemp("static") / "model", modules)
