"""Arrays in a folder: replaced at once, mapped into memory where they are read."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
_LAYOUT = "layout"
_log = logging.getLogger(__name__)


def write_arrays(folder: Path, arrays: Arrays, *, layout: str) -> None:
    """Put a folder with these arrays in place of the one that is there, if there is one.

    Whatever stops it, the folder has all of them or is not there.

    Args:
        folder: made with its parents if need be.
        arrays: by names that can be those of files.
        layout: what `map_arrays` must be asked for to get them.
    """
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    (draft / _LAYOUT).write_text(layout, encoding="utf-8")
    for name, array in arrays.items():
        with (draft / f"{name}.npy").open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
            stream.flush()
            os.fsync(stream.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def map_arrays(folder: Path, *, layout: str) -> Arrays | None:
    """The arrays in a folder, read-only; None if it is not there, damaged, or was written for another layout."""
    try:
        if (folder / _LAYOUT).read_text(encoding="utf-8") != layout:
            return None
        files = folder.glob("*.npy")
        # Plain arrays: those of the class for mapped files are slower to slice.
        return {file.stem: np.asarray(np.load(file, mmap_mode="r", allow_pickle=False)) for file in files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        _log.warning("%s cannot be used: %s. It is made anew when the space is indexed next.", folder, error)
        return None
