"""Rows E1, E4 and §4 of the requirements at their edges: many texts, empty texts, threads, forks, few cores."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings, SettingsError
from hybrid_embeddings.models.devices import available_cores
from hybrid_embeddings.models.tokenizer import TextTokenizer
from tests.models import default_directory, st_modules, variant


@pytest.fixture(scope="module")
def tokenizer_json():
    return (default_directory() / "tokenizer.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tiny_static(tmp_path_factory):
    """A static model of eight dimensions, so that a million vectors are 32 MB."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(default_directory() / "tokenizer.json"))
    weights = np.random.default_rng(3).normal(size=(tokenizer.get_vocab_size(), 8)).astype(np.float32)
    modules = [st_modules.StaticEmbedding(tokenizer, embedding_weights=weights)]
    return variant(tmp_path_factory.mktemp("крошка") / "модель", modules)


def test_a_million_texts_in_a_million_vectors_out(tiny_static, model_cache):
    texts = [f"слово {number % 1000}" for number in range(1_000_000)]
    settings = Settings(model=str(tiny_static), cache_dir=model_cache, cache_enabled=False)
    with EmbeddingService(settings=settings) as service:
        vectors = service.encode(texts)
        assert vectors.shape == (1_000_000, 8)
        np.testing.assert_array_equal(vectors[:1000], vectors[-1000:])
        np.testing.assert_allclose(vectors[123_456], service.encode("слово 456"), atol=1e-6)


def test_empty_texts_keep_their_places(model_cache):
    texts = ["", "stock", " ", "", "\n\t", "stock", "склад" * 3, ""]
    settings = Settings(offline=True, cache_dir=model_cache, cache_enabled=False)
    with EmbeddingService(settings=settings) as service:
        found = service.encode(texts)
        assert found.shape == (8, 384)
        for row, text in enumerate(texts):
            assert found[row] @ service.encode(text) > 0.999


def test_a_long_text_among_short_ones_keeps_its_place(model_cache):
    texts = [f"text {number}" for number in range(40)]
    texts[7], texts[23] = "stock of the warehouse " * 1000, "курс валюты " * 2000  # both above 10 KB
    settings = Settings(offline=True, cache_dir=model_cache, cache_enabled=False)
    with EmbeddingService(settings=settings) as service:
        found = service.encode(texts)
        singles = np.stack([service.encode(text) for text in texts])
    assert np.einsum("ij,ij->i", found, singles).min() > 0.999


def test_threads_do_not_change_the_lengths_of_each_other(tokenizer_json):
    """§4.9: two limits over one definition, sixteen threads."""
    texts = [f"слово {number} stock " * (number % 40 + 1) for number in range(200)]
    tokenizers = [TextTokenizer(tokenizer_json, max_tokens=limit, add_special_tokens=True) for limit in (16, 64)]
    expected = [[text.ids.tolist() for text in tokenizer(texts)] for tokenizer in tokenizers]

    def call(number):
        return [text.ids.tolist() for text in tokenizers[number % 2](texts)] == expected[number % 2]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(200)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [("max 100000", None), ("100000 100000", 1), ("50000 100000", 1), ("rubbish", None), ("900000000 100000", None)],
)
def test_cores_follow_the_quota_of_the_container(tmp_path, content, expected):
    (tmp_path / "cpu.max").write_text(content, encoding="ascii")
    of_machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert available_cores(cgroup=tmp_path / "cpu.max") == (expected or of_machine)


@pytest.mark.parametrize("name", ["EMBEDDING_MAX_BATCH_TOKENS", "EMBEDDING_MAX_MEMORY_MB", "EMBEDDING_CPU_THREADS"])
@pytest.mark.parametrize("value", ["-1", "0"])
def test_negative_budgets_are_refused_by_name(name, value):
    with pytest.raises(SettingsError, match=f"{name}.*at least 1"):
        Settings.load(environ={name: value}, env_file=None)


FORK = """
import os, sys, threading
import numpy as np
from hybrid_embeddings import EmbeddingService
service = EmbeddingService(precision="exact")
before = service.encode("text")
texts = [f"text {number} " * 60 for number in range(60)]
results = []
busy = threading.Thread(target=lambda: results.append(service.encode(texts)))
busy.start()
while not service._runtime.engine().pipeline.dispatcher.queued_tokens and busy.is_alive():
    pass
children = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if np.allclose(before, service.encode("text"), atol=1e-4) else 1)
    children.append(pid)
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
busy.join()
service.close()
sys.exit(0 if codes == [0, 0] and results[0].shape == (60, 384) else 1)
"""

SPAWN = """
import multiprocessing
import numpy as np
from hybrid_embeddings import EmbeddingService

if __name__ == "__main__":
    with EmbeddingService(precision="exact") as service, multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(service.encode, ("text",))
        assert np.allclose(found, service.encode("text"), atol=1e-4)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_forked_while_the_parent_is_busy_work_and_so_does_the_parent(tmp_path):
    run_script(tmp_path, FORK)


def test_spawned_process_gets_a_service_of_its_own(tmp_path):
    run_script(tmp_path, SPAWN)


def run_script(folder, code):
    (folder / "программа.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, folder / "программа.py"],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=dict(os.environ),
    )
    assert done.returncode == 0, done.stderr
