"""Writes deploy/env: what ``rag-demo plan`` recommends for the machine that stands for each tier.

Run ``python deploy/env_files.py`` after changes of the planning; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag_demo.planning import environment
from rag_demo.planning.machine import named_gpu
from rag_demo.planning.recommend import recommend
from rag_demo.planning.types import GB, Demand, Machine

FOLDER = Path(__file__).resolve().parent / "env"
_DOCUMENTS = 50_000  # the largest configuration that was measured has 47,587


@dataclass(frozen=True, slots=True)
class Tier:
    """A machine that is typical of a tier, and who asks it."""

    heading: str
    machine: Machine
    users: int


def _tier(heading: str, cards: list[str], ram_gb: int, disk_gb: int, *, cores: int, users: int) -> Tier:
    machine = Machine(tuple(map(named_gpu, cards)), ram_gb * GB, disk_gb * GB, cores)
    return Tier(heading, machine, users)


TIERS = {
    "cpu": _tier("No card. 4-8 vCPUs, 16 GB of memory, 40 GB of disk.", [], 16, 40, cores=4, users=5),
    "tier-a": _tier(
        "One L4 or A10G with 24 GB. 8-16 vCPUs, 32-64 GB of memory, 100-200 GB NVMe.",
        ["L4"], 32, 100, cores=16, users=5,
    ),
    "tier-b": _tier(
        "One A100-40 or L40S-48. 8-16 vCPUs, 32-64 GB of memory, 100-200 GB NVMe.",
        ["L40S"], 64, 100, cores=16, users=25,
    ),
    "tier-c": _tier(
        "One A100-80. 16 vCPUs, 64 GB of memory, 200-400 GB NVMe.",
        ["A100-80"], 64, 200, cores=16, users=25,
    ),
    "tier-d": _tier(
        "Two H100 or four A100-80. 16-32 vCPUs, 128 GB of memory, 400 GB NVMe and more.",
        ["H100-SXM", "H100-SXM"], 128, 400, cores=32, users=100,
    ),
}  # fmt: skip


def text_of(name: str) -> str:
    """The file of a tier. Passwords are left to whoever uses it."""
    tier = TIERS[name]
    plan = recommend(tier.machine, Demand(_DOCUMENTS, tier.users))
    values = environment.compose_values(plan, new_secret=lambda: "${POSTGRES_PASSWORD}")
    values |= {secret: "" for secret in values if secret.endswith(("PASSWORD", "API_KEY"))}
    return environment.text_of(values, heading=f"{tier.heading} {tier.users} users.")


def main() -> None:
    """Write all files."""
    for name in TIERS:
        (FOLDER / f"{name}.env").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
