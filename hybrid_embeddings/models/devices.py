"""How much of this machine may be used."""

from __future__ import annotations

import os
from pathlib import Path


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
