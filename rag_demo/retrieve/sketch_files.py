"""Where the sketches of a space lie: beside its index, one table for each revision that is in use.

    sketches/words/         vectors of the words that the table had when the index was made
             <revision>/    the table

They are made of the catalogue and can be made of it again: whoever finds none does without.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Collection
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from rag_demo.index.arrays import map_arrays, write_arrays
from rag_demo.ports import Vectors
from rag_demo.retrieve.sketch import ROW
from rag_demo.retrieve.sketch_table import Arrays, SketchTable
from rag_demo.retrieve.vectors import unit

# What must be the same for a table to be of use. The number is that of the meaning of the arrays.
_LAYOUT = f"1 {blake2b(' '.join(ROW).encode(), digest_size=8).hexdigest()}"
_FOLDER, _WORDS = "sketches", "words"
_BATCH = 4_096


def write_table(generation: Path, table: SketchTable, *, revision: int) -> None:
    """Put a table beside an index; nobody looks for it before the revision is that of the manifest."""
    write_arrays(generation / _FOLDER / str(revision), _named(table.arrays), layout=_LAYOUT)


def write_vectors(generation: Path, table: SketchTable, encode: Callable[[list[str]], Vectors]) -> None:
    """Put vectors of the words of a table beside it; ``encode``: texts → float32 ``(n, dimension)``."""
    words = list(table.vocabulary.words)
    batches = [encode(words[start : start + _BATCH]) for start in range(0, len(words), _BATCH)]
    if batches:
        arrays: dict[str, Any] = {"vectors": unit(np.concatenate(batches)), "word_texts": table.arrays.word_texts}
        write_arrays(generation / _FOLDER / _WORDS, arrays, layout=_LAYOUT)


def read_table(generation: Path, *, revision: int) -> SketchTable | None:
    """The table of a revision; None if there is none that is of use."""
    found = map_arrays(generation / _FOLDER / str(revision), layout=_LAYOUT)
    if found is None or found.keys() != {field.name for field in dataclasses.fields(Arrays)}:
        return None
    arrays = Arrays(**found)
    return SketchTable(arrays, _vectors_of(generation, arrays))


def keep_tables(generation: Path, revisions: Collection[int]) -> None:
    """Delete the tables of all other revisions."""
    kept = {_WORDS, *map(str, revisions)}
    for entry in (generation / _FOLDER).glob("*"):
        if entry.name not in kept:
            # On Windows whoever still reads it holds its files: next time.
            shutil.rmtree(entry, ignore_errors=True)


def _vectors_of(generation: Path, arrays: Arrays) -> Vectors | None:
    stored = map_arrays(generation / _FOLDER / _WORDS, layout=_LAYOUT)
    if stored is None or stored.keys() != {"vectors", "word_texts"}:
        return None
    texts = stored["word_texts"]
    return stored["vectors"] if np.array_equal(texts, arrays.word_texts[: len(texts)]) else None


def _named(arrays: Arrays) -> dict[str, Any]:
    return {field.name: getattr(arrays, field.name) for field in dataclasses.fields(Arrays)}
