"""What figures were measured on: a short record of machine, date and versions that goes into their file."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_PACKAGES = ("torch", "sentence-transformers", "transformers", "openvino", "numpy", "hybrid-embeddings")


def machine_record(*, cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Describe where figures come from, as plain data: date (UTC), processor, cores, system, versions.

    Nothing in it names the machine, its user or a path. A package that is not installed has no version (None).
    """
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "cpu": _cpu(cpuinfo),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu(cpuinfo: Path) -> dict[str, Any]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # a system without it
        return {"model": platform.processor()}
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {name.strip(): value.strip() for name, value in fields.items()}
    flags = facts.get("flags", "").split()
    return {
        "model": facts.get("model name"),
        "family": facts.get("cpu family"),
        "amx_bf16": "amx_bf16" in flags,
        "avx512_bf16": "avx512_bf16" in flags,
    }
