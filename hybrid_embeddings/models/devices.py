"""How much of this machine may be used."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from hybrid_embeddings.types import MemoryReading


def available_cores(*, cgroup: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return the cores this process may use: CPU affinity, cut to the quota of the container (cgroup v2)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(cgroup) or cores))


def _quota(cgroup: Path) -> int | None:
    """Return the whole cores of the quota, at least 1; None where there is no quota."""
    try:
        allowed, period = cgroup.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if allowed == "max" else max(1, int(allowed) // int(period))


def available_memory_bytes(
    *, meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")
) -> int | None:
    """Return the memory this process may still take: of the machine, cut to the limit of the container.

    Returns:
        Bytes; None where the system does not say (outside Linux).
    """
    known = [_machine_bytes(meminfo, "MemAvailable:"), *(_cgroup_bytes(cgroup, *names) for names in _CGROUP_FILES)]
    return min((value for value in known if value is not None), default=None)


def memory_limit_bytes(*, meminfo: Path = Path("/proc/meminfo"), cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory of the machine, or the limit of the container if that is less; None as above."""
    known = [_machine_bytes(meminfo, "MemTotal:"), *(_limit_bytes(cgroup / names[0]) for names in _CGROUP_FILES)]
    return min((value for value in known if value is not None), default=None)


class HostMemory:
    """Free memory for lanes on the CPU, read at most every ``every_s`` seconds: a reading takes 0.1 to 0.3 ms."""

    def __init__(
        self,
        *,
        every_s: float = 0.5,
        read: Callable[[], int | None] = available_memory_bytes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._every_s = every_s
        self._read = read
        self._clock = clock
        self._read_at_s = float("-inf")
        self._latest = MemoryReading()

    def __call__(self) -> MemoryReading:
        """Return the latest reading."""
        now_s = self._clock()
        if now_s - self._read_at_s >= self._every_s:
            self._read_at_s = now_s
            self._latest = MemoryReading(free_bytes=self._read())
        return self._latest


# Limit, use, and the counter of cached file pages, which the kernel gives back when memory gets short: v2 and v1.
_CGROUP_FILES = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
)


def _machine_bytes(meminfo: Path, name: str) -> int | None:
    kibibytes = _counter(meminfo, name)
    return None if kibibytes is None else 1024 * kibibytes


def _limit_bytes(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or the limit is the word max
        return None


def _cgroup_bytes(cgroup: Path, limit: str, used: str, stat: str, cached: str) -> int | None:
    try:
        free = int((cgroup / limit).read_text(encoding="ascii")) - int((cgroup / used).read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or the limit is the word max
        return None
    return max(0, free + (_counter(cgroup / stat, cached) or 0))


def _counter(path: Path, name: str) -> int | None:
    """Return the number behind a name in a file of ``name number`` lines."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    fields = (line.split() for line in lines)
    return next((int(line[1]) for line in fields if len(line) > 1 and line[0] == name and line[1].isdigit()), None)


def has_fast_bfloat16(*, cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Tell whether the processor multiplies in bfloat16 (AVX512-BF16 or AMX). False where that cannot be read."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags
