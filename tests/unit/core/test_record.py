"""The record of the machine that measured: what it says, and what it does without."""

from __future__ import annotations

import json
import os

from hybrid_embeddings import __version__
from hybrid_embeddings.diagnosis.record import machine_record

CPUINFO = """processor	: 0
cpu family	: 26
model name	: AMD EPYC: ядро
flags		: fpu avx512_bf16 sse

processor	: 1
cpu family	: 26
model name	: AMD EPYC: ядро
flags		: fpu avx512_bf16 sse
"""


def test_processor_date_and_versions_as_plain_data(tmp_path):
    file = tmp_path / "процессор"
    file.write_text(CPUINFO, encoding="utf-8")
    record = json.loads(json.dumps(machine_record(cpuinfo=file)))
    assert record["cpu"] == {"model": "AMD EPYC: ядро", "family": "26", "amx_bf16": False, "avx512_bf16": True}
    assert record["cores"] == os.cpu_count()
    assert record["versions"]["hybrid-embeddings"] == __version__
    assert set(record) == {"date", "cpu", "cores", "python", "system", "versions"}  # no name, no user, no path


def test_a_system_that_does_not_describe_its_processor(tmp_path):
    assert set(machine_record(cpuinfo=tmp_path / "нет")["cpu"]) == {"model"}
