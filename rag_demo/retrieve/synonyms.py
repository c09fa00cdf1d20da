"""Objects by what users see them called: «справочник Графики работы» is Catalog.Календари."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rag_demo.index.analyse import fold
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.retrieve.kinds import words
from rag_demo.retrieve.spaces import OpenSpace


class Synonyms:
    """Full names by synonyms, read kind by kind when a question first names one. Safe to call from several threads."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], Mapping[str, list[str]]] = {}

    def full_names(self, names: Iterable[str], spaces: Sequence[OpenSpace]) -> dict[str, str]:
        """Names of the objects whose synonyms are meant by «Kind.Synonym», each with what was said.

        None where an object is called so, and none for the beginning of a longer synonym that is meant: «справочник
        Графики работы» does not mean the catalogue that users see as «Графики».
        """
        found: dict[str, str] = {}
        for name in sorted(names, key=len, reverse=True):
            kind, _, said = name.partition(".")
            if kind in KIND_BY_NAME and said and not begins(name, found.values()):
                for space in spaces:
                    found |= dict.fromkeys(self._of(space, kind).get(fold(said), ()), name)
        return found

    def _of(self, space: OpenSpace, kind: str) -> Mapping[str, list[str]]:
        if (space.space_id, kind) not in self._read:
            listed = space.catalogue.of_kind(kind)
            by_synonym: dict[str, list[str]] = {}
            for entry in listed:
                by_synonym.setdefault(fold("".join(words(entry.synonym))), []).append(entry.full_name)
            for entry in listed:
                by_synonym.pop(fold(entry.full_name.partition(".")[2]), None)
            self._read[space.space_id, kind] = by_synonym
        return self._read[space.space_id, kind]


def begins(name: str, others: Iterable[str]) -> bool:
    """Whether a name is the beginning of another one."""
    return any(len(name) < len(other) and fold(other).startswith(fold(name)) for other in others)
