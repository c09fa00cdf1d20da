"""Folders on disk that are built once and checked whenever they are opened.

A folder is built beside its place, sealed with sizes and digests, and renamed: a killed process leaves no half of
one. A damaged folder is set aside and built again. Processes that build the same folder at once do not disturb each
other.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from hybrid_embeddings.errors import ModelCorrupted, SettingsError
from hybrid_embeddings.models.resolve import sha256_of

_SEAL = "seal.json"
# Larger files are checked by size alone: digests of gigabytes would delay every start.
_LARGEST_DIGESTED_BYTES = 32 * 2**20
_STALE_DRAFT_S = 24 * 3600


def built_folder(target: Path, build: Callable[[Path], None]) -> Path:
    """Return ``target``; if it is missing or damaged, let ``build`` fill a new folder in its place.

    Raises:
        SettingsError: the place cannot be read or written; names it and the setting that moves it.
        ModelCorrupted: what was just built is damaged (a failing disk).
    """
    try:
        for _ in range(2):
            was_there = target.exists()  # asked first: what another process puts there from now on is not damaged
            if is_intact(target):
                return target
            if was_there:
                _set_aside(target)
            _build(target, build)
        if is_intact(target):
            return target
    except OSError as error:
        raise SettingsError(
            f"the folder for prepared models cannot be used: {error}; "
            "set EMBEDDING_MODEL_CACHE_DIR to a folder that can be read and written"
        ) from error
    raise ModelCorrupted(f"{target} was damaged right after it was written; check the disk")


def is_intact(folder: Path) -> bool:
    """Tell whether a folder has all files of its seal, unchanged.

    Raises:
        PermissionError: the folder is there but must not be read.
    """
    try:
        sealed = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
        return all(_facts(folder / name) == facts for name, facts in sealed.items())
    except (FileNotFoundError, NotADirectoryError, ValueError, AttributeError):
        return False


def _facts(path: Path) -> list[int | str]:
    size = path.stat().st_size
    return [size, sha256_of(path) if size <= _LARGEST_DIGESTED_BYTES else ""]


def _build(target: Path, build: Callable[[Path], None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale_drafts(target.parent)
    draft = target.parent / f"draft-{uuid.uuid4().hex}"
    draft.mkdir()  # unlike those of tempfile it follows the umask: other users may have to read the result
    try:
        build(draft)
        sealed = {path.name: _facts(path) for path in draft.iterdir() if path.is_file()}
        (draft / _SEAL).write_text(json.dumps(sealed), encoding="utf-8")
        _publish(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _publish(draft: Path, target: Path) -> None:
    try:
        draft.replace(target)
    except OSError:
        if not is_intact(target):  # else another process was faster, and its result is as good
            raise


def _set_aside(folder: Path) -> None:
    damaged = folder.with_name(f"draft-{uuid.uuid4().hex}")
    with suppress(FileNotFoundError):  # another process did it
        folder.replace(damaged)
    shutil.rmtree(damaged, ignore_errors=True)


def _remove_stale_drafts(parent: Path) -> None:
    for draft in parent.glob("draft-*"):
        with suppress(FileNotFoundError):  # another process has finished it meanwhile
            if time.time() - draft.stat().st_mtime > _STALE_DRAFT_S:
                shutil.rmtree(draft, ignore_errors=True)
