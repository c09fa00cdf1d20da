"""The rows of a job: what is read from its input, and what goes to its output. Plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

RowId = int | str


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows of an input. ``ids`` is None where the job carries none."""

    first: int  # number of the first of them, from 0
    texts: list[str]
    ids: list[RowId] | None = None

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Survey:
    """What reading all of an input once has shown: nothing in it is wrong."""

    n_rows: int
    digest: str  # of the bytes of the file


class Source(Protocol):
    """An input that can be read from any row on."""

    def survey(self) -> Survey:
        """Read all of it once.

        Raises:
            InputError: a row cannot be embedded; names the file, the line and what is wrong.
        """

    def rows(self, start: int, step: int) -> Iterator[Rows]:
        """The rows from ``start`` on, at most ``step`` at a time, in order."""
