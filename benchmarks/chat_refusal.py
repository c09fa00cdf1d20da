"""When the chat refuses: questions that nothing in a configuration answers, and those with the answer found.

    python benchmarks/chat_refusal.py [DUMP[=FILE] …] [--other DUMP] [--asked FILE[=DUMP] …] [--json FILE]

First the golden questions of the bundled configuration: the half ``tune`` has a part in the weights of
`rag_demo/chat/confidence.json`; ``test`` and questions/trade_unanswerable.yaml have none. Then questions of people in
files (``--asked``, of the bundled configuration or a dump), by halves, too. Then, with any dump or ``--other`` given,
set (d): the index «removed» of ``rag-demo eval`` of the bundled configuration and of each dump (``=FILE``: only the
paths in that file). Asked are names of another configuration (``--other`` for the bundled one, the bundled one for the
others), questions on objects that were taken out, and known items that stay. Writes risk-coverage curves, too.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from asked import TOP_K, answers, ask
from common import report
from risk_coverage import Asked, curve, plot

from rag_demo.chat.answer import Assistant
from rag_demo.chat.confidence import Confidence
from rag_demo.chat.evidence import weights_of
from rag_demo.configurations import bundled
from rag_demo.configurations.golden import Question, load_golden
from rag_demo.evaluate.cases import Case
from rag_demo.evaluate.run import FUSED, ranks_of
from rag_demo.evaluating import Request, opened_plans
from rag_demo.index.ports import Where
from rag_demo.library import Library
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.settings import read_settings

_TARGETS = {"unanswerable_refused": 0.8, "wrongly_refused": 0.1}
_KINDS = {"foreign-name": "names of another configuration", "removed-object": "objects taken out"}


class Judge:
    """How sure the chat is of what a search found."""

    def __init__(self) -> None:
        self._confidence = Confidence.load()

    def strength(self, found: Found) -> float:
        """1 and above: it is answered."""
        if found.listed:
            return 10.0
        return self._confidence.of(found.hits, weights_of(found))


def golden(judge: Judge) -> list[Asked]:
    """All wordings of the golden questions and the unanswerable ones that were written afterwards."""
    asked = []
    with tempfile.TemporaryDirectory() as folder:
        library = Library(replace(read_settings(), data_dir=folder, answer_cache="off"))
        library.index(bundled(), "demo", progress=lambda *_: None)
        with library.assistant(("demo",)) as assistant:
            for question in [*load_golden(), *fresh()]:
                asked += [_golden(question, wording, assistant, judge) for wording in question.wordings]
        library.close()
    return asked


def fresh() -> list[Question]:
    """Unanswerable questions that had no part in anything."""
    file = Path(__file__).parent / "questions" / "trade_unanswerable.yaml"
    wordings = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [Question(f"fresh-{n}", said, "how-to", "ru", "fresh", refuse=True) for n, said in enumerate(wordings)]


def _golden(question: Question, wording: str, assistant: Assistant, judge: Judge) -> Asked:
    found = assistant.search(wording, where=Where(("demo",)), limit=TOP_K)
    gold_found = any(answers(hit.document, gold) for gold in question.gold for hit in found.hits)
    return Asked(question.kind, question.split, question.refuse, judge.strength(found), gold_found)


def of_people(file: str, judge: Judge) -> dict[str, list[Asked]]:
    """The questions of a file by split; what nothing like the wording says (``…-far-…``) by itself."""
    asked: dict[str, list[Asked]] = defaultdict(list)
    for case, found, is_found in ask(file, None):
        one = Asked(case.kind, case.split, not case.gold, judge.strength(found), is_found)
        asked[f"{case.split}, far" if "-far-" in case.case_id else case.split].append(one)
    return asked


def removed(dump: str, other: Path | None, judge: Judge) -> tuple[str, list[Asked]]:
    """Name of a configuration and its set (d), test split; an empty name of a dump is the bundled configuration."""
    folder, _, only = dump.partition("=")
    request = Request(
        Path(folder) if folder else None, only=Path(only) if only else None, other=other, parts=("removed",)
    )
    name, asked = "", []
    for plan, where, retriever in opened_plans(request, read_settings()):
        name = plan.ingested.configuration_name
        asked = [_removed(case, where, retriever, judge) for case in plan.answered if case.split == "test"]
    return f"{name}, part" if only else name, asked


def _removed(case: Case, where: Where, retriever: Retriever, judge: Judge) -> Asked:
    found = retriever.search(case.question, TOP_K, where=where)
    gold_found = any(rank is not None for rank in ranks_of(case, found.hits)[FUSED])
    return Asked(case.kind, case.split, not case.gold, judge.strength(found), gold_found)


def figures(asked: Sequence[Asked]) -> dict[str, Any]:
    """The two shares that there are targets for; unanswerable questions of every kind by themselves, too."""
    unanswerable = [one for one in asked if one.unanswerable]
    with_gold = [one for one in asked if one.gold_found and not one.unanswerable]
    kinds = dict.fromkeys(one.kind for one in unanswerable if one.kind in _KINDS)
    return {
        "unanswerable": len(unanswerable),
        "unanswerable_refused": _refused(unanswerable),
        "answerable": sum(not one.unanswerable for one in asked),
        "with_gold_among_the_sources": len(with_gold),
        "wrongly_refused": _refused(with_gold),
        **{
            _KINDS[kind]: {"unanswerable": len(these), "unanswerable_refused": _refused(these)}
            for kind in kinds
            for these in [[one for one in unanswerable if one.kind == kind]]
        },
    }


def _refused(asked: Iterable[Asked]) -> float | None:
    refused = [one.refused for one in asked]
    return round(sum(refused) / len(refused), 3) if refused else None


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options.add_argument("dumps", nargs="*", metavar="DUMP[=FILE]")
    options.add_argument("--other", type=Path, metavar="DUMP")
    options.add_argument("--asked", metavar="FILE[=DUMP]", nargs="*", default=[])
    options.add_argument("--json", type=Path, help="write the result here")
    given = options.parse_args()
    judge = Judge()
    asked = golden(judge)
    sets = {split: [one for one in asked if one.split == split] for split in ("tune", "test", "fresh")}
    result = {"benchmark": "chat_refusal", **{name: figures(these) for name, these in sets.items()}}
    curves = {f"golden questions, {split}": curve(sets[split]) for split in ("tune", "test")}
    if given.asked:
        by_file = {Path(file.partition("=")[0]).stem: of_people(file, judge) for file in given.asked}
        result["people"] = {
            name: {split: figures(these) for split, these in sorted(sets.items())} for name, sets in by_file.items()
        }
    if given.dumps or given.other:
        elsewhere = {}
        for dump in ("", *given.dumps):
            name, these = removed(dump, None if dump else given.other, judge)
            elsewhere[name] = figures(these)
            if any(one.gold_found for one in these):
                curves[name] = curve(these)
        result["removed"] = elsewhere
    report({**result, "targets": _TARGETS, "risk_coverage": curves}, given.json)
    if given.json:
        plot(curves, given.json.with_suffix(".svg"))


if __name__ == "__main__":
    main()
