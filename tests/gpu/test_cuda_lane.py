"""The torch lane on a real CUDA device: parity, slots, pool, lack of memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from hybrid_embeddings import EmbeddingService, Settings
from hybrid_embeddings.errors import LaneOutOfMemory
from hybrid_embeddings.models import reference
from hybrid_embeddings.models.canaries import canary_texts
from hybrid_embeddings.models.cuda_device import CudaDevice, cuda_devices
from hybrid_embeddings.models.lane_check import TOLERANCE, check_lane, cosine_distances
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.types import Batch, TokenizedText
from tests.models import default_directory, sentence_transformer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device on this machine"),
]

_POOL_BYTES = 64 << 20


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


@pytest.fixture(scope="module", params=["float16", "bfloat16", "float32"])
def lane(request, card):
    lane = TorchLane(
        default_directory(), card, CudaDevice("cuda:0", pool_bytes=_POOL_BYTES), numeric_class=request.param
    )
    yield lane
    lane.close()


# bfloat16 throughout is coarser than the check allows; it is only tried where float16 fails.
_WORST = {"float16": TOLERANCE["fast"], "bfloat16": 2e-3, "float32": TOLERANCE["exact"]}


def test_the_device_is_found():
    assert "cuda:0" in cuda_devices()


def test_parity(lane, tokenized, expected):
    check_lane(lane, tokenized, expected, tolerance=_WORST[lane.numeric_class])


def test_exact_batches_are_float32(lane, tokenized, expected):
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        vectors = lane.run(Batch(tuple(tokenized), exact=True))
    finally:
        torch.set_float32_matmul_precision(before)
    assert cosine_distances(vectors, expected).max() < 1e-6


def test_without_padding_on_ampere_and_newer(lane):
    is_new = torch.cuda.get_device_capability(0) >= (8, 0)
    assert lane.is_flat == (is_new and lane.numeric_class != "float32")


def test_slots_at_the_same_time_do_not_mix_their_buffers(lane, tokenized, expected):
    batches = [Batch(tuple(tokenized[start : start + 4])) for start in range(0, 64, 4)] * 8
    with ThreadPoolExecutor(lane.n_slots) as threads:
        found = np.concatenate(list(threads.map(lane.run, batches)))
    wanted = np.concatenate([expected[:64]] * 8)
    assert cosine_distances(found, wanted).max() <= _WORST[lane.numeric_class]
    stats = lane.pool_stats()
    assert stats["pinned"].n_leased == stats["device"].n_leased == 0
    assert stats["pinned"].hit_rate > 0.9
    assert stats["pinned"].held_bytes <= _POOL_BYTES


def test_lack_of_memory_is_survived(lane, tokenized):
    small = Batch(tuple(tokenized[:4]))
    before = lane.run(small)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(0) + (16 << 20)) / total, 0)
    long = Batch((max(tokenized, key=lambda text: len(text.ids)),) * 4096)
    try:
        with pytest.raises(LaneOutOfMemory):
            lane.run(long)
        after = lane.run(small)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, 0)
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_memory_is_told(lane):
    reading = lane.memory()
    assert 0 < reading.free_bytes <= torch.cuda.get_device_properties(0).total_memory


@pytest.mark.parametrize("is_on", [True, False])
def test_the_setting_switches_the_pool(is_on, tmp_path):
    settings = Settings.load(
        environ={}, env_file=None, model=str(default_directory()), cache_dir=tmp_path, gpu_memory_pool=is_on
    )
    with EmbeddingService(settings=settings) as service:
        service.encode(["one", "two"], use_device="cuda")
        pools = service.explain()["lanes"]["cuda:0"]["memory_pool"]
    assert (pools["pinned"]["held_bytes"] > 0) == is_on
