"""``hybrid-embeddings`` as it is typed: the commands on a real SQLite store."""

import json
import subprocess
import sys

import numpy as np
import pytest

from hybrid_embeddings import cli
from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.cache.sql_tier import SqlTier
from hybrid_embeddings.keys import Space, tags

SPACE = Space("модель", "w", "text", "", "p", None, 16, True, "fast")
OTHER = Space("other", "w", "query", "", "p", None, 16, True, "exact")


@pytest.fixture
def store(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'кэш.sqlite'}"
    monkeypatch.setenv("EMBEDDING_CACHE_SQL_URL", url)
    tier = SqlTier(url, ttl_s=3600.0, timeout_s=5.0, max_entries=10**6)
    for space, codec, count in ((SPACE, codecs.FLOAT32, 150), (OTHER, codecs.INT8, 20)):
        texts = [f"текст {number}" for number in range(count)]
        vectors = np.random.default_rng(0).standard_normal((count, 16)).astype(np.float32)
        facts = np.tile(np.array([[5, 2]], dtype=np.int32), (count, 1))
        tier.register(space.digest(), space.described())
        tier.put_many(space.digest(), RecordFormat(16).encode(codec, space.keys(texts), tags(texts), vectors, facts))
    yield tier
    tier.close()


def run(capsys, *arguments) -> tuple[int, str, str]:
    status = cli.main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_stats_show_what_each_space_holds(capsys, store):
    status, out, _ = run(capsys, "cache", "stats")
    assert status == 0
    line = next(line for line in out.splitlines() if SPACE.digest().hex() in line)
    assert "150 records" in line
    assert "150 float32" in line
    assert "model=модель" in line
    assert "170 records, " in out


def test_verify_finds_damage_and_removes_it(capsys, store):
    assert run(capsys, "cache", "verify")[0] == 0
    space, key, record = next(store.scan(SPACE.digest()))
    store.put_many(space, {key: record[:-1] + b"!"})
    status, out, _ = run(capsys, "cache", "verify")
    assert (status, "1 records cannot be read" in out) == (1, True)
    assert run(capsys, "cache", "verify", "--delete")[0] == 0
    assert run(capsys, "cache", "verify")[0] == 0
    assert store.get_many(space, [key]) == [None]


def test_purge_needs_to_be_told_what(capsys, store):
    with pytest.raises(SystemExit):
        cli.main(["cache", "purge"])
    assert "20 records removed" in run(capsys, "cache", "purge", "--space", OTHER.digest().hex())[1]
    assert "150 records removed" in run(capsys, "cache", "purge", "--all")[1]
    assert list(store.scan()) == []


def test_export_writes_the_vectors_as_json_lines(capsys, store, tmp_path):
    status, _, err = run(capsys, "cache", "export", tmp_path / "вывод.jsonl", "--space", OTHER.digest().hex())
    assert (status, "20 records written" in err) == (0, True)
    lines = [json.loads(line) for line in (tmp_path / "вывод.jsonl").read_text(encoding="utf-8").splitlines()]
    expected = np.random.default_rng(0).standard_normal((20, 16)).astype(np.float32)
    by_key = {line["key"]: line for line in lines}
    for row, key in enumerate(OTHER.keys([f"текст {number}" for number in range(20)])):
        line = by_key[key.hex()]
        assert np.allclose(line["vector"], expected[row], atol=0.03)
        assert (line["codec"], line["tokens"], line["cut_off"]) == ("int8", 5, 2)
    assert run(capsys, "cache", "export", "-")[1].count("\n") == 170


