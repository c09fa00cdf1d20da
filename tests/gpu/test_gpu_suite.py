"""The GPU benchmark, as a dry run on the CPU with a tiny model: every section runs and tells something."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_embeddings.models import reference
from tests.models import default_directory, st_modules, variant

_REPOSITORY = Path(__file__).resolve().parents[2]
_SIZES = [
    "--sizes",
    "2,6",
    "--rounds",
    "1",
    "--bulk",
    "8",
    "--queries",
    "4",
    "--parity-texts",
    "2",
    "--allocations",
    "10",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """One layer with random weights, the real tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel

    torch.manual_seed(5)
    raw = tmp_path_factory.mktemp("raw")
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    with reference.quiet_loading():
        BertModel(config).save_pretrained(raw)
        AutoTokenizer.from_pretrained(str(default_directory())).save_pretrained(raw)
        modules = [st_modules.Transformer(str(raw), max_seq_length=64), st_modules.Pooling(32)]
    return variant(tmp_path_factory.mktemp("tiny") / "model", modules)


def test_dry_run(tiny, tmp_path):
    target = tmp_path / "gpu.json"
    command = [
        sys.executable,
        str(_REPOSITORY / "benchmarks" / "gpu_suite.py"),
        "--model",
        str(tiny),
        "--device",
        "cpu",
    ]
    done = subprocess.run(
        [*command, *_SIZES, "--json", str(target)],
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found["parity"]["exact"]["st_cpu"] < 1e-6
    assert set(found["throughput"]) == {"2", "6"}
    assert {"cold_s", "warm", "warm_s"} == set(found["throughput"]["6"]["hybrid"])
    assert found["latency"]["alone"]["p50_ms"] > 0
    assert found["out_of_memory"]["largest_distance"] < 1e-4
    assert found["pool"]["pool"]["median_us"] > 0
    assert 0 < found["profile"]["tokenize_share"] < 1
    assert "skipped" in found["multi_gpu"]
    assert set(found["seconds"]) >= {"targets", "budgets", "utilisation"}


def test_sections_that_come_too_late_are_told(tiny, tmp_path):
    target = tmp_path / "gpu.json"
    command = [
        sys.executable,
        str(_REPOSITORY / "benchmarks" / "gpu_suite.py"),
        "--model",
        str(tiny),
        "--device",
        "cpu",
    ]
    subprocess.run(
        [*command, "--sections", "parity,profile", "--limit-s", "0", "--json", str(target)],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
        check=True,
    )
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found["parity"] == found["profile"] == {"skipped": "out of time"}
