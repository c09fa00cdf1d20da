"""What a text consists of: headings and paragraphs with their lines. Pure functions that take any text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rag_demo.ingest.bsl import Source
from rag_demo.ingest.help_pages import page_blocks

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+[^\s#]")
_UNDERLINE = re.compile(r" {0,3}(?:(?P<first>={3,})|-{3,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,2000}\)")
_MARKS = re.compile(r"\*\*|__|`|^ {0,3}> ?|^[ \t]*[-*+][ \t]+", re.MULTILINE)
_NUMBERED = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,3}){0,4})\.?\s+\S")
_NAMED = re.compile(
    r"(?:глава|раздел|приложение|версия|релиз|chapter|section|appendix|version|release)\s+\S", re.IGNORECASE
)
_LONGEST_HEADING = 120  # a longer line is a sentence
_LONGEST_PARAGRAPH = 1_500  # characters; a longer one is handed on line by line, so that passages can be cut inside
_MOST_LINES = 100


class Block(NamedTuple):
    """A heading of ``level`` 1 … 6, or a paragraph (level 0), and its lines."""

    level: int
    line_start: int
    line_end: int
    text: str


def html_blocks(source: Source) -> Iterator[Block]:
    """Blocks of an HTML page."""
    for level, unit in page_blocks(source):
        yield Block(level, unit.line_start, unit.line_end, unit.text)


def markdown_blocks(source: Source) -> Iterator[Block]:
    """Blocks of a Markdown file; what stands between code fences is never a heading."""
    lines = source.text.split("\n")
    outline: dict[int, tuple[int, int]] = {}
    fence = ""
    start = _front_matter(lines)
    for number in range(start, len(lines)):
        line = lines[number]
        found = _FENCE.match(line)
        if found:
            if not fence:
                fence = found[1]
            elif found[1].startswith(fence) and not line.strip(" \t`~"):
                fence = ""
        elif not fence and (level := _markdown_level(lines, number)):
            outline[number] = level
    yield from _with_paragraphs(lines, start, outline, _plain)


def text_blocks(source: Source) -> Iterator[Block]:
    """Blocks of a plain text: headings are underlined, numbered or in capitals, on a line of their own."""
    lines = source.text.split("\n")
    outline = {number: level for number in range(len(lines)) if (level := _text_level(lines, number))}
    yield from _with_paragraphs(lines, 0, outline, str.strip)


def _front_matter(lines: list[str]) -> int:
    """Number of lines of the YAML block that some editors put on top."""
    if lines[0].rstrip() != "---":
        return 0
    return next((number + 1 for number in range(1, min(len(lines), 60)) if lines[number].rstrip() == "---"), 0)


def _markdown_level(lines: list[str], number: int) -> tuple[int, int] | None:
    """Level and number of lines of the heading that starts at a line."""
    found = _ATX.match(lines[number])
    if found:
        return len(found[1]), 1
    return _underlined(lines, number)


def _text_level(lines: list[str], number: int) -> tuple[int, int] | None:
    line = lines[number].strip()
    if not line or len(line) > _LONGEST_HEADING or (number and lines[number - 1].strip()):
        return None
    if underlined := _underlined(lines, number):
        return underlined
    numbered = _NUMBERED.match(line)
    level = min(numbered["number"].count(".") + 1, 6) if numbered else 1
    if line.isupper() and len(line) > 3:
        return level, 1
    alone = number + 1 == len(lines) or not lines[number + 1].strip()
    titled = (numbered or _NAMED.match(line)) and not line.endswith((".", ",", ";", ":"))
    return (level, 1) if alone and titled else None


def _underlined(lines: list[str], number: int) -> tuple[int, int] | None:
    alone = not number or not lines[number - 1].strip()
    if not alone or not lines[number].strip() or number + 1 == len(lines) or "|" in lines[number]:
        return None
    found = _UNDERLINE.match(lines[number + 1])
    if not found or _UNDERLINE.match(lines[number]) or len(lines[number]) > _LONGEST_HEADING:
        return None
    return (1 if found["first"] else 2), 2


def _with_paragraphs(
    lines: list[str], start: int, outline: dict[int, tuple[int, int]], clean: Callable[[str], str]
) -> Iterator[Block]:
    held: list[int] = []
    number = start
    while number < len(lines):
        if number in outline:
            yield from _paragraph(lines, held, clean)
            level, count = outline[number]
            yield Block(level, number + 1, number + count, clean(_title(lines[number])))
            held, number = [], number + count
            continue
        if lines[number].strip():
            held.append(number)
        else:
            yield from _paragraph(lines, held, clean)
            held = []
        number += 1
    yield from _paragraph(lines, held, clean)


def _title(line: str) -> str:
    """A heading without the marks before and, where they stand apart, behind it: «# Обмен с C#» keeps its last."""
    title = line.strip().lstrip("#").strip()
    shorter = title.rstrip("#")
    return shorter.strip() if shorter[-1:].isspace() else title


def _paragraph(lines: list[str], numbers: list[int], clean: Callable[[str], str]) -> Iterator[Block]:
    if not numbers:
        return
    text = "\n".join(lines[number] for number in numbers)
    if len(text) <= _LONGEST_PARAGRAPH and len(numbers) <= _MOST_LINES:
        yield Block(0, numbers[0] + 1, numbers[-1] + 1, clean(text))
        return
    for number in numbers:
        yield Block(0, number + 1, number + 1, clean(lines[number]))


def _plain(text: str) -> str:
    """Markdown as it is read: without marks, links by what they show."""
    shown = _MARKS.sub("", _LINK.sub(r"\1", text)).replace("|", " ")
    return "\n".join(" ".join(line.split()) for line in shown.split("\n") if line.strip(" \t:-"))
