"""What this machine has, or another one that is told of."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rag_demo.errors import InputError
from rag_demo.planning import nvml
from rag_demo.planning.catalogue import SHEETS, gpu, measured_gpu
from rag_demo.planning.types import GB, Gpu, Machine

_UNITS = {"": GB, "gb": GB, "gib": 2**30, "mib": 2**20}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.IGNORECASE)
# What the engine and the index can make use of.
_FEATURES = ("amx_bf16", "avx512_bf16", "avx512f", "avx2")


def read_machine(
    folder: Path,
    *,
    cpuinfo: Path = Path("/proc/cpuinfo"),
    read_gpus: Callable[[], Sequence[Gpu]] = nvml.read_gpus,
) -> Machine:
    """This machine; the disk is that of ``folder``."""
    notes: tuple[str, ...] = ()
    gpus: Sequence[Gpu] = ()
    try:
        gpus = read_gpus()
    except nvml.NoNvml as reason:
        notes = (str(reason),)
    return Machine(tuple(gpus), _ram_bytes(), _free_bytes(folder), _cores(), _features(cpuinfo), notes)


def size(text: str) -> int:
    """Bytes: ``24``, ``24GB``, ``22.5GiB``, ``24564MiB``; a number alone is GB (10**9 bytes).

    Raises:
        InputError: it is none of these.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS or not float(found[1]):
        raise InputError(f"{text!r} is no size; write it like 24GB or 22.5GiB.")
    return round(float(found[1]) * _UNITS[found[2].lower()])


def named_gpu(text: str) -> Gpu:
    """A card as it is told: ``L4``, ``A100-80`` or ``NAME:24GB``.

    Raises:
        InputError: no data sheet, and no memory either.
    """
    name, _, memory = text.partition(":")
    found = measured_gpu(name.strip(), size(memory)) if memory else gpu(name.strip())
    if found is None:
        known = ", ".join(sorted("-".join(sorted(sheet.words)).upper() for sheet in SHEETS))
        raise InputError(f"There is no data sheet of {name!r} here: give its memory, {name}:24GB. Known: {known}.")
    return found


def _ram_bytes() -> int:
    """Memory of the machine, cut to the limit of the container (cgroup v2)."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        raise InputError("This system does not tell its memory; give it with --ram.") from None
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return total


def _free_bytes(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _features(cpuinfo: Path) -> tuple[str, ...]:
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    return tuple(name for name in _FEATURES if name in flags)
