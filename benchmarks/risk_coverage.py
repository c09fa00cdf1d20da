"""Risk-coverage curves: how many of the answered questions go wrong as fewer are answered, as numbers and as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_WIDTH, _HEIGHT, _EDGE = 520, 320, 50
_RISK = "share of those without the right source"
_COLOURS = ("#888888", "#1f5fbf", "#c2571a", "#2e7d32", "#7b1fa2", "#ad1457")
_STEP = 0.01  # points nearer than this are left out
Point = dict[str, float]


@dataclass(frozen=True)
class Asked:
    """One wording: its kind and half, how strong the evidence for it is, whether what was found has the answer."""

    kind: str
    split: str
    unanswerable: bool
    strength: float
    gold_found: bool

    @property
    def refused(self) -> bool:
        """Whether the chat refuses it."""
        return self.strength < 1


def curve(asked: Sequence[Asked]) -> list[Point]:
    """From all answered to the surest alone: share answered, and of those the share without the right source."""
    points: list[Point] = []
    for threshold in sorted({0.0, 1.0, *(round(one.strength, 3) for one in asked)}):
        answered = [one for one in asked if one.strength >= threshold]
        if not answered:
            continue
        coverage = len(answered) / len(asked)
        risk = sum(not one.gold_found for one in answered) / len(answered)
        if threshold == 1.0 or not points or points[-1]["coverage"] - coverage >= _STEP:
            points.append({"threshold": threshold, "coverage": round(coverage, 3), "risk": round(risk, 3)})
    return points


def plot(curves: Mapping[str, Sequence[Point]], path: Path) -> None:
    """The curves as SVG; the circles are the threshold in use."""
    top = max(point["risk"] for points in curves.values() for point in points) or 1.0

    def place(point: Point) -> tuple[float, float]:
        x = _EDGE + point["coverage"] * (_WIDTH - 2 * _EDGE)
        return x, _HEIGHT - _EDGE - point["risk"] / top * (_HEIGHT - 2 * _EDGE)

    style = 'font-family="sans-serif" font-size="12"'
    right, bottom = _WIDTH - _EDGE, _HEIGHT - _EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" {style}>',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<path d="M{_EDGE},{_EDGE}V{bottom}H{right}" fill="none" stroke="black"/>',
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 12}" text-anchor="middle">share of questions answered</text>',
        f'<text x="14" y="{_HEIGHT / 2}" transform="rotate(-90 14 {_HEIGHT / 2})" text-anchor="middle">{_RISK}</text>',
        f'<text x="{_EDGE - 6}" y="{_EDGE + 4}" text-anchor="end">{top:.2f}</text>',
        f'<text x="{_EDGE - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{bottom + 16}" text-anchor="middle">1</text>',
    ]
    for number, ((name, points), colour) in enumerate(zip(curves.items(), _COLOURS, strict=False)):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in (place(point) for point in points if point["threshold"] == 1.0):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{_EDGE + 12}" y="{_EDGE + 14 * number}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")
