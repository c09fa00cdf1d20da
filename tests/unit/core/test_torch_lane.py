"""The torch lane on the CPU: numeric classes, layouts, attention without padding, errors. CUDA is in tests/gpu."""

import gc
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from hybrid_embeddings.errors import LaneError, LaneOutOfMemory
from hybrid_embeddings.models import reference
from hybrid_embeddings.models.canaries import canary_texts
from hybrid_embeddings.models.cuda_attention import attention_function, flash_kernel
from hybrid_embeddings.models.lane_check import TOLERANCE, check_lane, cosine_distances
from hybrid_embeddings.models.memory_pool import MemoryPool
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.models.torch_numeric import true_float32
from hybrid_embeddings.types import Batch, TokenizedText
from tests.models import default_directory, sentence_transformer, st_modules, variant


def loop_kernel(query, key, value, borders, longest, is_causal, scale):  # noqa: PLR0917 - as kernels are called
    """Attend within each text, one after the other: slow, plainly right."""
    output = torch.empty_like(query)
    for first, last in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        rows = [states[first:last].transpose(0, 1)[None] for states in (query, key, value)]
        found = torch.nn.functional.scaled_dot_product_attention(*rows, is_causal=is_causal, scale=scale)
        output[first:last] = found[0].transpose(0, 1)
    return output


class FlatHost(HostDevice):
    """A CPU that has a kernel for texts without padding, and a pool."""

    def __init__(self, kernel=loop_kernel):
        super().__init__()
        self.flat_kernel = kernel
        self.host = MemoryPool(self._allocate, limit_bytes=1 << 24)
        self.n_released = 0

    def pool_stats(self):
        return {"pinned": self.host.stats()}

    def release(self):
        self.n_released += 1
        self.host.clear()


@pytest.fixture(scope="module")
def card():
    return reference.read_card(sentence_transformer(default_directory()))


@pytest.fixture(scope="module")
def tokenized():
    tokenizer = sentence_transformer(default_directory()).tokenizer
    ids = tokenizer(canary_texts(), truncation=True, max_length=256)["input_ids"]
    return [TokenizedText(np.array(row, dtype=np.int32)) for row in ids]


@pytest.fixture(scope="module")
def expected():
    return reference.reference_vectors(sentence_transformer(default_directory()), canary_texts())


def lane_on(device, card, numeric_class, directory=None):
    return TorchLane(directory or default_directory(), card, device, numeric_class=numeric_class)


def test_float32_is_the_reference(card, tokenized, expected):
    assert check_lane(lane_on(HostDevice(), card, "float32"), tokenized, expected, tolerance=1e-6).worst < 1e-6


def test_bfloat16_products_pass_the_check_of_fast_lanes(card, tokenized, expected):
    lane = lane_on(HostDevice(), card, "bfloat16")
    check = check_lane(lane, tokenized, expected, tolerance=TOLERANCE["fast"])
    assert check.worst > 1e-7
    exact = lane.run(Batch(tuple(tokenized[:4]), exact=True))
    assert cosine_distances(exact, expected[:4]).max() < 1e-6


def test_without_padding_the_vectors_are_the_same(card, tokenized, expected):
    lane = lane_on(FlatHost(), card, "bfloat16")
    assert lane.is_flat
    check_lane(lane, tokenized, expected, tolerance=TOLERANCE["fast"])
    exact = lane.run(Batch(tuple(tokenized[:4]), exact=True))
    assert cosine_distances(exact, expected[:4]).max() < 1e-6
    assert lane.pool_stats()["pinned"].n_hits > 0


def test_a_text_without_tokens_goes_with_padding(card, tokenized):
    nothing = TokenizedText(np.zeros(0, dtype=np.int32))
    flat, padded = (lane_on(device, card, "bfloat16") for device in (FlatHost(), HostDevice()))
    assert flat.is_flat
    for texts in ((nothing,), (nothing, *tokenized[3:5])):
        np.testing.assert_array_equal(flat.run(Batch(texts)), padded.run(Batch(texts, exact=True)))


@pytest.mark.parametrize("n_groups", [12, 4])
def test_the_kernel_of_torch_takes_what_it_is_given(n_groups):
    """Shapes and arguments only, by torch's own description of its operator: no device is needed for that."""
    query = torch.empty(24, 12, 32, dtype=torch.float16, device="meta")
    states = torch.empty(24, n_groups, 32, dtype=torch.float16, device="meta")
    borders = torch.empty(4, dtype=torch.int32, device="meta")
    found = flash_kernel(query, states, states, borders, 12, False, 0.2)
    assert (found.shape, found.dtype) == (query.shape, query.dtype)


def wrong_kernel(query, key, value, *_):
    return value * 2


def missing_kernel(*_):
    raise NotImplementedError("no such kernel on this device")


