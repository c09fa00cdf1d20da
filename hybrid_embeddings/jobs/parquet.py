"""Parquet in and out. The only file that imports ``pyarrow``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.errors import InputError, MissingDependencyError
from hybrid_embeddings.jobs.rows import RowId, Rows, Survey
from hybrid_embeddings.types import Vectors

_FACTS = b"hybrid_embeddings"


class ParquetSource:
    """`Source` over a Parquet file. Memory holds one row group of the two columns at a time."""

    def __init__(self, path: Path, *, column: str, id_column: str | None) -> None:
        self._path = path
        self._columns = [column] if id_column is None else [column, id_column]

    def survey(self) -> Survey:
        """See `Source`."""
        with self._path.open("rb") as file:
            digest = hashlib.blake2b(digest_size=16)
            while piece := file.read(1 << 20):
                digest.update(piece)
        self._check_types()
        return Survey(sum(len(rows) for rows in self.rows(0, 8_192)), digest.hexdigest())

    def rows(self, start: int, step: int) -> Iterator[Rows]:
        """See `Source`."""
        first = 0
        with _opened(self._path) as file:
            for batch in file.iter_batches(step, columns=self._columns):
                end = first + batch.num_rows
                if end > start:
                    part = batch.slice(max(start - first, 0))
                    yield self._rows(part, end - part.num_rows)
                first = end

    def _rows(self, batch: Any, first: int) -> Rows:
        texts, *ids = (self._values(batch, name, first) for name in self._columns)
        return Rows(first, texts, ids[0] if ids else None)

    def _values(self, batch: Any, name: str, first: int) -> list[Any]:
        column = batch.column(name)
        if column.null_count:
            row = first + column.is_null().to_pylist().index(True)
            raise InputError(f"{self._path}, row {row + 1}: column {name!r} is null", index=row)
        try:
            values: list[Any] = column.to_pylist()
        except UnicodeDecodeError as error:
            raise InputError(f"{self._path}, rows from {first + 1}: column {name!r} is no UTF-8: {error}") from error
        return values

    def _check_types(self) -> None:
        arrow = _arrow()
        with _opened(self._path) as file:
            schema = file.schema_arrow
        for name, allowed in zip(self._columns, ("a string", "a string or whole numbers"), strict=False):
            if name not in schema.names:
                raise InputError(f"{self._path} has no column {name!r}; it has {', '.join(map(repr, schema.names))}")
            kind = schema.field(name).type
            kind = kind.value_type if arrow.types.is_dictionary(kind) else kind
            is_text = arrow.types.is_string(kind) or arrow.types.is_large_string(kind)
            if not is_text and not (name != self._columns[0] and arrow.types.is_integer(kind)):
                raise InputError(f"{self._path}: column {name!r} is {kind}, expected {allowed}")


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of an output. ``cut_tokens``: int32, (n,), tokens of each text that the model did not read."""

    first: int
    vectors: Vectors  # float32, (n, dim)
    cut_tokens: npt.NDArray[np.int32]
    ids: Sequence[RowId] | None = None
    texts: Sequence[str] | None = None


def write_part(part: Part, path: Path, facts: Mapping[str, Any]) -> None:
    """Write rows with what they belong to; the file is whole or not there.

    Raises:
        OSError: the disk is full or failed.
    """
    table = _table(part).replace_schema_metadata({_FACTS: json.dumps(facts).encode()})
    with _written(path, table.schema) as writer:
        writer.write_table(table)


def merge(parts: Iterable[Path], path: Path, facts: Mapping[str, Any]) -> int:
    """Write the rows of all parts, in order, into one file; a row group for each part. Returns the number of rows.

    Raises:
        OSError: the disk is full or failed.
    """
    n_rows = 0
    with contextlib.ExitStack() as opened:
        writer = None
        for part in parts:
            with _opened(part) as file:
                table = file.read()
            if writer is None:
                schema = table.schema.with_metadata({_FACTS: json.dumps(facts).encode()})
                writer = opened.enter_context(_written(path, schema))
            writer.write_table(table)
            n_rows += table.num_rows
    return n_rows


def facts_of(path: Path) -> tuple[dict[str, Any], int] | None:
    """What a file that was written here belongs to, and its rows; None: it is none of ours, or damaged."""
    try:
        with _opened(path) as file:
            facts = (file.schema_arrow.metadata or {}).get(_FACTS)
            return None if facts is None else (json.loads(facts), file.metadata.num_rows)
    except (InputError, ValueError):
        return None


def read_parts(path: Path) -> Iterator[Part]:
    """The rows of an output, row group by row group."""
    with _opened(path) as file:
        names = file.schema_arrow.names
        for number in range(file.num_row_groups):
            table = file.read_row_group(number).combine_chunks()
            vectors = table.column("vector").combine_chunks()
            yield Part(
                first=table.column("row")[0].as_py(),
                vectors=vectors.flatten().to_numpy().reshape(len(table), vectors.type.list_size),
                cut_tokens=table.column("cut_tokens").to_numpy(),
                ids=table.column("id").to_pylist() if "id" in names else None,
                texts=table.column("text").to_pylist() if "text" in names else None,
            )


def _table(part: Part) -> Any:
    arrow = _arrow()
    n, dimension = part.vectors.shape
    values = arrow.array(np.ascontiguousarray(part.vectors).reshape(-1))
    columns = {"row": arrow.array(np.arange(part.first, part.first + n, dtype=np.int64))}
    if part.ids is not None:
        columns["id"] = arrow.array(part.ids)
    if part.texts is not None:
        columns["text"] = arrow.array(part.texts, arrow.string())
    columns["cut_tokens"] = arrow.array(part.cut_tokens)
    columns["vector"] = arrow.FixedSizeListArray.from_arrays(values, dimension)
    return arrow.table(columns)


@contextlib.contextmanager
def _written(path: Path, schema: Any) -> Iterator[Any]:
    """A writer whose file gets its name when it is whole and on the disk."""
    from pyarrow import parquet

    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.draft")
    # Vectors do not get smaller by packing; texts and numbers of rows do.
    packing = {name: "zstd" for name in schema.names if name != "vector"} | {"vector.list.element": "none"}
    try:
        with draft.open("wb") as file:
            with parquet.ParquetWriter(file, schema, compression=packing, use_dictionary=False) as writer:
                yield writer
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    arrow = _arrow()
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}") from error
    with file:
        yield file


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingDependencyError('Parquet needs pyarrow: pip install "hybrid-embeddings[jobs]"') from error
    return pa
