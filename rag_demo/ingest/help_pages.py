"""Help pages: plain text of HTML, with the lines it comes from.

The parser of the standard library needs quadratic time for unfinished tags and raises for some declarations.
Help pages are written by others, so they are read here by a scanner that needs linear time and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from rag_demo.ingest.bsl import Source
from rag_demo.ingest.parts import Unit

_MARKUP = re.compile(r"<(?:(?P<comment>!--)|[!?]|(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]*))")
_SILENT = {"head", "script", "style", "title"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = _HEADINGS | {"p", "div", "li", "tr", "br", "table", "ul", "ol", "body", "dt", "dd"}


def help_units(source: Source) -> list[Unit]:
    """Paragraphs, list items and table rows of a page, without what the page does not show."""
    return [unit for _, unit in page_blocks(source)]


def page_blocks(source: Source) -> list[tuple[int, Unit]]:
    """What `help_units` gives, each with its level as a heading: 1 for ``<h1>`` … 6, 0 for any other text."""
    page = _Page(source)
    silent = 0
    for start, end, tag, closes in _tokens(source.text):
        if not tag:
            if not silent:
                page.add(start, end)
        elif tag in _SILENT:
            silent = max(0, silent - 1) if closes else silent + 1
        elif tag in _BLOCKS:
            page.end_block()
            page.level = int(tag[1]) if tag in _HEADINGS and not closes else 0
            if tag == "body":
                silent = 0  # whatever was left open in the head
    page.end_block()
    return page.blocks


def _tokens(html: str) -> Iterator[tuple[int, int, str, bool]]:
    """Text (without a tag name) and tags, by their offsets."""
    at = 0
    while found := _MARKUP.search(html, at):
        if found.start() > at:
            yield at, found.start(), "", False
        mark = "-->" if found["comment"] else ">"
        close = html.find(mark, found.end())
        if close < 0:
            return  # an unfinished tag or comment swallows the rest, as in browsers
        at = close + len(mark)
        if found["tag"]:
            yield found.start(), at, found["tag"].lower(), bool(found["close"])
    if at < len(html):
        yield at, len(html), "", False


class _Page:
    def __init__(self, source: Source) -> None:
        self.blocks: list[tuple[int, Unit]] = []
        self.level = 0
        self._source = source
        self._words: list[str] = []
        self._start = 0
        self._end = 0

    def add(self, start: int, end: int) -> None:
        text = self._source.text[start:end]
        words = text.strip()
        if words:
            first = start + len(text) - len(text.lstrip())
            if not self._end:
                self._start = first
            self._end = first + len(words)
        if words or self._words:
            self._words.append(text)

    def end_block(self) -> None:
        text = " ".join(unescape("".join(self._words)).split())
        if text and self._end:
            lines = self._source.line_of(self._start), self._source.line_of(self._end - 1)
            self.blocks.append((self.level, Unit(*lines, text)))
        self._words, self._start, self._end = [], 0, 0
