"""When the chat refuses: questions that nothing in the demo configuration answers, and those with the answer found.

Both halves of the golden questions: ``tune`` chose the thresholds of `rag_demo/chat/evidence.py`, ``test`` did not.
Writes the risk-coverage curve, too: how many of the answered questions go wrong as fewer are answered.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from common import arguments, report

from rag_demo.chat.evidence import strength, weigh
from rag_demo.configurations import bundled
from rag_demo.configurations.golden import Question, load_golden
from rag_demo.index.ports import Where
from rag_demo.library import Library
from rag_demo.retrieve.search import Found
from rag_demo.settings import read_settings
from rag_demo.types import Document

TOP_K = 5
_RISK = "share of those without the right source"
_WIDTH, _HEIGHT, _EDGE = 520, 320, 50


@dataclass(frozen=True)
class Asked:
    """One wording: how strong the evidence for it is, and whether the answer is among what was found."""

    split: str
    unanswerable: bool
    strength: float
    gold_found: bool


def ask_all() -> list[Asked]:
    with tempfile.TemporaryDirectory() as folder:
        library = Library(replace(read_settings(), data_dir=folder, answer_cache="off"))
        library.index(bundled(), "demo", progress=lambda *_: None)
        asked = []
        with library.assistant(("demo",)) as assistant:
            search = partial(assistant.search, where=Where(("demo",)), limit=TOP_K)
            for question in [*load_golden(), *fresh()]:
                for wording in question.wordings:
                    found = search(wording)
                    asked.append(Asked(question.split, question.refuse, _strength(found), _has_gold(question, found)))
        library.close()
    return asked


def fresh() -> list[Question]:
    """Unanswerable questions that had no part in anything."""
    wordings = yaml.safe_load(Path(__file__).with_name("unanswerable.yaml").read_text(encoding="utf-8"))
    return [Question(f"fresh-{n}", said, "how-to", "ru", "fresh", refuse=True) for n, said in enumerate(wordings)]


def _strength(found: Found) -> float:
    if found.listed:
        return 10.0
    weights = weigh(found.rarity, found.query.actions)
    return max((strength(hit, weights) for hit in found.hits), default=0.0)


def _has_gold(question: Question, found: Found) -> bool:
    return any(_answers(hit.document, gold) for gold in question.gold for hit in found.hits)


def _answers(document: Document, gold: str) -> bool:
    """The gold itself, a part of it, or the object that it is a part of."""
    name = document.full_name
    return name == gold or name.startswith(f"{gold}.") or gold.startswith(f"{name}.")


def figures(asked: Sequence[Asked]) -> dict[str, Any]:
    unanswerable = [one for one in asked if one.unanswerable]
    with_gold = [one for one in asked if one.gold_found and not one.unanswerable]
    refused = sum(one.strength < 1 for one in unanswerable)
    wrongly = sum(one.strength < 1 for one in with_gold)
    return {
        "unanswerable": len(unanswerable),
        "unanswerable_refused": round(refused / len(unanswerable), 3),
        "with_gold_among_the_sources": len(with_gold),
        "wrongly_refused": round(wrongly / len(with_gold), 3),
    }


def curve(asked: Sequence[Asked]) -> list[dict[str, float]]:
    """From all answered to the surest alone: share answered, and of those the share without the right source."""
    points = []
    for threshold in sorted({0.0, 1.0, *(round(one.strength, 2) for one in asked)}):
        answered = [one for one in asked if one.strength >= threshold]
        if answered:
            wrong = sum(not one.gold_found for one in answered)
            risk, covered = wrong / len(answered), len(answered) / len(asked)
            points.append({"threshold": threshold, "coverage": round(covered, 3), "risk": round(risk, 3)})
    return points


def plot(curves: dict[str, list[dict[str, float]]], path: Path) -> None:
    """The curves as SVG; the circle is the threshold in use."""
    top = max(point["risk"] for points in curves.values() for point in points) or 1.0

    def place(point: dict[str, float]) -> tuple[float, float]:
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
    for (name, points), colour in zip(curves.items(), ("#888888", "#1f5fbf"), strict=False):
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))
        x, y = place(next(point for point in points if point["threshold"] == 1.0))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 14:.1f}" fill="{colour}">{name}</text>')
    path.write_text("\n".join([*parts, "</svg>", ""]), encoding="utf-8")


def main() -> None:
    options = arguments(__doc__ or "")
    asked = ask_all()
    halves = {split: [one for one in asked if one.split == split] for split in ("tune", "test")}
    curves = {split: curve(half) for split, half in halves.items()}
    result = {"benchmark": "chat_refusal", **{split: figures(half) for split, half in halves.items()}}
    targets = {"unanswerable_refused": 0.8, "wrongly_refused": 0.1}
    more = [one for one in asked if one.split == "fresh"]
    result["fresh"] = {
        "unanswerable": len(more),
        "unanswerable_refused": round(sum(one.strength < 1 for one in more) / len(more), 3),
    }
    report({**result, "targets": targets, "risk_coverage": curves}, options.json)
    if options.json:
        plot(curves, options.json.with_suffix(".svg"))


if __name__ == "__main__":
    main()
