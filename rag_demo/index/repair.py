"""Comparing the parts of an index, and mending those that differ from the catalogue."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from rag_demo.index.build import Parts, Progress, add_vectors
from rag_demo.ports import Embedder


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of one index that are not as the catalogue says: versions of documents."""

    part: str
    missing: frozenset[str]
    surplus: frozenset[str]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.missing or self.surplus)


def differences(parts: Parts, *, revision: int) -> list[Difference]:
    """What the indexes of words and of vectors hold too little and too much. Call it after `Parts.collect`.

    Raises:
        IndexBroken: a part cannot be read.
    """
    with contextlib.closing(parts.catalogue.at(revision)) as catalogue:
        wanted = frozenset(catalogue.versions())
    held = {"words": parts.lexical.versions(), "vectors": parts.dense.versions()}
    return [Difference(part, wanted - versions, frozenset(versions - wanted)) for part, versions in held.items()]


def mend(
    parts: Parts, found: list[Difference], *, revision: int, embedder: Callable[[], Embedder], progress: Progress
) -> None:
    """Bring the indexes to what the catalogue says. Rows appear and vanish at the revision that is being shown."""
    for difference in found:
        index = parts.lexical if difference.part == "words" else parts.dense
        if difference.surplus:
            index.retire(difference.surplus, revision=revision)
            index.collect(revision)
            index.seal()
        with contextlib.closing(parts.catalogue.at(revision)) as catalogue:
            documents = list(catalogue.with_versions(difference.missing))
        if difference.part == "vectors":
            add_vectors(parts.dense, documents, revision=revision, embedder=embedder, progress=progress)
        else:
            parts.lexical.add(documents, revision=revision)
        index.seal()
