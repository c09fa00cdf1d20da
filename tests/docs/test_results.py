"""The tables in the READMEs are those of the JSON files beside them."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results_table():
    spec = importlib.util.spec_from_file_location("results_table", ROOT / "benchmarks" / "results_table.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "docs/results/README.md"])
def test_table_is_up_to_date(results_table, name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert text.count("<!-- results:begin -->\n") == text.count("<!-- results:end -->") == 1
    assert results_table.refreshed(text, *results_table.DOCUMENTS[name]) == text


@pytest.fixture
def results(tmp_path):
    machine = {"cpu": {"model": "CPU", "avx512_bf16": True}, "cores": 2, "python": "3.11.7", "date": "2026-01-02"}
    found = {
        "machine": machine,
        "texts_per_s": {"fast": 1234.5, "sentence-transformers": 61.7},
        "bulk_ratio": {"fast": 20.01},
    }
    (tmp_path / "throughput.json").write_text(json.dumps(found), encoding="utf-8")
    return tmp_path


def test_rows_in_two_languages(results_table, results):
    english, russian = (results_table.table(language, False, results) for language in (0, 1))
    assert "| 1,234 texts/s | sentence-transformers: 61.7 texts/s | 20.01 × |" in english
    assert "| 1 234 текстов/с | sentence-transformers: 61,7 текстов/с | 20,01 × |" in russian
    assert "`throughput.json`: CPU, 2 cores, AVX512-BF16, Python 3.11.7, 2026-01-02." in english
    assert "`throughput.json`: CPU, 2 ядра, AVX512-BF16," in russian


def test_figures_that_are_missing_give_no_row(results_table, results):
    assert "exact" not in results_table.table(0, False, results)


def test_without_results_there_is_no_table(results_table, tmp_path):
    text = "a\n<!-- results:begin -->\nold\n<!-- results:end -->\nb\n"
    assert results_table.refreshed(text, 0, False, tmp_path) == "a\n<!-- results:begin -->\n<!-- results:end -->\nb\n"


def test_readmes_show_the_headlines_only(results_table):
    whole, short = (results_table.table(0, headlines).splitlines() for headlines in (False, True))
    rows = {line for line in short if line.startswith("| ")}
    assert len(rows) < 20
    assert rows < set(whole)