def test_an_older_export_stays_until_the_new_one_is_whole(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("EMBEDDING_CACHE_REDIS_URL", "unix:///nowhere/redis.sock")
    older = tmp_path / "older.jsonl"
    older.write_text("{}\n", encoding="utf-8")
    assert run(capsys, "cache", "export", older)[0] == 1
    assert [path.name for path in tmp_path.glob("*.jsonl*")] == ["older.jsonl"]
    assert older.read_text(encoding="utf-8") == "{}\n"
    assert not list(tmp_path.glob(".*draft"))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_path_that_is_no_utf8_can_be_told():
    command = [sys.executable, "-m", "hybrid_embeddings.cli", "doctor", "--against", b"/\xff.env"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "hybrid-embeddings: /\\udcff.env is not there; give the .env file of the other installation\n"


def test_lines_in_another_encoding(capsys, tmp_path):
    (tmp_path / "cp1251.txt").write_bytes("строка".encode("cp1251"))
    status, _, err = run(capsys, "cache", "accuracy", "--texts", tmp_path / "cp1251.txt")
    assert (status, "save the file as UTF-8" in err) == (2, True)


def test_calibrate_from_the_cache_and_use_it(capsys, store, tmp_path, monkeypatch):
    file = tmp_path / "шкалы.json"
    for percentile in (99.9, 90):
        arguments = ("cache", "calibrate", file, "--space", SPACE.digest().hex(), "--percentile", percentile)
        assert run(capsys, *arguments)[0] == 0
    from hybrid_embeddings import Settings
    from hybrid_embeddings.cache import calibrations
    from hybrid_embeddings.cache_wiring import storage

    assert len(calibrations.read(file)) == 2
    settings = Settings.load(env_file=None, quantization_calibration=file, quantization_normal="int8-calibrated")
    chosen = storage(settings, 16)
    assert chosen.records.calibration.number == calibrations.read(file)[1].number
    assert set(chosen.records.calibrations) == {one.number for one in calibrations.read(file)}
    file.write_text(file.read_text(encoding="utf-8").replace('"number": ', '"number": 1'))
    monkeypatch.setenv("EMBEDDING_QUANTIZATION_CALIBRATION", str(file))
    status, _, err = run(capsys, "cache", "verify")
    assert (status, "is no calibration" in err) == (2, True)


def test_accuracy_is_measured_on_the_vectors_of_the_cache(capsys, store):
    status, out, _ = run(capsys, "cache", "accuracy", "--space", SPACE.digest().hex())
    assert status == 0
    worst = {line.split()[0]: float(line.split()[1]) for line in out.splitlines()[2:]}
    assert worst.keys() == {"float16", "int16", "int8", "int8-calibrated"}
    assert worst["int16"] < 1e-7 < worst["int8"] < 1e-3


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("purge", "--space", "kein hex"), "no id of a space"),
        (("purge", "--space", ""), "no id of a space"),
        (("accuracy", "--space", "00" * 8), "no store has readable records"),
        (("accuracy", "--space", "00" * 8, "--most", "-1"), "--most is -1"),
        (("accuracy", "--texts", "fehlt.txt"), "fehlt.txt"),
    ],
)
def test_wrong_input_says_what_is_wrong(capsys, store, arguments, expected):
    status, _, err = run(capsys, "cache", *arguments)
    assert (status, expected in err) == (2, True)


def test_without_a_store_it_says_what_to_set(capsys):
    status, _, err = run(capsys, "cache", "stats")
    assert (status, "EMBEDDING_CACHE_REDIS_URL" in err) == (2, True)


def test_a_store_that_is_away_is_told_without_its_password(capsys, monkeypatch):
    monkeypatch.setenv("EMBEDDING_CACHE_REDIS_URL", "unix://:geheim@/nowhere/redis.sock")
    status, out, err = run(capsys, "cache", "stats")
    assert status == 1
    assert "nowhere" in err
    assert "geheim" not in out + err


def test_doctor_says_why_two_configurations_do_not_share(capsys, store, tmp_path):
    other = tmp_path / "другой.env"
    other.write_text(
        "EMBEDDING_PRECISION=exact\nEMBEDDING_CACHE_SECRET=geheim\nEMBEDDING_TRUNCATE_DIM=64\n"
        "EMBEDDING_DOCUMENT_PROMPT=geheimer Auftrag\n",
        encoding="utf-8",
    )
    status, out, _ = run(capsys, "doctor", "--against", other)
    assert status == 0
    for reason in (
        "numeric_class is fast here and exact there",
        "dimension is 384 here and 64 there",
        "document: prompt is (none) here",
        "EMBEDDING_CACHE_SECRET differs",
        "EMBEDDING_CACHE_SQL_URL differs",
    ):
        assert reason in out
    assert "geheim" not in out
    same = tmp_path / "same.env"
    same.write_text(f"EMBEDDING_CACHE_SQL_URL=sqlite:///{tmp_path / 'кэш.sqlite'}\n", encoding="utf-8")
    assert "shares all entries" in run(capsys, "doctor", "--against", same)[1]
    assert "sql tier: sqlite" in run(capsys, "doctor")[1]


def test_help_lists_the_commands_without_loading_what_is_heavy():
    script = (
        "import sys; from hybrid_embeddings import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'sqlalchemy', 'redis', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "cache" in done.stdout
    assert "doctor" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
