"""What grows with the input and what must not: documents in an index, rows in a job, texts in a stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet as pq

import hybrid_embeddings
from tests.models import static_model
from tests.unit.rag_demo.dumps import SmallDump

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is counted in KiB on Linux only"),
]
ROOT = Path(hybrid_embeddings.__file__).parents[1]
MODULES, METHODS = 1_200, 20

_STREAM = """
import sys
from itertools import islice
from hybrid_embeddings import EmbeddingService, Settings
settings = Settings.load(env_file=None, model=sys.argv[1], offline=True)
texts = (f"проводка {n} по складу {n % 7}" for n in range(int(sys.argv[2])))
with EmbeddingService(settings=settings) as service:
    print(sum(vector.shape == (16,) for vector in service.embed_iter(texts)))
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return static_model(tmp_path_factory.mktemp("модель"))


def run(*arguments: str | Path, **environment: str) -> tuple[str, float]:
    """Run Python to its end; returns what it printed and the most memory it held, in MiB."""
    command = [sys.executable, *map(str, arguments)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        printed = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    assert running.returncode == 0, printed
    return printed, used.ru_maxrss / 1024


def demo(data: Path, *arguments: str | Path) -> tuple[str, float]:
    return run("-m", "rag_demo", *arguments, RAG_DATA_DIR=str(data), PYTHONUTF8="1")


def test_an_index_of_twenty_four_thousand_methods(tmp_path):
    dump, data = SmallDump(tmp_path / "выгрузка", modules=0, catalogues=300), tmp_path / "данные"
    for number in range(MODULES):
        dump.modules.append(f"Модуль{number}")
        dump.write_module(f"Модуль{number}", [f"Посчитать{number}_{part}" for part in range(METHODS)])
    dump.write_configuration()
    printed, peak_mib = demo(data, "index", dump.root, "--space", "большая")
    assert f"{MODULES * METHODS + 300} method" in printed.replace(",", "")
    assert peak_mib < 2_500
    assert best(data, f"Что считает Посчитать{MODULES - 1}_{METHODS - 1}?").endswith(
        f"Посчитать{MODULES - 1}_{METHODS - 1}"
    )
    dump.write_module("Модуль7", ["Переоценить7"])
    demo(data, "index", dump.root, "--space", "большая")
    assert best(data, "Что делает Переоценить7?") == "CommonModule.Модуль7.Переоценить7"
    demo(data, "verify", "большая")


def best(data: Path, question: str) -> str:
    """The full name of the document that an answer names first."""
    printed, _ = demo(data, "ask", question, "--space", "большая", "--json")
    return json.loads(printed[printed.index("{") :])["sources"][0]["full_name"]


def test_a_job_holds_no_more_for_more_rows(tmp_path, model):
    few_mib, many_mib = (job(tmp_path, model, rows) for rows in (10_000, 400_000))
    assert many_mib < few_mib + 150


def job(folder: Path, model: Path, rows: int) -> float:
    source, output = folder / f"{rows}.txt", folder / f"{rows}.parquet"
    source.write_text("".join(f"проводка {row} по складу\n" for row in range(rows)), encoding="utf-8")
    _, peak_mib = run("-m", "hybrid_embeddings.cli", "embed", source, output, "--model", model, "--quiet")
    assert pq.read_table(output, columns=["row"]).column("row").to_pylist() == list(range(rows))
    return peak_mib


def test_a_stream_holds_no_more_for_more_texts(model):
    (few, few_mib), (many, many_mib) = (run("-c", _STREAM, model, str(texts)) for texts in (10_000, 1_000_000))
    assert (int(few.split()[-1]), int(many.split()[-1])) == (10_000, 1_000_000)
    assert many_mib < few_mib + 150
