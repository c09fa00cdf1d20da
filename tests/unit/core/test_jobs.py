"""Bulk jobs: every row once and in order, whatever the input, and whatever an earlier run left."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams

from hybrid_embeddings import cli
from hybrid_embeddings.errors import InputError, JobError
from hybrid_embeddings.jobs import parquet
from hybrid_embeddings.jobs.job import Options, run_job
from hybrid_embeddings.jobs.lines import jsonl_source, text_source
from hybrid_embeddings.jobs.upload import point_id, upload
from hybrid_embeddings.jobs.worker import EmbeddingWorker
from hybrid_embeddings.settings import Settings
from tests.models import static_model


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return static_model(tmp_path_factory.mktemp("модель"))


@pytest.fixture
def worker(model):
    worker = EmbeddingWorker(Settings(model=str(model)))
    yield worker
    worker.close()


def texts(count):
    return [f"проводка {number} по складу № {number % 7}" for number in range(count)]


def text_file(folder, lines):
    file = folder / "тексты.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def jsonl_file(folder, rows):
    file = folder / "строки.jsonl"
    file.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return file


def check(output, worker, expected):
    table = pq.read_table(output)
    assert table.column("row").to_pylist() == list(range(len(expected)))
    vectors = np.array(table.column("vector").to_pylist(), dtype=np.float32)
    assert np.allclose(vectors, worker.embed(expected)[0], atol=1e-6)
    assert not list(output.parent.glob("*.parts"))
    return table


@pytest.mark.parametrize("rows_per_part", [1, 7, 100, 1000])
def test_rows_of_a_text_file_come_out_once_and_in_order(tmp_path, worker, rows_per_part):
    lines = [*texts(98), "", "  пробелы  "]
    output = tmp_path / "выход.parquet"
    done = run_job(text_source(text_file(tmp_path, lines)), worker, Options(output, rows_per_part=rows_per_part))
    assert (done.n_rows, done.n_before) == (100, 0)
    check(output, worker, lines)


def test_json_lines_with_ids_and_texts(tmp_path, worker):
    rows = [{"текст": text, "код": f"К-{n}", "other": [n]} for n, text in enumerate(texts(20))]
    source = jsonl_source(jsonl_file(tmp_path, rows), column="текст", id_column="код")
    output = tmp_path / "выход.parquet"
    run_job(source, worker, Options(output, rows_per_part=6, keep_text=True))
    table = check(output, worker, texts(20))
    assert table.column("id").to_pylist() == [f"К-{n}" for n in range(20)]
    assert table.column("text").to_pylist() == texts(20)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_in(tmp_path, worker, kind):
    file = tmp_path / "вход.parquet"
    table = pa.table({"t": pa.array(texts(53), pa.string()).cast(kind), "id": pa.array(range(53), pa.int32())})
    pq.write_table(table, file, row_group_size=10)
    output = tmp_path / "выход.parquet"
    run_job(parquet.ParquetSource(file, column="t", id_column="id"), worker, Options(output, rows_per_part=8))
    assert check(output, worker, texts(53)).column("id").to_pylist() == list(range(53))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "не закрыто', "no JSON"),
        ("[1]", "list, expected an object"),
        ('{"body": "x"}', "no field 'text'; there are 'body'"),
        ('{"text": 7, "id": 1}', "field 'text' is int, expected a string"),
        ('{"text": "\\ud800", "id": 1}', "no valid Unicode"),
        ('{"text": "x", "id": "1"}', "field 'id' is str, int before"),
        ('{"text": "x", "id": 1e3}', "field 'id' is float, expected a whole number or a string"),
        ('{"text": "x", "id": 99999999999999999999}', "64 bits"),
        ("", "no JSON"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_computed(tmp_path, worker, line, said):
    file = jsonl_file(tmp_path, [{"text": text, "id": n} for n, text in enumerate(texts(5))])
    file.write_text(file.read_text(encoding="utf-8") + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="строки.jsonl:6: ") as raised:
        run_job(jsonl_source(file, column="text", id_column="id"), worker, Options(tmp_path / "выход.parquet"))
    assert said in str(raised.value)
    assert raised.value.index == 5
    assert worker._service is None
    assert list(tmp_path.iterdir()) == [file]


def test_bytes_that_are_no_text_are_named(tmp_path, worker):
    file = tmp_path / "тексты.txt"
    file.write_bytes("хорошо\n".encode() + "плохо".encode("cp1251"))
    with pytest.raises(InputError, match=r"тексты.txt:2: .*UTF-8"):
        run_job(text_source(file), worker, Options(tmp_path / "выход.parquet"))


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        (pa.table({"text": ["а", None]}), "text", "row 2: column 'text' is null"),
        (pa.table({"text": [1, 2]}), "text", "column 'text' is int64, expected a string"),
        (pa.table({"text": ["а"]}), "нет", "no column 'нет'; it has 'text'"),
        (pa.table({"text": pa.array([], pa.string())}), "text", "no rows"),
    ],
)
def test_parquet_that_cannot_be_embedded_is_refused(tmp_path, worker, table, column, said):
    file = tmp_path / "вход.parquet"
    pq.write_table(table, file)
    with pytest.raises(InputError, match=said):
        run_job(parquet.ParquetSource(file, column=column, id_column=None), worker, Options(tmp_path / "в.parquet"))


class Stopping(EmbeddingWorker):
    """A worker that fails at its n-th batch, as a machine that is switched off would."""

    def __init__(self, settings, good_batches):
        super().__init__(settings)
        self.left = good_batches

    def embed(self, texts):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("switched off")
        return super().embed(texts)


@pytest.fixture
def interrupted(tmp_path, model):
    """A job of 100 rows that stopped after 60."""
    file = text_file(tmp_path, texts(100))
    output = tmp_path / "выход.parquet"
    stopping = Stopping(Settings(model=str(model)), 6)
    with pytest.raises(RuntimeError, match="switched off"):
        run_job(text_source(file), stopping, Options(output, rows_per_part=10))
    stopping.close()
    assert not output.exists()
    return file, output


def test_an_interrupted_job_goes_on(worker, interrupted):
    file, output = interrupted
    seen = []
    done = run_job(
        text_source(file), worker, Options(output, rows_per_part=10), progress=lambda *state: seen.append(state)
    )
    assert done.n_before in {50, 60}  # the seventh batch may fail before the sixth is written
    assert seen == [(n, 100) for n in range(done.n_before + 10, 101, 10)]
    check(output, worker, texts(100))
    assert run_job(text_source(file), worker, Options(output)).n_before == 100  # done: nothing is computed again


def test_the_parts_may_have_another_size_from_then_on(worker, interrupted):
    file, output = interrupted
    run_job(text_source(file), worker, Options(output, rows_per_part=33))
    check(output, worker, texts(100))


def test_a_damaged_part_and_those_behind_it_are_made_anew(worker, interrupted):
    file, output = interrupted
    parts = sorted(output.with_name("выход.parquet.parts").glob("part-*"))
    parts[2].write_bytes(parts[2].read_bytes()[:100])
    (parts[2].parent / ".part-x.draft").write_bytes(b"torn")
    done = run_job(text_source(file), worker, Options(output, rows_per_part=10))
    assert done.n_before == 20
    check(output, worker, texts(100))


def test_another_input_or_model_is_refused(worker, interrupted, model, tmp_path):
    file, output = interrupted
    for changed, said in (
        (EmbeddingWorker(Settings(model=str(model), truncate_dim=4)), "fingerprint"),
        (EmbeddingWorker(Settings(model=str(model)), kind="query"), "kind: document before, query now"),
    ):
        with pytest.raises(JobError, match=said):
            run_job(text_source(file), changed, Options(output))
        changed.close()
    text_file(tmp_path, [*texts(99), "другое"])
    with pytest.raises(JobError, match="input: "):
        run_job(text_source(file), worker, Options(output))
    done = run_job(text_source(file), worker, Options(output, start_over=True))
    assert done.n_before == 0
    check(output, worker, [*texts(99), "другое"])


def test_a_file_of_somebody_else_is_never_replaced_by_accident(tmp_path, worker):
    output = tmp_path / "чужой.parquet"
    pq.write_table(pa.table({"a": [1]}), output)
    with pytest.raises(JobError, match="no job wrote it"):
        run_job(text_source(text_file(tmp_path, texts(3))), worker, Options(output))
    assert pq.read_table(output).num_rows == 1


def test_two_runs_at_once_are_one_too_many(tmp_path, worker):
    file, output = text_file(tmp_path, texts(20)), tmp_path / "выход.parquet"
    refused = []

    def second(*_):
        if not refused:
            with ThreadPoolExecutor(1) as pool, pytest.raises(JobError, match="another run") as raised:
                pool.submit(run_job, text_source(file), worker, Options(output)).result()
            refused.append(raised.value)

    run_job(text_source(file), worker, Options(output, rows_per_part=5), progress=second)
    assert refused
    check(output, worker, texts(20))


@contextlib.contextmanager
def files_of_at_most(n_bytes):
    """A disk that takes no more: writing beyond it fails in the system, as on a full one."""
    resource = pytest.importorskip("resource", reason="this system has no limit on the size of files")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("n_bytes", "n_safe"), [(500, 0), (4_000, 100)])  # in the first part; when putting together
def test_a_full_disk_costs_nothing_that_was_done(tmp_path, worker, n_bytes, n_safe):
    file, output = text_file(tmp_path, texts(100)), tmp_path / "выход.parquet"
    worker.embed(["загружено"])
    with files_of_at_most(n_bytes), pytest.raises(JobError, match=f"{n_safe} rows are safe"):
        run_job(text_source(file), worker, Options(output, rows_per_part=10))
    assert not output.exists()
    assert not list(tmp_path.rglob("*.draft"))
    assert run_job(text_source(file), worker, Options(output, rows_per_part=10)).n_before == n_safe
    check(output, worker, texts(100))


def test_too_small_a_disk_is_told_beforehand(tmp_path, worker, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(JobError, match="the job needs"):
        run_job(text_source(text_file(tmp_path, texts(100))), worker, Options(tmp_path / "выход.parquet"))


def test_cut_texts_are_told(tmp_path, model):
    worker = EmbeddingWorker(Settings(model=str(model), max_tokens=4))
    file, output = text_file(tmp_path, ["раз два", "раз два три четыре пять шесть"]), tmp_path / "выход.parquet"
    done = run_job(text_source(file), worker, Options(output))
    assert done.n_cut == 1
    assert pq.read_table(output).column("cut_tokens").to_pylist() == [0, 2]
    strict = EmbeddingWorker(Settings(model=str(model), max_tokens=4), on_truncate="error")
    with pytest.raises(InputError, match="row 2: ") as raised:
        run_job(text_source(file), strict, Options(tmp_path / "другой.parquet"))
    assert raised.value.index == 1
    worker.close()
    strict.close()


def test_a_worker_is_called_with_columns_and_travels_by_pickle(worker, model):
    worker.embed(["загружено"])
    copy = pickle.loads(pickle.dumps(worker))
    assert copy._service is None
    batch = {"text": np.array(texts(5)), "n": np.arange(5)}
    out = copy(batch)
    assert out.keys() == {"text", "n", "vector"}
    assert np.allclose(out["vector"], worker.embed(texts(5))[0])
    with pytest.raises(InputError, match=r"no column 'text'; it has 'body'"):
        copy({"body": ["x"]})
    copy.close()


def test_threads_share_the_engine_of_a_worker(worker):
    together = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: (together.wait(), worker.service)[1], range(8)))
    assert len(set(map(id, found))) == 1


def test_points_have_the_same_ids_in_every_run(tmp_path, worker):
    rows = [{"text": text, "id": n} for n, text in enumerate(texts(300))]
    output = tmp_path / "выход.parquet"
    source = jsonl_source(jsonl_file(tmp_path, rows), column="text", id_column="id")
    run_job(source, worker, Options(output, rows_per_part=90, keep_text=True))
    client = QdrantClient(":memory:")
    assert upload(output, client, "склад") == 300
    assert upload(output, client, "склад") == 300
    [point] = client.retrieve("склад", [point_id("склад", 7)], with_vectors=True)
    assert point.payload == {"row": 7, "id": 7, "text": texts(8)[7]}
    wanted = worker.embed([texts(8)[7]])[0][0]
    assert np.allclose(point.vector, wanted / np.linalg.norm(wanted), atol=1e-5)
    assert len({point_id("склад", 1), point_id("склад", "1"), point_id("другой", 1)}) == 3
    other = QdrantClient(":memory:")
    other.create_collection("склад", vectors_config=VectorParams(size=3, distance=Distance.COSINE))
    with pytest.raises(JobError, match="3 dimensions"):
        upload(output, other, "склад")
    client.close()
    other.close()


def test_the_command(tmp_path, capsys, model):
    file = text_file(tmp_path, texts(12))
    output = tmp_path / "выход.parquet"
    arguments = ["embed", str(file), str(output), "--model", str(model), "--rows-per-part", "5"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert "12 rows, 0 of them by earlier runs, 0 texts cut" in printed.out
    assert "12 of 12 rows (100%)" in printed.err
    assert cli.main([*arguments, "--quiet"]) == 0
    assert "12 of them by earlier runs" in capsys.readouterr().out
    for wrong, said in (
        (["нет.txt", str(output)], "нет.txt is no file"),
        ([str(file), str(output), "--id", "x"], "have no ids"),
        ([str(file), str(output), "--rows-per-part", "0"], "at least 1"),
        ([str(file), str(tmp_path / "тексты.txt" / "выход.parquet")], "cannot be made"),
    ):
        assert cli.main(["embed", *wrong, "--model", str(model)]) == 2
        assert said in capsys.readouterr().err


def test_consecutive_sources_read_on_from_any_row(tmp_path):
    file = text_file(tmp_path, texts(10))
    for start in range(11):
        rows = list(text_source(file).rows(start, 3))
        assert [text for part in rows for text in part.texts] == texts(10)[start:]
        assert all(one.first + len(one) == two.first for one, two in pairwise(rows))
