"""XML with line numbers, for files that others made: no DTD, no entities, bounded depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

_MAX_DEPTH = 256


class XmlError(Exception):
    """The text is not XML that we accept; the message names the line."""


@dataclass(slots=True)
class Element:
    """An element without namespaces: prefixes vary from dump to dump, local names do not."""

    tag: str
    attributes: dict[str, str]
    line: int  # 1-based line of its start tag
    line_end: int = 0  # 1-based line of its end tag
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, tag: str) -> Element | None:
        """First child of that name."""
        for element in self.children:
            if element.tag == tag:
                return element
        return None

    def value(self, tag: str) -> str:
        """Text of the first child of that name, or nothing."""
        element = self.child(tag)
        return element.text if element is not None else ""

    def all(self, tag: str) -> list[Element]:
        """Children of that name."""
        return [element for element in self.children if element.tag == tag]

    def walk(self) -> Iterator[Element]:
        """The element and everything below it, in the order of the file."""
        stack = [self]
        while stack:
            element = stack.pop()
            yield element
            stack.extend(reversed(element.children))


class _Builder:
    def __init__(self) -> None:
        # The encoding is given because the text is decoded already, whatever its declaration says.
        self._parser = parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        self._stack: list[Element] = []
        self._texts: list[list[str]] = []  # joined at the end tag: adding to a string would take quadratic time
        self._root: Element | None = None

    def parse(self, text: str) -> Element:
        try:
            self._parser.Parse(text.encode("utf-8", errors="replace"), True)
        except expat.ExpatError as error:
            reason = expat.ErrorString(error.code)
            raise XmlError(f"broken XML in line {error.lineno}: {reason}") from error
        if self._root is None:
            raise XmlError("broken XML: no element found")
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        if len(self._stack) >= _MAX_DEPTH:
            raise XmlError(f"elements nested more than {_MAX_DEPTH} levels deep in line {line}")
        element = Element(name.rpartition(":")[2], attributes, line)
        if self._stack:
            self._stack[-1].children.append(element)
        else:
            self._root = element
        self._stack.append(element)
        self._texts.append([])

    def _end(self, _name: str) -> None:
        element = self._stack.pop()
        element.line_end = self._parser.CurrentLineNumber
        element.text = "".join(self._texts.pop()).strip()

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)

    def _refuse(self, *_declaration: object) -> None:
        raise XmlError(f"a DTD or entity declaration in line {self._parser.CurrentLineNumber}: refused for safety")


def parse_xml(text: str) -> Element:
    r"""Parse a text whose line ends are ``\n`` already.

    Raises:
        XmlError: broken XML, a DTD, or elements nested too deep.
    """
    # A lone "\r" would count as a line end for expat, but not for our citations.
    return _Builder().parse(text.replace("\r", " "))
