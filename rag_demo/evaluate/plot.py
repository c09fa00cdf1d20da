"""The figures as a picture: for each kind of question, the share answered within the first k hits, leg by leg."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from rag_demo.evaluate.report import DEPTHS

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 520, 220, 44, 30, 30
_COLOURS = ("#1b6ca8", "#d1495b", "#5b8c5a", "#edae49", "#6a4c93", "#444444")


def svg(figures: dict[str, Any], *, split: str) -> str:
    """An SVG drawing: one panel for each kind of question that was searched."""
    tables = {
        kind: splits[split] for kind, splits in figures["sets"].items() if split in splits and "legs" in splits[split]
    }
    panels = "".join(_panel(kind, table, number * _HEIGHT) for number, (kind, table) in enumerate(tables.items()))
    height = max(len(tables), 1) * _HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>{panels}</svg>\n'
    )


def _panel(kind: str, table: dict[str, Any], top: int) -> str:
    title = f"{kind} ({table['questions']} questions): share with an answer among the first k"
    parts = [f'<text x="{_LEFT}" y="{top + 18}" font-weight="bold">{escape(title)}</text>']
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10, top)
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH - 130}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{tenth / 10:.1f}</text>')
    for place, depth in enumerate(DEPTHS):
        parts.append(f'<text x="{_x(place)}" y="{top + _HEIGHT - 12}" text-anchor="middle">{depth}</text>')
    for number, (leg, measures) in enumerate(table["legs"].items()):
        colour = _COLOURS[number % len(_COLOURS)]
        values = [measures[f"hit@{depth}"] for depth in DEPTHS]
        points = " ".join(f"{_x(place)},{_y(value['mean'], top)}" for place, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for place, value in enumerate(values):
            x = _x(place)
            low, high = _y(value["low"], top), _y(value["high"], top)
            parts.append(f'<line x1="{x}" x2="{x}" y1="{low}" y2="{high}" stroke="{colour}"/>')
        y = top + _TOP + 16 * number + 8
        parts.append(f'<text x="{_WIDTH - 118}" y="{y}" fill="{colour}">{escape(leg)}</text>')
    return "".join(parts)


def _x(place: int) -> float:
    return round(_LEFT + 12 + place * (_WIDTH - 160 - _LEFT) / (len(DEPTHS) - 1), 1)


def _y(share: float, top: int) -> float:
    return round(top + _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)
