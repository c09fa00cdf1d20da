"""Puts the generated trees together and gives every file its bytes."""

from __future__ import annotations

from pathlib import Path

from .designer import designer_files
from .designer_parts import help_document
from .edt import edt_files
from .model import Description, load
from .paths import designer_help, designer_module, edt_help, edt_module

_BOM = b"\xef\xbb\xbf"
Tree = dict[str, bytes]


def all_trees(trade: Path) -> dict[str, Tree]:
    """Name of the tree → path → bytes, for the configuration and its extension."""
    main = load(trade)
    extension = load(trade / "extension_source", base_name=main.name)
    return {
        "designer": designer_tree(main),
        "edt": edt_tree(main),
        "extension": designer_tree(extension),
        "extension_edt": edt_tree(extension),
    }


def designer_tree(description: Description) -> Tree:
    """A Designer dump: byte order marks, mostly CRLF, a few modules with other line ends."""
    tree = {path: _designer_bytes(text, "crlf") for path, text in designer_files(description).items()}
    ends = description.root.get("line_ends") or {}
    for path, text in description.modules.items():
        tree[designer_module(path)] = _designer_bytes(text, ends.get(path, "crlf"))
    for path, text in description.help.items():
        folder, _, language = path.rpartition("/")
        index, page = designer_help(folder, language)
        tree[index] = _designer_bytes(help_document(), "crlf")
        tree[page] = _designer_bytes(text, "crlf")
    return tree


def edt_tree(description: Description) -> Tree:
    """An EDT project: no byte order marks, bare line feeds."""
    tree = {path: text.encode() for path, text in edt_files(description).items()}
    for path, text in description.modules.items():
        tree[edt_module(path)] = text.encode()
    for path, text in description.help.items():
        tree[edt_help(path)] = text.encode()
    return tree


def _designer_bytes(text: str, line_end: str) -> bytes:
    if line_end == "lf":
        return _BOM + text.encode()
    if line_end == "mixed":
        lines = text.split("\n")
        half = len(lines) // 2
        return _BOM + ("\r\n".join(lines[:half]) + "\n" + "\n".join(lines[half:])).encode()
    return _BOM + text.replace("\n", "\r\n").encode()
