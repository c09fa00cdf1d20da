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

    def full_names(self, names: Iterable[str], spaces: Sequence[OpenSpace]) -> list[str]:
        """Names of the objects whose synonyms are meant by «Kind.Synonym»; none where an object is called so."""
        found: list[str] = []
        for name in names:
            kind, _, said = name.partition(".")
            if kind in KIND_BY_NAME and said:
                found += (full_name for space in spaces for full_name in self._of(space, kind).get(fold(said), ()))
        return list(dict.fromkeys(found))

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
