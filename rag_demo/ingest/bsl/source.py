"""Text of a module with exact line numbers."""

from __future__ import annotations

import re
from bisect import bisect_right

_NEWLINE = re.compile("\n")


class Source:
    r"""A text, its lines and, for code, its lower-cased twin of the same length.

    Lines end with ``\n`` or ``\r\n`` only: a lone ``\r``, form feeds and Unicode line separators stay inside
    their line, as editors and the platform count them.
    """

    __slots__ = ("_cited", "_lower", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        self._lower: str | None = None
        self._cited: tuple[int, int, str] = (0, 0, "")
        self.starts = [0, *(found.end() for found in _NEWLINE.finditer(self.text))]

    @property
    def lower(self) -> str:
        """The text in lower case. Made when first asked for: files that are not code do not need it."""
        if self._lower is None:
            # "İ" is the only character whose lower case is longer, which would shift every offset after it.
            self._lower = self.text.replace("\u0130", "i").lower()
        return self._lower

    @property
    def line_count(self) -> int:
        """Number of lines; an empty text has one."""
        return len(self.starts)

    def line_of(self, offset: int) -> int:
        """1-based line of a character offset."""
        return bisect_right(self.starts, offset)

    def start_of(self, line: int) -> int:
        """Offset of the first character of a line."""
        return self.starts[line - 1]

    def end_of(self, line: int) -> int:
        """Offset behind the last character of a line, before its line end."""
        return self.starts[line] - 1 if line < len(self.starts) else len(self.text)

    def line(self, line: int) -> str:
        """One line without its line end."""
        return self.text[self.start_of(line) : self.end_of(line)]

    def lines(self, first: int, last: int) -> str:
        r"""The lines ``first`` … ``last`` joined by ``\n``. Asked for the same lines again, it is the same object."""
        if self._cited[:2] != (first, last):
            self._cited = first, last, self.text[self.start_of(first) : self.end_of(last)]
        return self._cited[2]

    def length(self, first: int, last: int) -> int:
        """Number of characters of the lines ``first`` … ``last``."""
        return self.end_of(last) - self.start_of(first)
