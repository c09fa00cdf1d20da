"""Calibrations on disk: a JSON file with every version that records may refer to, the newest last."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_embeddings.cache.codecs import Calibration, calibration_of
from hybrid_embeddings.errors import SettingsError

_VERSION = 1


def read(path: Path) -> list[Calibration]:
    """Return the calibrations of a file, the newest last.

    Raises:
        SettingsError: the file is not there or is no such file.
    """
    try:
        return [_checked(entry) for entry in _entries(json.loads(path.read_text(encoding="utf-8")))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{path}: is no calibration ({type(error).__name__}: {error}); "
            f"make one with `hybrid-embeddings cache calibrate {path}`"
        ) from error


def append(path: Path, calibration: Calibration, facts: dict[str, Any]) -> None:
    """Add a calibration to a file, which is made if it is not there; ``facts`` tell people where it comes from.

    Raises:
        SettingsError: the file is there and is something else.
    """
    entries = []
    if path.exists():
        read(path)
        entries = json.loads(path.read_text(encoding="utf-8"))["calibrations"]
    entries = [entry for entry in entries if entry["number"] != calibration.number]
    entries.append({"number": calibration.number, **facts, "scales": calibration.scales.tolist()})
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(json.dumps({"version": _VERSION, "calibrations": entries}, indent=1), encoding="utf-8")
    draft.replace(path)


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    if content["version"] != _VERSION:
        raise ValueError(f"version {content['version']} is unknown")
    entries: list[dict[str, Any]] = content["calibrations"]
    return entries


def _checked(entry: dict[str, Any]) -> Calibration:
    scales = np.array(entry["scales"], dtype=np.float32)
    if scales.ndim != 1 or not np.isfinite(scales).all() or not (scales > 0).all():
        raise ValueError("scales must be positive numbers")
    calibration = calibration_of(scales)
    if calibration.number != entry["number"]:
        raise ValueError("the number does not belong to the scales")
    return calibration
