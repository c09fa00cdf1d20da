"""kill -9 in the middle of a bulk job: the next run goes on, and every row is there once and in order."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet as pq

import hybrid_embeddings
from hybrid_embeddings.jobs.worker import EmbeddingWorker
from hybrid_embeddings.settings import Settings
from tests.models import static_model

ROOT = Path(hybrid_embeddings.__file__).parents[1]
ROWS, ROWS_PER_PART = 4_000, 4


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return static_model(tmp_path_factory.mktemp("модель"))


@pytest.fixture
def job(tmp_path, model):
    return Job(tmp_path, model)


class Job:
    """The command, as it is typed."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.texts = [f"проводка {n % 2_000} складу {n // 2_000}" for n in range(ROWS)]
        self.output = folder / "выход.parquet"
        self.folder = folder / "выход.parquet.parts"
        source = folder / "вход.txt"
        source.write_text("\n".join(self.texts), encoding="utf-8")
        self._model = model
        self._command = [sys.executable, "-m", "hybrid_embeddings.cli", "embed", str(source), str(self.output)]
        self._command += ["--model", str(model), "--rows-per-part", str(ROWS_PER_PART), "--quiet"]

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def n_done(self) -> int:
        return ROWS_PER_PART * sum(1 for _ in self.folder.glob("part-*")) if self.folder.exists() else 0

    def check(self) -> None:
        table = pq.read_table(self.output)
        assert table.column("row").to_pylist() == list(range(ROWS))
        worker = EmbeddingWorker(Settings(model=str(self._model)))
        vectors = np.array(table.column("vector").to_pylist(), dtype=np.float32)
        assert np.allclose(vectors, worker.embed(self.texts)[0], atol=1e-6)
        worker.close()
        assert not self.folder.exists()


def test_killed_at_sixty_per_cent(job):
    first = job.start()
    while job.n_done() < 0.6 * ROWS:
        assert first.poll() is None, first.communicate()
        time.sleep(0.002)
    first.kill()
    first.communicate()
    kept = job.n_done()
    assert 0.6 * ROWS <= kept < ROWS
    assert not job.output.exists()
    second = job.start()
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert f"4,000 rows, {kept:,} of them by earlier runs" in out
    job.check()


@pytest.mark.long
def test_killed_at_any_moment(job):
    chance = random.Random(7)
    for _ in range(25):
        running = job.start()
        target = min(job.n_done() + chance.randrange(0, ROWS // 8), ROWS)
        while running.poll() is None and job.n_done() < target:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.05)
        running.kill()
        running.communicate()
        if job.output.exists():
            break
    last = job.start()
    _, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    job.check()
