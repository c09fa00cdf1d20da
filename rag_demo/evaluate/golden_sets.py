"""Questions with known answers, made from any configuration without a language model. Pure functions."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from rag_demo.evaluate.cases import Case, make_case
from rag_demo.index.analyse import fold, is_compound
from rag_demo.index.passages import first_sentence
from rag_demo.types import Document

_SHORTEST, _LONGEST = 25, 200  # characters of a question
_WORD = re.compile(r"\w+")


def known_items(documents: Sequence[Document]) -> list[Case]:
    """Set (a): the first sentence of a doc comment, identifiers taken out, asks for the method below it.

    Sentences that stand over several methods have several right answers and are left out.
    """
    asked: dict[str, list[tuple[str, Document]]] = defaultdict(list)
    for document in documents:
        if document.doc_type == "method" and document.doc:
            question = without_identifiers(first_sentence(document.doc))
            if _SHORTEST <= len(question) <= _LONGEST:
                asked[fold(question)].append((question, document))
    return [
        make_case(
            f"known-item:{document.doc_id}", question, "known-item", [document.full_name], source_id=document.doc_id
        )
        for ((question, document),) in (found for found in asked.values() if len(found) == 1)
    ]


def identifiers(documents: Sequence[Document], *, most: int = 600) -> list[Case]:
    """Set (b): names of methods and objects, as written, that only one thing has; a sample by hash."""
    named: dict[str, set[str]] = defaultdict(set)
    written: dict[str, str] = {}
    for document in documents:
        if document.doc_type in {"method", "metadata_object"}:
            named[fold(document.name)].add(document.full_name)
            written.setdefault(fold(document.name), document.name)
    unique = [(written[name], next(iter(owners))) for name, owners in named.items() if len(owners) == 1]
    cases = [make_case(f"identifier:{full_name}", name, "identifier", [full_name]) for name, full_name in unique]
    return sample(cases, most)


def sample(cases: Iterable[Case], most: int) -> list[Case]:
    """At most ``most`` cases, the same ones on every machine and whatever else is there."""
    ordered = sorted(cases, key=lambda case: hashlib.sha256(case.case_id.encode()).digest())
    return ordered[:most]


def without_identifiers(sentence: str) -> str:
    """The sentence without the words that are identifiers of several parts («ПолучитьКурсВалюты»)."""
    words = [word for word in sentence.split() if not any(is_compound(part) for part in _WORD.findall(word))]
    return " ".join(words).strip(" .,:;-–()")
