"""Draws the structure of the demo configuration from its dump: ``python -m rag_demo.configurations.pictures``."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from . import bundled
from .survey import Module, Object, modules, objects

TARGET = Path(__file__).resolve().parents[2] / "docs" / "images" / "configuration"
_STYLE = (
    "text{font-family:Arial,'DejaVu Sans',sans-serif;font-size:13px;fill:#1d2733}"
    ".small{font-size:11px;fill:#5a6675}.head{font-weight:bold}"
)
_COLOURS = {
    "Document": "#fff1cc", "AccumulationRegister": "#d7ecff", "InformationRegister": "#e3f6dc",
    "Subsystem": "#f3f5f8", "CommonModule": "#ece4fa",
}  # fmt: skip
_LINES = ("#c26a00", "#1668a8", "#2c8a3d", "#8a3d8f", "#b3261e", "#5d6b1f", "#00787a")
_KIND_WORDS = {
    "Catalog": "справочники", "Document": "документы", "InformationRegister": "регистры сведений",
    "AccumulationRegister": "регистры накопления", "CommonModule": "общие модули", "Report": "отчёты",
    "DataProcessor": "обработки", "Enum": "перечисления",
}  # fmt: skip
Point = tuple[float, float]


def pictures(dump: Path) -> dict[str, str]:
    """File name → SVG text of every picture."""
    found = objects(dump)
    return {
        "subsystems.svg": subsystems_picture(found),
        "documents-registers.svg": movements_picture(found),
        "sale-posting.svg": posting_picture(found, modules(dump), "Document.РеализацияТоваров"),
    }


def write_pictures(target: Path, dump: Path) -> list[Path]:
    """Write all pictures and return their paths."""
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in pictures(dump).items():
        paths.append(target / name)
        paths[-1].write_bytes(text.encode())
    return paths


def _svg(width: float, height: float, title: str, parts: Iterable[str]) -> str:
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _box(corner: Point, size: Point, colour: str) -> str:
    (x, y), (width, height) = corner, size
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {place} rx="6" fill="{colour}" stroke="#8896a5"/>'


def _text(corner: Point, text: str, css: str = "") -> str:
    style = f' class="{css}"' if css else ""
    return f'<text x="{corner[0]:g}" y="{corner[1]:g}"{style}>{escape(text)}</text>'


def _curve(start: Point, end: Point, colour: str) -> str:
    middle = (start[0] + end[0]) / 2
    path = f"M{start[0]:g},{start[1]:g} C{middle:g},{start[1]:g} {middle:g},{end[1]:g} {end[0]:g},{end[1]:g}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6" opacity="0.8"/>'


def _contents(item: Object) -> str:
    kinds = Counter(reference.split(".")[0] for reference in item.references("Content"))
    return ", ".join(f"{word}: {kinds[kind]}" for kind, word in _KIND_WORDS.items() if kinds[kind])


def subsystems_picture(found: Mapping[str, Object]) -> str:
    """Subsystems as boxes, the nested ones inside, with what they hold."""
    top = [item for name, item in found.items() if item.kind == "Subsystem" and name.count(".") == 1]
    parts: list[str] = []
    y = 20.0
    for item in top:
        inner = [one for name, one in found.items() if name.startswith(f"{item.full_name}.")]
        height = 54 + 46 * len(inner)
        parts.append(_box((20, y), (900, height), _COLOURS["Subsystem"]))
        parts.append(_text((34, y + 22), item.synonym, "head"))
        parts.append(_text((34, y + 40), _contents(item), "small"))
        for number, one in enumerate(inner):
            corner = (60, y + 50 + 46 * number)
            parts.append(_box(corner, (844, 40), "#ffffff"))
            parts.append(_text((corner[0] + 12, corner[1] + 17), one.synonym))
            parts.append(_text((corner[0] + 12, corner[1] + 32), _contents(one), "small"))
        y += height + 14
    return _svg(940, y + 6, "Подсистемы и их состав", parts)


def movements_picture(found: Mapping[str, Object]) -> str:
    """Documents on the left, registers on the right, a line for every kind of movement."""
    documents = [item for item in found.values() if item.kind == "Document"]
    used = {reference for item in documents for reference in item.references("RegisterRecords")}
    registers = [found[name] for name in sorted(used)]
    left = _column(documents, 20)
    right = _column(registers, 560)
    parts = []
    for number, item in enumerate(documents):
        colour = _LINES[number % len(_LINES)]
        start = (left[item.full_name][0] + 250, left[item.full_name][1] + 17)
        for reference in item.references("RegisterRecords"):
            x, y = right[reference]
            parts.append(_curve(start, (x, y + 17), colour))
    for item in [*documents, *registers]:
        corner = (left | right)[item.full_name]
        parts.append(_box(corner, (250, 34), _COLOURS[item.kind]))
        parts.append(_text((corner[0] + 10, corner[1] + 22), _shorten(item.synonym)))
    height = 30 + 46 * max(len(documents), len(registers))
    return _svg(830, height, "Какие документы двигают какие регистры", parts)


def _column(items: Sequence[Object], x: float) -> dict[str, Point]:
    return {item.full_name: (x, 20 + 46 * number) for number, item in enumerate(items)}


def _shorten(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def posting_picture(found: Mapping[str, Object], code: Sequence[Module], document: str) -> str:
    """The calls of common modules inside a document's posting, in their order."""
    bodies = {
        method.name: method.body
        for module in code
        if module.full_name == f"{document}.ObjectModule"
        for method in module.methods
    }
    steps = list(_calls(bodies["ОбработкаПроведения"], bodies, found))
    parts = []
    for number, (name, called) in enumerate(steps):
        y = 20 + 58 * number
        module = found.get(f"CommonModule.{name}")
        parts.append(_box((60, y), (620, 44), _COLOURS["CommonModule" if module else "Document"]))
        parts.append(_text((30, y + 27), str(number + 1), "head"))
        parts.append(_text((76, y + 19), f"{name}.{called}" if module else f"{called} (в модуле документа)"))
        parts.append(_text((76, y + 36), module.synonym if module else found[document].synonym, "small"))
    return _svg(710, 30 + 58 * len(steps), "Шаги проведения продажи", parts)


def _calls(body: str, local: Mapping[str, str], found: Mapping[str, Object]) -> Iterable[tuple[str, str]]:
    for line in body.split("\n")[1:]:
        for name, called in re.findall(r"(?<![\w.])(\w+)\.(\w+)\(", line):
            if f"CommonModule.{name}" in found:
                yield name, called
        for called in re.findall(r"^\t(\w+)\(", line):
            if called in local:
                yield "", called


def main() -> int:
    """Write the pictures of the bundled dump into ``docs``."""
    for path in write_pictures(TARGET, bundled()):
        sys.stdout.write(f"{path.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
