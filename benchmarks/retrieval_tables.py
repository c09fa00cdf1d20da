"""Puts the figures of ``docs/results/retrieval_*.json`` into the tables of ``docs/retrieval.md``.

    python benchmarks/retrieval_tables.py

Each table stands between two comments that carry its name; what is around them stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DOCS = Path(__file__).resolve().parents[1] / "docs"
_LEGS = {
    "BM25": "BM25",
    "RRF-BM25": "RRF-BM25",
    "lexical": "words alone",
    "dense": "vectors alone",
    "fused": "**this search**",
}
_KNOWN = {"slice": "slice, alone", "slice_base": "slice, base of the rest", "ssl": "all"}
_ALL = {
    "slice": "БСП 3.1, slice alone",
    "slice_base": "БСП 3.1, slice, base of the rest",
    "ssl": "БСП 3.1, all",
    "yaxunit": "YAxUnit",
    "connector": "Connector",
    "demo": "bundled configuration",
}

_BUNDLED = {"identifier": "names as written", "fact-type": "facts: types"}
_FACTS, _GOLDEN = "facts: dimensions, handlers, movements", "questions of `golden.yaml` with all paraphrases"


def main() -> None:
    page = _DOCS / "retrieval.md"
    text = page.read_text(encoding="utf-8")
    tables = {"known items": known_items(), "bundled": bundled(), "configurations": configurations()}
    for name, lines in tables.items():
        table = "\n".join(lines)
        text, found = re.subn(rf"(<!-- {name} -->\n).*?(<!-- / -->)", rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
        if found != 1:
            raise SystemExit(f"{page} has {found} places for the table {name!r}; one is needed.")
    page.write_text(text, encoding="utf-8")


def known_items() -> Iterator[str]:
    yield "| known items | questions | hit@1 | hit@10 |"
    yield "|---|---|---|---|"
    for name, label in _KNOWN.items():
        table = sets(name).get("known-item", {}).get("test")
        for leg, called in _LEGS.items() if table else ():
            figures = table["legs"].get(leg)
            if figures:
                yield (
                    f"| {label}: {called} | {table['questions']:,} | "
                    f"{interval(figures['hit@1'])} | {interval(figures['hit@10'])} |"
                )


def bundled() -> Iterator[str]:
    yield "| bundled configuration, test split | questions | hit@1 | hit@3 | hit@5 |"
    yield "|---|---|---|---|---|"
    others: dict[str, list[dict[str, Any]]] = {}
    for kind, splits in sets("demo").items():
        if "legs" in splits.get("test", {}) and kind != "known-item":
            others.setdefault(_BUNDLED.get(kind, _FACTS if kind.startswith("fact") else _GOLDEN), []).append(
                splits["test"]
            )
    for label, tables in others.items():
        number = sum(table["questions"] for table in tables)
        rates = (mean(tables, f"hit@{k}") for k in (1, 3, 5))
        yield f"| {label} | {number} | {' | '.join(share(rate) for rate in rates)} |"


def mean(tables: list[dict[str, Any]], measure: str) -> float:
    """Over the questions of all tables."""
    right = sum(table["questions"] * table["legs"]["fused"][measure]["mean"] for table in tables)
    return float(right / sum(table["questions"] for table in tables))


def configurations() -> Iterator[str]:
    yield "| | names | hit@1 | facts | among three | known items | hit@1 | hit@10 | RRF-BM25 hit@10 |"
    yield "|---|--:|---|--:|---|--:|---|---|---|"
    for name, label in _ALL.items():
        found = sets(name)
        cells = [*names(found), *facts(found), *known(found)]
        if any(cells):
            yield f"| {label} | {' | '.join(cells)} |"


def names(found: dict[str, Any]) -> list[str]:
    table = found.get("identifier", {}).get("test")
    return [str(table["questions"]), interval(table["legs"]["fused"]["hit@1"])] if table else ["", ""]


def facts(found: dict[str, Any]) -> list[str]:
    tables = [splits["test"] for kind, splits in found.items() if kind.startswith("fact") and "test" in splits]
    number = sum(table["questions"] for table in tables)
    return [str(number), share(mean(tables, "hit@3"))] if number else ["", ""]


def known(found: dict[str, Any]) -> list[str]:
    table = found.get("known-item", {}).get("test")
    if not table:
        return [""] * 4
    ours, theirs = table["legs"]["fused"], table["legs"]["RRF-BM25"]
    rates = (ours["hit@1"], ours["hit@10"], theirs["hit@10"])
    return [f"{table['questions']:,}", *(interval(rate) for rate in rates)]


def sets(name: str) -> dict[str, Any]:
    file = _DOCS / "results" / f"retrieval_{name}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["sets"] if file.exists() else {}
    return found


def interval(figure: dict[str, float]) -> str:
    return f"{share(figure['mean'])} [{share(figure['low'])}, {share(figure['high'])}]"


def share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


if __name__ == "__main__":
    main()
