"""``#Область`` … ``#КонецОбласти``: which regions are open at an offset."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from rag_demo.ingest.bsl.source import Source

_DIRECTIVE = re.compile(r"#[ \t]*(?:(?P<open>область|region)[ \t]+(?P<name>\w+)|(?P<close>конецобласти|endregion)\b)")
_MAX_INDENT = 400  # keeps the work linear on one line full of "#"
_MAX_DEPTH = 64


class Regions:
    """The nested regions of a module."""

    def __init__(self, source: Source) -> None:
        self._offsets: list[int] = [0]
        self._paths: list[tuple[str, ...]] = [()]
        path: tuple[str, ...] = ()
        for offset in preprocessor_offsets(source):
            found = _DIRECTIVE.match(source.lower, offset)
            if found is None:
                continue
            if found["close"]:
                path = path[:-1]
            elif len(path) < _MAX_DEPTH:
                path = (*path, source.text[found.start("name") : found.end("name")])
            self._offsets.append(offset)
            self._paths.append(path)

    def at(self, offset: int) -> tuple[str, ...]:
        """Names of the regions around ``offset``, outermost first."""
        return self._paths[bisect_right(self._offsets, offset) - 1]


def preprocessor_offsets(source: Source) -> Iterator[int]:
    """Offsets of every ``#`` that stands first on its line."""
    text, offset = source.text, source.text.find("#")
    while offset >= 0:
        start = source.start_of(source.line_of(offset))
        if offset - start <= _MAX_INDENT and not text[start:offset].strip():
            yield offset
        offset = text.find("#", offset + 1)