@pytest.mark.parametrize("kernel", [wrong_kernel, missing_kernel])
def test_a_kernel_that_does_not_work_leaves_the_padding(kernel, card, tokenized, expected):
    lane = lane_on(FlatHost(kernel), card, "bfloat16")
    assert not lane.is_flat
    check_lane(lane, tokenized, expected, tolerance=TOLERANCE["fast"])


def test_positions_of_the_roberta_family(tmp_path):
    """Positions start behind the padding id there; a small random model is enough to tell."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    torch.manual_seed(3)
    special = dict(zip(("pad_token", "eos_token", "unk_token"), ("<pad>", "</s>", "<unk>"), strict=True))
    words = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *"abcdefghijklmnop"])}
    backend = Tokenizer(models.WordLevel(words, special["unk_token"]))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, **special)
    config = RobertaConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=40,
        pad_token_id=1,
    )
    with reference.quiet_loading():
        RobertaModel(config).save_pretrained(tmp_path / "raw")
        tokenizer.save_pretrained(tmp_path / "raw")
        modules = [st_modules.Transformer(str(tmp_path / "raw"), max_seq_length=32), st_modules.Pooling(32)]
    directory = variant(tmp_path / "model", modules)
    card = reference.read_card(sentence_transformer(directory))
    assert lane_on(FlatHost(), card, "bfloat16", directory).is_flat


def test_a_prompt_left_out_of_the_pooling(tmp_path, tokenized):
    first, *_ = sentence_transformer(default_directory())
    directory = variant(tmp_path / "model", [first, st_modules.Pooling(384, include_prompt=False)])
    card = reference.read_card(sentence_transformer(directory))
    batch = Batch(tuple(text for text in tokenized if len(text.ids) > 6)[:5], prompt_tokens=4)
    padded = lane_on(HostDevice(), card, "bfloat16", directory).run(batch)
    flat = lane_on(FlatHost(), card, "bfloat16", directory)
    assert flat.is_flat
    assert cosine_distances(flat.run(batch), padded).max() < 1e-3


@pytest.mark.parametrize("keyword", ["sliding_window", "softcap", "position_bias", "s_aux"])
def test_attention_that_the_kernel_does_not_offer_is_refused(keyword):
    attend = attention_function(loop_kernel)
    states = torch.zeros(1, 1, 2, 4)
    with pytest.raises(LaneError, match=keyword):
        attend(None, states, states, states, None, cu_seq_lens_q=torch.tensor([0, 2]), **{keyword: 4})
    with pytest.raises(LaneError, match="no borders"):
        attend(None, states, states, states, None)


class Failing(FlatHost):
    """A device whose next batch fails."""

    error = None

    @contextmanager
    def slot(self):
        with super().slot():
            yield
            if self.error is not None:
                raise self.error


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["MemoryError", "cuda", "cublas", "cpu"],
)
def test_lack_of_memory_is_told_apart_and_frees_buffers(error, card, tokenized):
    device = Failing()
    lane = lane_on(device, card, "float32")
    lane.run(Batch(tuple(tokenized[:2])))
    device.error = error
    with pytest.raises(LaneOutOfMemory) as caught:
        lane.run(Batch(tuple(tokenized[:2])))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert device.n_released == 1
    assert device.host.stats().held_bytes == 0
    device.error = None
    assert lane.run(Batch(tuple(tokenized[:2]))).shape == (2, card.dimension)


def test_nothing_of_a_failed_batch_is_alive_when_memory_is_freed(card, tokenized):
    """Else the allocator could not give the activations back."""
    device = Failing()
    lane = lane_on(device, card, "float32")
    seen = []
    forward = lane._model.forward

    def watched(features):
        found = forward(features)
        seen.append(weakref.ref(found["token_embeddings"]))
        return found

    lane._model.forward = watched
    device.release = lambda: seen.append(seen[0]() is None)
    device.error = RuntimeError("out of memory")
    gc.disable()
    try:
        with pytest.raises(LaneOutOfMemory):
            lane.run(Batch(tuple(tokenized[:2])))
    finally:
        gc.enable()
    assert seen[1:] == [True]


def test_other_errors_are_lane_errors(card, tokenized):
    device = Failing()
    lane = lane_on(device, card, "float32")
    device.error = RuntimeError("CUDA error: an illegal memory access was encountered")
    with pytest.raises(LaneError, match="cpu: .*illegal") as caught:
        lane.run(Batch(tuple(tokenized[:2])))
    assert not isinstance(caught.value, LaneOutOfMemory)
    assert device.host.stats().n_leased == 0


def test_true_float32_holds_and_puts_back():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with true_float32():
            with true_float32():
                assert torch.backends.cuda.matmul.fp32_precision == "ieee"
            assert torch.backends.cuda.matmul.fp32_precision == "ieee"
        assert torch.backends.cuda.matmul.fp32_precision == "tf32"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
