"""Module text outside methods: the description at its head, variables and the module's own statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag_demo.ingest.bsl.head import find_head
from rag_demo.ingest.bsl.model import Block, Method
from rag_demo.ingest.bsl.regions import Regions
from rag_demo.ingest.bsl.source import Source

_VARIABLE = re.compile(r"\s*(?:перем|var)\s+", re.IGNORECASE)
_DECLARED = re.compile(r"(?<!\w)(\w+)(?!\w)(?:\s+(?:экспорт|export))?\s*(?=[,;]|\Z)", re.IGNORECASE)


def find_blocks(source: Source, methods: Sequence[Method], regions: Regions) -> Iterator[Block]:
    """Blocks in the gaps before, between and after the methods, in order."""
    found: list[Block] = []
    first = 1
    for method in methods:
        found += _blocks_between(source, first, method.line_start - 1, regions)
        first = method.line_end + 1
    found += _blocks_between(source, first, source.line_count, regions)
    starts = [method.line_start for method in methods[:1]] + [block.line_start for block in found[:1]]
    yield from find_head(source, min(starts, default=source.line_count + 1) - 1)
    yield from found


def _blocks_between(source: Source, first: int, last: int, regions: Regions) -> Iterator[Block]:
    variables: list[tuple[int, int]] = []
    statements: list[int] = []
    number = first
    while number <= last:
        text = source.line(number).strip()
        if _VARIABLE.match(text) and not statements:
            end = _declaration_end(source, number, last)
            variables.append((number, end))
            number = end + 1
            continue
        if text and not text.startswith(("//", "#", "&")):
            statements.append(number)
        number += 1
    if variables:
        yield _variables_block(source, variables, first, regions)
    if statements:
        floor = variables[-1][1] + 1 if variables else first
        start = _with_comment(source, statements[0], floor)
        yield Block("body", (), regions.at(source.start_of(statements[0])), start, statements[-1])


def _declaration_end(source: Source, number: int, last: int) -> int:
    for line in range(number, last + 1):
        text, _, _ = source.line(line).partition("//")
        if ";" in text:
            return line
        # A keyword or directive on the next line means that the semicolon was forgotten.
        if line > number and text.lstrip().startswith(("#", "&")):
            return line - 1
    return last


def _variables_block(source: Source, found: list[tuple[int, int]], floor: int, regions: Regions) -> Block:
    names: list[str] = []
    for start, end in found:
        code = " ".join(source.line(line).partition("//")[0] for line in range(start, end + 1))
        names += _DECLARED.findall(_VARIABLE.sub("", code, count=1))
    start = _with_comment(source, found[0][0], floor)
    return Block("variables", tuple(names), regions.at(source.start_of(found[0][0])), start, found[-1][1])


def _with_comment(source: Source, line: int, floor: int) -> int:
    """First line of the comment and directives directly above ``line``."""
    while line > floor and source.line(line - 1).lstrip().startswith(("//", "&")):
        line -= 1
    return line
