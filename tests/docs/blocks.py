"""The fenced blocks of a page, and the marks that stand before them as HTML comments.

``<!-- skip: why -->`` is not run here. ``<!-- parse: why -->``: the real programs parse the options, nothing is run.
``<!-- background: 8000 -->`` starts a server and waits until that port answers. ``<!-- prints -->`` before a ``text``
block: the block before it printed this; ``…`` stands for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(
    r"<!--\s*(?P<name>skip|parse|background|prints)\s*(?::\s*(?P<value>(?:(?!-->).)*?))?\s*-->\s*\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: ``line`` is that of its code, ``mark`` and ``value`` are those of the comment before it."""

    page: str
    line: int
    language: str
    code: str
    mark: str = ""
    value: str = ""

    @property
    def where(self) -> str:
        """Page and line, as editors write it."""
        return f"{self.page}:{self.line}"


def blocks_of(path: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text, found = path.read_text(encoding="utf-8"), []
    for fence in _FENCE.finditer(text):
        indent = len(fence["indent"])
        code = "".join(line[indent:] if line.strip() else line for line in fence["code"].splitlines(keepends=True))
        line = text.count("\n", 0, fence.start("code")) + 1
        mark = _MARK.search(text, 0, fence.start())
        name, value = (mark["name"], mark["value"] or "") if mark else ("", "")
        page = path.relative_to(ROOT).as_posix()
        found.append(Block(page, line, fence["language"].strip(), code, name, " ".join(value.split())))
    return found
