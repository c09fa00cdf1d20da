"""Help pages: plain text of HTML, with the lines it comes from."""

from __future__ import annotations

from html.parser import HTMLParser

from rag_demo.ingest.parts import Unit

_SILENT = {"head", "script", "style", "title"}
_BLOCKS = {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "br", "table", "ul", "ol", "body", "dt", "dd"}


class _PageReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.units: list[Unit] = []
        self._silent = 0
        self._words: list[str] = []
        self._start = 0
        self._end = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - given by the base
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self.flush()
        if tag == "body":
            self._silent = 0  # whatever was left open in the head

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BLOCKS:
            self.flush()

    def handle_data(self, data: str) -> None:
        if self._silent or not data.strip():
            if self._words and not self._silent:
                self._words.append(" ")
            return
        line = self.getpos()[0]
        leading = len(data) - len(data.lstrip())
        first = line + data.count("\n", 0, leading)
        last = line + data.rstrip().count("\n")
        self._start = self._start or first
        self._end = max(self._end, last)
        self._words.append(data)

    def flush(self) -> None:
        text = " ".join("".join(self._words).split())
        if text:
            self.units.append(Unit(self._start, self._end, text))
        self._words, self._start, self._end = [], 0, 0


def help_units(html: str) -> list[Unit]:
    r"""Paragraphs, list items and table rows of a page whose line ends are ``\n`` already."""
    reader = _PageReader()
    reader.feed(html)
    reader.close()
    reader.flush()
    return reader.units
