"""Answers that a file of questions expects and that a configuration does not have. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from rag_demo.configurations.golden import object_of
from rag_demo.evaluate.cases import Case
from rag_demo.evaluate.run import answers
from rag_demo.index.analyse import fold
from rag_demo.types import Document

_SHOWN = 10


def missing_golds(cases: Iterable[Case], documents: Iterable[Document]) -> list[str]:
    """Golds of the questions that no document answers to, in order; their questions cannot succeed."""
    named: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        named[document.full_name].append(document)
    wanted = {gold: case for case in cases for gold in case.gold}
    return [gold for gold, case in wanted.items() if not _is_there(gold, case, named)]


def told(missing: Sequence[str], names: Iterable[str]) -> str:
    """What to tell of them: each with the name that is most like it.

    Args:
        missing: as `missing_golds` gives them; at least one.
        names: full names of all documents.
    """
    known = dict.fromkeys(names)
    lines = [f"  {gold}{_hint(gold, known)}" for gold in missing[:_SHOWN]]
    if len(missing) > _SHOWN:
        lines.append(f"  and {len(missing) - _SHOWN} more")
    return "\n".join(lines)


def _is_there(gold: str, case: Case, named: Mapping[str, Sequence[Document]]) -> bool:
    parts = gold.split(".")
    owners = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return any(answers(document, case, gold) for owner in owners for document in named.get(owner, ()))


def _hint(gold: str, known: Iterable[str]) -> str:
    """The nearest of the names that share the object, the last word or, for want of such, the kind."""
    last, owner, kind = fold(gold.rpartition(".")[2]), object_of(gold), gold.partition(".")[0]
    near = [name for name in known if object_of(name) == owner or fold(name.rpartition(".")[2]) == last]
    near = near or [name for name in known if name.startswith(f"{kind}.") and name.count(".") == 1]
    found = get_close_matches(gold, near, n=1)
    return f" (nearest: {found[0]})" if found else ""
