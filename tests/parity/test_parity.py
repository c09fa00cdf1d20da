"""Against SentenceTransformer.encode on the same real weights: same vectors, same order, batch equal to single."""

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings
from hybrid_embeddings.models.lane_check import cosine_distances
from tests.models import default_directory, sentence_transformer

TOLERANCE = {"fast": 1e-4, "exact": 1e-6}
TEXTS = [
    "",
    "short",
    "Курс валюты на дату документа",
    "Если Остаток < 0 Тогда Отказ = Истина; КонецЕсли;",
    "the quick brown fox jumps over the lazy dog " * 30,
    "short",
    "Проведение документа реализации списывает товары со склада. " * 40,
    "line one\nline two\t with a tab",
    " leading and trailing ",
    "émigré ☃ 日本語",
    *(f"text number {number} " + "word " * (number * 7 % 90) for number in range(60)),
]


def service(directory, **options):
    return EmbeddingService(settings=Settings.load(model=str(directory), **options))


@pytest.fixture(scope="module", params=["openvino", "torch"])
def backend(request):
    return request.param


def assert_same(ours, theirs, precision):
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert cosine_distances(ours, theirs).max() <= TOLERANCE[precision]
    lengths = np.linalg.norm(theirs, axis=1)
    assert np.abs(np.linalg.norm(ours, axis=1) - lengths).max() <= 1e-3 * max(lengths.max(), 1.0)


@pytest.mark.parametrize("precision", ["fast", "exact"])
def test_default_model(precision, backend):
    expected = sentence_transformer(default_directory()).encode(TEXTS, batch_size=32)
    with service(default_directory(), precision=precision, cpu_backend=backend) as ours:
        found = ours.encode(TEXTS)
        assert_same(found, expected, precision)
        singles = np.stack([ours.encode(text) for text in TEXTS[:12]])
        assert cosine_distances(singles, found[:12]).max() <= TOLERANCE[precision]


@pytest.mark.parametrize("precision", ["fast", "exact"])
def test_model_without_normalize_and_with_prompts(unnormalized, precision, backend):
    reference = sentence_transformer(unnormalized)
    with service(unnormalized, precision=precision, cpu_backend=backend) as ours:
        assert_same(ours.encode(TEXTS), reference.encode(TEXTS), precision)
        assert np.linalg.norm(ours.encode("a text")) > 1.5  # nobody normalised behind our back
        assert_same(ours.encode_query(TEXTS), reference.encode_query(TEXTS), precision)
        assert_same(ours.encode_documents(TEXTS), reference.encode_document(TEXTS), precision)
        assert cosine_distances(ours.encode_query(TEXTS[:1]), ours.encode_documents(TEXTS[:1])).max() > 1e-3


def test_cls_pooling_and_dense_layer(cls_with_dense, backend):
    expected = sentence_transformer(cls_with_dense).encode(TEXTS)
    with service(cls_with_dense, cpu_backend=backend, precision="exact") as ours:
        assert ours.dimension == 64
        assert_same(ours.encode(TEXTS), expected, "exact")


def test_prompt_left_out_of_the_pooling(without_prompt_pooling):
    reference = sentence_transformer(without_prompt_pooling)
    with service(without_prompt_pooling, precision="exact") as ours:
        assert_same(ours.encode_query(TEXTS), reference.encode_query(TEXTS), "exact")
        assert_same(ours.encode_documents(TEXTS), reference.encode_document(TEXTS), "exact")
        assert_same(ours.encode(TEXTS), reference.encode(TEXTS), "exact")


def test_static_model(static):
    expected = sentence_transformer(static).encode(TEXTS)
    with service(static) as ours:
        found = ours.encode(TEXTS)
        assert_same(found[1:], expected[1:], "exact")
        assert not found[0].any()  # no token, no direction
        assert ours.explain()["lanes"] == {}


def test_truncated_dimension_is_normalised_again():
    expected = sentence_transformer(default_directory()).encode(TEXTS, truncate_dim=64, normalize_embeddings=True)
    with service(default_directory(), truncate_dim=64, precision="exact") as ours:
        assert ours.dimension == 64
        assert_same(ours.encode(TEXTS), expected, "exact")


def test_normalize_on_request(unnormalized):
    with service(unnormalized, normalize=True) as ours:
        assert np.abs(np.linalg.norm(ours.encode(TEXTS[1:]), axis=1) - 1).max() < 1e-5


def test_token_limit_of_the_settings():
    reference = sentence_transformer(default_directory())
    reference.max_seq_length = 16
    with service(default_directory(), max_tokens=16, precision="exact") as ours:
        assert_same(ours.encode(TEXTS), reference.encode(TEXTS), "exact")


def test_own_prompts_of_the_settings():
    reference = sentence_transformer(default_directory())
    with service(default_directory(), query_prompt="query: ", precision="exact") as ours:
        assert_same(ours.encode_query(TEXTS), reference.encode(["query: " + text for text in TEXTS]), "exact")
        assert_same(ours.encode_documents(TEXTS), reference.encode(TEXTS), "exact")
