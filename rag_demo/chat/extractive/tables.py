"""What an object consists of, as tables: attributes with their types, values, columns. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rag_demo.chat.asked import Asked
from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.index.analyse import fold, natural
from rag_demo.ingest.facts import MemberFact, MemberKind

MOST_ROWS = 100
_LONGEST_CELL = 70
# In registers and documents these are asked for in one word, and shown apart.
_ORDER: tuple[MemberKind, ...] = (
    "dimension", "resource", "attribute", "standard_attribute", "enum_value", "predefined", "column",
    "url_template", "http_method", "command", "form", "template",
)  # fmt: skip


class Table(NamedTuple):
    """A table under its title, and the lines that its rows come from."""

    text: str
    path: str
    line_start: int
    line_end: int
    title: str
    rows: int


def tables(members: Sequence[MemberFact], asked: Asked, phrases: Phrases) -> list[Table]:
    """Tables of the members of an object that a question asks for.

    Args:
        members: all that the object has.
        asked: the kinds of members, and perhaps one tabular section.
        phrases: of the language of the answer.

    Returns:
        None if the object has no such members.
    """
    wanted = set(asked.members)
    if "attribute" in wanted:
        wanted.add("tabular_section_attribute")
    found = []
    for kind in _ORDER:
        rows = [member for member in members if member.kind == kind]
        if kind in wanted and rows:
            found.append(_table(_title(kind, phrases), rows, phrases))
    if wanted & {"tabular_section", "tabular_section_attribute"}:
        found += _sections(members, asked.section, phrases)
    return found


def tables_of(members: Sequence[MemberFact], phrases: Phrases) -> list[Table]:
    """Tables of just these members."""
    found = [
        _table(_title(kind, phrases), rows, phrases)
        for kind in _ORDER
        if (rows := [member for member in members if member.kind == kind])
    ]
    return [*found, *_sections(members, "", phrases)]


def _title(kind: MemberKind, phrases: Phrases) -> str:
    return phrases.values if kind == "enum_value" else phrases.columns[kind]


def _sections(members: Sequence[MemberFact], section: str, phrases: Phrases) -> Iterator[Table]:
    names = dict.fromkeys(member.parent for member in members if member.kind == "tabular_section_attribute")
    for name in names:
        if not section or section in {fold(name), fold(name)[: len(section)]}:
            rows = [
                member for member in members if member.kind == "tabular_section_attribute" and member.parent == name
            ]
            yield _table(phrases.section.format(name), rows, phrases)


def _table(title: str, members: Sequence[MemberFact], phrases: Phrases) -> Table:
    """The lines are those of the configuration; what an extension adds is in the table, but stands in another file."""
    path = members[0].origin.path
    first = min(member.origin.line_start for member in members if member.origin.path == path)
    last = max(member.origin.line_end for member in members if member.origin.path == path)
    return Table(f"{title}\n{_rows(members, phrases)}", path, first, last, title, len(members))


def _rows(members: Sequence[MemberFact], phrases: Phrases) -> str:
    """Markdown with columns of equal width, so that it can be read on a terminal, too."""
    rows = [(_called(member), member.types, _meaning(member)) for member in members[:MOST_ROWS]]
    heads = (phrases.name, phrases.type, phrases.meaning)
    shown = [place for place in range(len(heads)) if place == 0 or any(row[place] for row in rows)]
    cells = [[_cell(row[place]) for place in shown] for row in (heads, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(shown))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    hidden = len(members) - len(rows)
    return "\n".join(lines + ([phrases.more.format(hidden)] if hidden > 0 else []))


def _called(member: MemberFact) -> str:
    """The name; methods of different addresses of an HTTP service are called alike."""
    return f"{member.parent}: {member.name}" if member.kind == "http_method" and member.parent else member.name


def _meaning(member: MemberFact) -> str:
    """What users call it, and what its author says of it; no more if that only repeats the name."""
    synonym = member.synonym if fold(member.synonym) != fold(natural(member.name)) or member.tooltip else ""
    return ". ".join(dict.fromkeys(text.rstrip(".") for text in (synonym, member.tooltip, member.comment) if text))


def _cell(text: str) -> str:
    bare = " ".join(text.replace("|", "/").split())
    return bare if len(bare) <= _LONGEST_CELL else bare[: _LONGEST_CELL - 1].rstrip() + "…"
