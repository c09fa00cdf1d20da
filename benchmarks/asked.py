"""Questions of people, from files beside this one, asked of an index with all comments."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rag_demo.evaluate.cases import Case, Split, choose, read_cases
from rag_demo.evaluating import Request, opened_plans
from rag_demo.retrieve.search import Found
from rag_demo.settings import read_settings
from rag_demo.types import Document

TOP_K = 5


def ask(file: str, split: Split | None) -> Iterator[tuple[Case, Found, bool]]:
    """Each question, what is found, and whether an answer is among that.

    Args:
        file: ``FILE`` of questions on the bundled configuration, or ``FILE=DUMP``.
        split: the half that is asked; None: all.
    """
    questions, _, folder = file.partition("=")
    cases = choose(read_cases(Path(questions)), split)
    request = Request(Path(folder) if folder else None, questions=Path(questions), parts=("full",), most=1)
    for _, where, retriever in opened_plans(request, read_settings()):
        for case in cases:
            found = retriever.search(case.question, TOP_K, where=where)
            yield case, found, any(answers(hit.document, gold) for gold in case.gold for hit in found.hits)


def answers(document: Document, gold: str) -> bool:
    """The gold itself, a part of it, or the object that it is a part of."""
    name = document.full_name
    return name == gold or name.startswith(f"{gold}.") or gold.startswith(f"{name}.")
