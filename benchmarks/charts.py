"""Line charts as SVG: what the results of experiments need, without a library."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 340, 64, 24, 44, 56
_COLOURS = ("#1f5fbf", "#888888", "#b8541a", "#2f7d32", "#7a3fa0", "#a02020")
_STYLE = 'font-family="sans-serif" font-size="12"'
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axes:
    """Captions, and where the marks of the horizontal axis stand; with ``doubling``, equal factors are equally far."""

    title: str
    x: str
    y: str
    marks: Sequence[float]
    doubling: bool = False


def line_chart(path: Path, axes: Axes, series: Mapping[str, Points]) -> None:
    """Write one line for each series; the vertical axis begins at 0."""
    top = _round_up(max(y for points in series.values() for _, y in points))
    low, high = _scaled(axes, min(axes.marks)), _scaled(axes, max(axes.marks))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (_scaled(axes, x) - low) / ((high - low) or 1)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [*_frame(axes), *_marks(axes, top, place)]
    for number, (name, points) in enumerate(series.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        placed = [place(x, y) for x, y in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        x = _LEFT + 10 + number * (_WIDTH - _LEFT - _RIGHT) / len(series)
        parts.append(f'<text x="{x:.0f}" y="{_TOP - 8}" fill="{colour}">{escape(name)}</text>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def _frame(axes: Axes) -> list[str]:
    bottom, right, middle = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT, _HEIGHT / 2
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" {_STYLE}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{_LEFT},{_TOP}V{bottom}H{right}" fill="none" stroke="black"/>',
        f'<text x="{_WIDTH / 2}" y="18" text-anchor="middle" font-weight="bold">{escape(axes.title)}</text>',
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 14}" text-anchor="middle">{escape(axes.x)}</text>',
        f'<text x="14" y="{middle}" transform="rotate(-90 14 {middle})" text-anchor="middle">{escape(axes.y)}</text>',
    ]


def _marks(axes: Axes, top: float, place: Callable[[float, float], tuple[float, float]]) -> list[str]:
    parts = []
    for mark in axes.marks:
        x, y = place(mark, 0.0)
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle">{mark:g}</text>')
    for step in range(5):
        x, y = place(axes.marks[0], top * step / 4)
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * step / 4:g}</text>')
        parts.append(f'<path d="M{_LEFT},{y:.1f}H{_WIDTH - _RIGHT}" stroke="#dddddd" fill="none"/>')
    return parts


def _scaled(axes: Axes, x: float) -> float:
    return math.log2(x) if axes.doubling else x


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 8 times a power of ten: marks of quarters are short numbers."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value)
