"""A very small XML tree and its printer: attribute order, indents and line ends are ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr


@dataclass(frozen=True)
class Node:
    """An element: either text or children, never both."""

    tag: str
    text: str = ""
    children: tuple[Node, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


def el(
    tag: str,
    content: str | Node | Iterable[Node] = "",
    attributes: Mapping[str, str] | None = None,
) -> Node:
    """Build an element from text, one child or many."""
    pairs = tuple((attributes or {}).items())
    if isinstance(content, str):
        return Node(tag, content, (), pairs)
    children = (content,) if isinstance(content, Node) else tuple(content)
    return Node(tag, "", children, pairs)


def render(node: Node, indent: str) -> str:
    """The document as text with bare line feeds and no final one."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write(node, 0, indent, lines)
    return "\n".join(lines)


def _write(node: Node, depth: int, indent: str, lines: list[str]) -> None:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes)
    start = f"{indent * depth}<{node.tag}{attributes}"
    if node.children:
        lines.append(start + ">")
        for child in node.children:
            _write(child, depth + 1, indent, lines)
        lines.append(f"{indent * depth}</{node.tag}>")
    elif node.text:
        lines.append(f"{start}>{escape(node.text)}</{node.tag}>")
    else:
        lines.append(start + "/>")
