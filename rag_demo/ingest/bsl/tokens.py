"""Keywords that open and close methods, found outside strings and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag_demo.ingest.bsl.source import Source

# Each pattern starts with a literal, which the regular expression engine finds much faster than alternatives.
_STEMS = tuple(
    re.compile(stem) for stem in (r"процедур[аы](?!\w)", r"функци[яи](?!\w)", r"procedure(?!\w)", r"function(?!\w)")
)
_PREFIXES = ("конец", "end")
_END_WORDS = frozenset({"конецпроцедуры", "конецфункции", "endprocedure", "endfunction"})
_OPEN_WORDS = frozenset({"процедура", "функция", "procedure", "function"})
_NOT_CODE = re.compile(r"[\"']|//")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A method keyword in code: ``start`` … ``end`` are offsets."""

    start: int
    end: int
    opens: bool


class CodeProbe:
    """Tells whether an offset is code, as opposed to a string, a date or a comment.

    A line needs no knowledge of the lines before it: inside a string of several lines, every line starts with
    ``|``. Offsets must be asked in rising order, so that a line is read only once, however long it is.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._line = 0
        self._at = 0  # everything on the line before this offset has been read; code is possible from here

    def is_code(self, offset: int) -> bool:
        """Whether the character at ``offset`` is read as code."""
        line = self._source.line_of(offset)
        if line != self._line:
            self._line = line
            self._at = self._first_code(line)
        text, end = self._source.text, self._source.end_of(line)
        while self._at <= offset:
            found = _NOT_CODE.search(text, self._at, offset)
            if found is None:
                self._at = offset
                return True
            self._at = self._behind(found, end)
        return False

    def _first_code(self, line: int) -> int:
        start, end = self._source.start_of(line), self._source.end_of(line)
        text = self._source.text
        while start < end and text[start].isspace():
            start += 1
        if start < end and text[start] == "|":
            close = text.find('"', start, end)
            return end + 1 if close < 0 else close + 1
        return start

    def _behind(self, opening: re.Match[str], line_end: int) -> int:
        # A doubled quote closes and reopens the string at once, which comes to the same.
        mark = opening.group()
        close = -1 if mark == "//" else self._source.text.find(mark, opening.end(), line_end)
        return line_end + 1 if close < 0 else close + 1


def method_keywords(source: Source) -> list[Keyword]:
    """All keywords of method headers and ends that are code, in order."""
    probe = CodeProbe(source)
    candidates = sorted(_candidates(source.lower), key=lambda word: word.start)
    return [word for word in candidates if _leads_line(source, word.start) or probe.is_code(word.start)]


def _leads_line(source: Source, offset: int) -> bool:
    """The usual case, decided without reading the line: the keyword is its first character."""
    return offset == 0 or source.text[offset - 1] == "\n"


def _candidates(lower: str) -> Iterator[Keyword]:
    for stem in _STEMS:
        for found in stem.finditer(lower):
            start, word = found.start(), found.group()
            for prefix in _PREFIXES:
                if lower.endswith(prefix, 0, start):
                    start, word = start - len(prefix), prefix + word
            if start and (lower[start - 1].isalnum() or lower[start - 1] in "_."):
                continue
            if word in _OPEN_WORDS or word in _END_WORDS:
                yield Keyword(start, found.end(), word in _OPEN_WORDS)
