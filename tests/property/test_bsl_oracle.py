"""Our scanner against a full grammar of the language, on the modules of the demo configuration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import rag_demo.configurations
from rag_demo.ingest.bsl import scan

tree_sitter = pytest.importorskip("tree_sitter")
grammar = pytest.importorskip("tree_sitter_hbk")

MODULES = sorted((Path(rag_demo.configurations.__file__).parent / "trade").rglob("*.bsl"))
DEFINITIONS = {"procedure_definition", "function_definition"}


def definitions(node) -> Iterator:
    for child in node.children:
        if child.type in DEFINITIONS:
            yield child
        else:
            yield from definitions(child)


def expected(text: str) -> list[tuple[str, int, int, bool]]:
    tree = tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(text.encode())
    assert not tree.root_node.has_error
    found = [
        (
            node.child_by_field_name("name").text.decode(),
            node.child_by_field_name("name").start_point[0] + 1,
            node.end_point[0] + 1,
            node.child_by_field_name("export") is not None,
        )
        for node in definitions(tree.root_node)
    ]
    return sorted(found, key=lambda method: method[1])


def test_there_are_modules_to_compare():
    assert len(MODULES) > 20


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(path.parts[-4:]))
def test_the_same_methods_on_the_same_lines(path):
    text = path.read_text("utf-8-sig").replace("\r\n", "\n")
    found = [(one.name, one.line_header, one.line_end, one.export) for one in scan(text).methods]
    assert found == expected(text)
