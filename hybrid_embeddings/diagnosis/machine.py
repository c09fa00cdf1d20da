"""Cores, memory and disk: how much of them the engine may use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from hybrid_embeddings.diagnosis.findings import Finding
from hybrid_embeddings.models.devices import available_cores, available_memory_bytes, has_fast_bfloat16
from hybrid_embeddings.settings import Settings, default_cache_dir

_GIB = 2**30
_LEAST_MEMORY = 1 * _GIB  # torch, a small model and its batches
_LEAST_DISK = 1 * _GIB  # a prepared model is about as large as its weights


def cores(settings: Settings) -> Iterator[Finding]:
    """Say how many threads pay off here, and what limits them."""
    usable, all_ = available_cores(), os.cpu_count() or 1
    fast = ", multiplies in bfloat16" if has_fast_bfloat16() else ""
    limited = f" of {all_} (affinity or quota of the container)" if usable < all_ else ""
    yield Finding("cores", "ok", f"{usable} usable{limited}{fast}")
    if settings.cpu_threads and settings.cpu_threads > usable:
        yield Finding(
            "cores",
            "warning",
            f"EMBEDDING_CPU_THREADS={settings.cpu_threads}, but {usable} cores are usable",
            f"unset it, or set at most {usable}: more threads than cores slow each other down",
        )
    fewest = os.environ.get("OMP_NUM_THREADS", "")
    if fewest.isdigit() and int(fewest) < usable:
        yield Finding("cores", "hint", f"OMP_NUM_THREADS={fewest} holds torch back", f"unset it to use {usable} cores")


def memory(settings: Settings) -> Iterator[Finding]:
    """Say whether a model has room."""
    del settings
    free = available_memory_bytes()
    if free is None:
        yield Finding("memory", "ok", "this system does not tell how much is free")
    elif free < _LEAST_MEMORY:
        yield Finding(
            "memory",
            "warning",
            f"{free / _GIB:.1f} GiB free",
            "loading a model needs about 1 GiB: end other programs or raise the limit of the container",
        )
    else:
        yield Finding("memory", "ok", f"{free / _GIB:.1f} GiB free")


def cache_folder(settings: Settings) -> Iterator[Finding]:
    """Say whether prepared models can be written, and have room."""
    folder = settings.cache_dir or default_cache_dir()
    place = folder
    while not place.exists():
        place = place.parent
    if not (place.is_dir() and os.access(place, os.W_OK | os.X_OK)):
        advice = "set EMBEDDING_MODEL_CACHE_DIR to a folder that can be written"
        yield Finding("cache folder", "failure", f"{folder} cannot be written (because of {place})", advice)
        return
    free = shutil.disk_usage(place).free
    found = f"{folder}, {free / _GIB:.1f} GiB free on its disk"
    if free < _LEAST_DISK:
        advice = "free some, or set EMBEDDING_MODEL_CACHE_DIR to a folder on another disk"
        yield Finding("cache folder", "warning", found, advice)
    else:
        yield Finding("cache folder", "ok", found)
