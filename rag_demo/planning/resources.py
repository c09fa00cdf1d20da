"""Memory and disk of all services of a tier together. Pure functions.

Measured here: reading and indexing 47,587 documents took 1.6 GB at the peak and left 480 MB on the disk. Estimates:
sizes of images (unpacked), what an engine needs in main memory beside its cards, what the system itself takes.
"""

from __future__ import annotations

from rag_demo.planning.types import GB, Demand, Machine, Need, Profile

_SERVER_TIERS = ("tier-b", "tier-c", "tier-d")
_APP_BASE, _APP_PER_DOCUMENT = 1.5 * GB, 50_000  # bytes; the measured peak with half as much again
_DISK_PER_DOCUMENT = 2 * 10_500  # bytes; while an index is made anew the old one stays
_SYSTEM = 2 * GB
_IMAGE_APP, _IMAGES_SMALL = 3 * GB, 1 * GB
_IMAGE_ENGINE = {"tier-a": 6 * GB, "tier-b": 20 * GB, "tier-c": 20 * GB, "tier-d": 20 * GB}
_HOST_MEMORY = {"tier-a": 4 * GB, "tier-b": 8 * GB, "tier-c": 12 * GB, "tier-d": 16 * GB}


def app_bytes(demand: Demand) -> float:
    """Memory of the app at its peak, when it indexes."""
    return _APP_BASE + demand.documents * _APP_PER_DOCUMENT


def ram_need(profile: Profile, machine: Machine, demand: Demand, vectors_bytes: float) -> Need:
    """Main memory."""
    parts = {"system": _SYSTEM, "app": app_bytes(demand), "vectors": vectors_bytes, "redis": 1.2 * GB}
    if profile in _SERVER_TIERS:
        parts["postgres"] = 1.0 * GB
    if profile in _HOST_MEMORY:
        parts["engine"] = _HOST_MEMORY[profile]
    return Need(parts, machine.ram_bytes)


def disk_need(profile: Profile, machine: Machine, demand: Demand, vectors_bytes: float, weights_bytes: float) -> Need:
    """Free disk: images, weights, index, caches, and a reserve for logs and metrics."""
    parts = {
        "images": float(_IMAGE_APP + _IMAGES_SMALL + _IMAGE_ENGINE.get(profile, 0)),
        "index": float(demand.documents * _DISK_PER_DOCUMENT),
        "vectors": vectors_bytes,
        "reserve": 3.0 * GB,
    }
    if weights_bytes:
        parts["weights"] = weights_bytes
    if profile in _SERVER_TIERS:
        parts["postgres"] = 2.0 * GB
    return Need(parts, machine.disk_bytes)
