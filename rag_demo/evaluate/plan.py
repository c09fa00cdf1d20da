"""Which questions are asked of which documents. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rag_demo.evaluate import golden_sets
from rag_demo.evaluate.cases import Case, choose
from rag_demo.evaluate.leakage import Withheld, indexed_variant, training_variant, withheld
from rag_demo.index.ports import EVERYWHERE, Where
from rag_demo.ingest import Ingested
from rag_demo.types import Document


@dataclass(frozen=True, slots=True)
class Plan:
    """One index, and what is asked of it."""

    name: str
    ingested: Ingested  # what is indexed
    learn_from: list[Document]  # what a model may be trained on
    excluded: Withheld
    base_from: list[Document] = field(default_factory=list)  # what a model to start from may be trained on
    searched: tuple[Case, ...] = ()
    answered: tuple[Case, ...] = ()  # questions of which it is noted whether they are refused
    where: Where = EVERYWHERE


def plans(
    ingested: Ingested,
    own: Sequence[Case],
    others: Sequence[Document],
    *,
    most: int,
    rest: Sequence[Document] = (),
) -> Iterator[Plan]:
    """The three indexes of an evaluation.

    «full» is what users have: names, facts and questions of their own are asked of it. «bare» has no doc comments of
    methods: known-item questions are asked of it, among methods. «removed» lacks some families of objects besides:
    questions on them have no answer.

    Args:
        ingested: the configuration.
        own: questions of a file.
        others: documents of another configuration.
        most: most questions of each generated set and split.
        rest: documents that are not indexed, for a model to start from.
    """
    documents = ingested.documents
    known = _known_items(documents, most)
    removed = golden_sets.left_out(documents)
    gone = golden_sets.unanswerable(golden_sets.known_items(documents), removed)[:most]
    stays = [case for case in known if golden_sets.family(case.gold[0].split(".")[1]) not in removed]
    bare = replace(ingested, documents=indexed_variant(documents))
    without = [document for document in bare.documents if golden_sets.family(document.object_name) not in removed]
    full = [*golden_sets.identifiers(documents), *golden_sets.facts(ingested.facts), *own]
    yield Plan("full", ingested, documents, Withheld(()), list(rest), tuple(case for case in full if case.gold))
    yield _bare_plan("bare", bare, documents, rest, known, searched=tuple(known), where=Where((), ("method",)))
    yield _bare_plan(
        "removed",
        replace(bare, documents=without),
        [document for document in documents if golden_sets.family(document.object_name) not in removed],
        rest,
        [*gone, *stays],
        answered=(
            *gone,
            *golden_sets.foreign(documents, others),
            *(case for case in own if not case.gold),
            *(replace(case, kind="answerable") for case in stays[:most]),
        ),
    )


def _known_items(documents: Sequence[Document], most: int) -> list[Case]:
    cases = golden_sets.known_items(documents)
    return [case for split in ("tune", "test") for case in golden_sets.sample(choose(cases, split), most)]


def _bare_plan(
    name: str,
    ingested: Ingested,
    documents: Sequence[Document],
    rest: Sequence[Document],
    cases: Sequence[Case],
    **asked: Any,
) -> Plan:
    excluded = withheld(documents, cases)
    learned = training_variant(documents, excluded)
    return Plan(name, ingested, learned, excluded, training_variant(rest, excluded), **asked)
