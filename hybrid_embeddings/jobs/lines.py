"""Inputs with one row per line: text, and JSON objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import InputError
from hybrid_embeddings.jobs.rows import RowId, Rows, Survey

_Parsed = tuple[str, RowId | None]
_Parse = Callable[[str, int], _Parsed]


class LineSource:
    """`Source` over a UTF-8 file. Lines end with a line feed, and a carriage return before it is left out."""

    def __init__(self, path: Path, parse: _Parse, *, has_ids: bool) -> None:
        self._path = path
        self._parse = parse
        self._has_ids = has_ids

    def survey(self) -> Survey:
        """See `Source`."""
        digest = hashlib.blake2b(digest_size=16)
        number = 0
        for number, (raw, line) in enumerate(self._lines(), start=1):
            digest.update(raw)
            self._parse(line, number)
        return Survey(number, digest.hexdigest())

    def rows(self, start: int, step: int) -> Iterator[Rows]:
        """See `Source`."""
        lines = islice(enumerate((line for _, line in self._lines()), start=1), start, None)
        first = start
        while parsed := [self._parse(line, number) for number, line in islice(lines, step)]:
            ids = [row_id for _, row_id in parsed if row_id is not None]
            yield Rows(first, [text for text, _ in parsed], ids if self._has_ids else None)
            first += len(parsed)

    def _lines(self) -> Iterator[tuple[bytes, str]]:
        with self._path.open("rb") as file:
            for number, raw in enumerate(file, start=1):
                try:
                    line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(
                        f"{self._path}:{number}: {error}; save the file as UTF-8", index=number - 1
                    ) from error
                yield raw, line.removesuffix("\n").removesuffix("\r")


def text_source(path: Path) -> LineSource:
    """One text per line; an empty line is an empty text."""
    return LineSource(path, lambda line, _: (line, None), has_ids=False)


def jsonl_source(path: Path, *, column: str, id_column: str | None) -> LineSource:
    """One JSON object per line, with the text in a field."""
    return LineSource(path, _JsonLine(path, column, id_column), has_ids=id_column is not None)


class _JsonLine:
    """Takes text and id out of a line."""

    def __init__(self, path: Path, column: str, id_column: str | None) -> None:
        self._path = path
        self._column = column
        self._id_column = id_column
        self._id_type: type | None = None  # of the first row

    def __call__(self, line: str, number: int) -> _Parsed:
        """The text and the id of line ``number``, from 1."""
        try:
            row = self._object(line)
            text = _text(self._field(row, self._column), self._column)
            return text, None if self._id_column is None else self._id(self._field(row, self._id_column))
        except ValueError as error:
            raise InputError(f"{self._path}:{number}: {error}", index=number - 1) from error

    def _object(self, line: str) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"no JSON ({error}); every line holds one object") from error
        if not isinstance(row, dict):
            raise ValueError(f"{type(row).__name__}, expected an object with the field {self._column!r}")  # noqa: TRY004
        return row

    @staticmethod
    def _field(row: dict[str, Any], name: str) -> object:
        if name not in row:
            raise ValueError(f"no field {name!r}; there are {', '.join(map(repr, row)) or 'none'}")
        return row[name]

    def _id(self, value: object) -> RowId:
        if isinstance(value, int) and not isinstance(value, bool):
            if not -(2**63) <= value < 2**63:
                raise ValueError(f"field {self._id_column!r} does not fit into 64 bits")
            row_id: RowId = value
        else:
            row_id = _text(value, str(self._id_column), expected="a whole number or a string")
        self._id_type = self._id_type or type(row_id)
        if type(row_id) is not self._id_type:
            raise ValueError(f"field {self._id_column!r} is {type(value).__name__}, {self._id_type.__name__} before")
        return row_id


def _text(value: object, name: str, *, expected: str = "a string") -> str:
    if not isinstance(value, str):
        raise ValueError(f"field {name!r} is {type(value).__name__}, expected {expected}")  # noqa: TRY004
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"field {name!r} is no valid Unicode (half of a surrogate pair)") from None
    return value
