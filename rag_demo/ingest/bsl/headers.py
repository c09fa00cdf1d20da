"""The header of a method: name, parameters, export mark, and what stands above it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_demo.ingest.bsl.source import Source
from rag_demo.ingest.bsl.tokens import Keyword

# A comment is matched with its line end, so that there is one way only to match a text: no backtracking.
_SPACE = r"(?:\s|//[^\n]*\n)"
_NAME = re.compile(rf"{_SPACE}+(\w+){_SPACE}*\(")
_EXPORT = re.compile(rf"{_SPACE}*(экспорт|export)(?!\w)")
_PARAMETER_MARK = re.compile(r"[\"')]|//")
_ASYNC = re.compile(r"(?<![\w.])(?:асинх|async)\s+\Z")
_ASYNC_REACH = 64
_SAME_LINE_REACH = 1_000  # keeps the work linear where a whole module stands on one line
_COMMENT = re.compile(r"(\"[^\"\n]*\"?)|//[^\n]*")
_DIRECTIVE = re.compile(r"&[ \t]*(\w+(?:[ \t]*\([^)\n]{0,200}\))?)")


@dataclass(frozen=True, slots=True)
class Header:
    """A method header. Offsets: ``start`` of its first word, ``end`` behind its last character."""

    start: int
    end: int
    name: str
    is_function: bool
    is_async: bool
    export: bool
    signature: str


def read_header(source: Source, keyword: Keyword, bound: int) -> Header | None:
    """The header that ``keyword`` opens, or nothing where no name and ``(`` follow before ``bound``."""
    named = _NAME.match(source.text, keyword.end, bound)
    if named is None:
        return None
    close = _closing(source.text, named.end(), bound)
    exported = _EXPORT.match(source.lower, close, bound)
    end = exported.end() if exported else close
    reach = max(0, keyword.start - _ASYNC_REACH)
    waiting = _ASYNC.search(source.lower, reach, keyword.start)
    start = waiting.start() if waiting else keyword.start
    word = source.text[keyword.start : keyword.end]
    parameters = _one_line(source.text[named.end() : close].removesuffix(")"))
    signature = f"{word} {named[1]}({parameters})"
    if waiting:
        signature = f"{source.text[start : waiting.end()].strip()} {signature}"
    if exported:
        signature = f"{signature} {source.text[exported.start(1) : exported.end(1)]}"
    is_function = source.lower[keyword.start] == "ф" or source.lower.startswith("func", keyword.start)
    return Header(start, end, named[1], is_function, waiting is not None, exported is not None, signature)


def _closing(text: str, offset: int, bound: int) -> int:
    """Offset behind the ``)`` of a parameter list; the end of the line where there is none."""
    at = offset
    while found := _PARAMETER_MARK.search(text, at, bound):
        mark = found.group()
        if mark == ")":
            return found.end()
        close = text.find("\n" if mark == "//" else mark, found.end(), bound)
        if close < 0:
            break
        at = close + 1
    end_of_line = text.find("\n", offset, bound)
    return bound if end_of_line < 0 else end_of_line


def _one_line(parameters: str) -> str:
    bare = _COMMENT.sub(lambda found: found[1] or " ", parameters) if "//" in parameters else parameters
    return " ".join(bare.split())


@dataclass(frozen=True, slots=True)
class Preamble:
    """What belongs to a method above its header."""

    line_start: int
    directives: tuple[str, ...]
    comment: list[str]


def read_preamble(source: Source, start: int, floor: int) -> Preamble:
    """Directives and the doc comment above the header at offset ``start``, down to line ``floor`` (excluded)."""
    line = source.line_of(start)
    same_line = source.text[max(source.start_of(line), start - _SAME_LINE_REACH) : start]
    top = _topmost_directive(source, line, floor)
    directives = [found for number in range(top, line) for found in _directives(source.line(number))]
    directives += _directives(same_line)
    first = top
    while first - 1 > floor and source.line(first - 1).lstrip().startswith("//"):
        first -= 1
    comment = [source.line(number) for number in range(first, top)]
    if not comment:
        comment = [text for number in range(top, line) if (text := source.line(number)).lstrip().startswith("//")]
    return Preamble(first, tuple(directives), comment)


def _topmost_directive(source: Source, line: int, floor: int) -> int:
    """First line of the directives above ``line``; blank and comment lines may stand between them."""
    top, number = line, line - 1
    while number > floor:
        text = source.line(number).lstrip()
        if text.startswith("&"):
            top = number
        elif text and not text.startswith("//"):
            break
        number -= 1
    return top


def _directives(line: str) -> list[str]:
    return _DIRECTIVE.findall(line) if line.lstrip().startswith("&") else []
