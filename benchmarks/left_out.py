"""Searching an index as if some of its documents were not there, without making another index."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from rag_demo.evaluate.golden_sets import family
from rag_demo.index.analyse import terms
from rag_demo.index.ports import EVERYWHERE, DocKey, Scored, Where
from rag_demo.retrieve.search import Retriever
from rag_demo.types import Document

# A family this large is most of a configuration.
_MOST = 400


class Families:
    """The documents of each family of objects, and the terms that they bring into the index."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._documents: dict[str, list[Document]] = defaultdict(list)
        for document in documents:
            self._documents[family(document.object_name)].append(document)
        self._known: dict[str, tuple[frozenset[DocKey], Counter[str]]] = {}

    def of(self, full_name: str) -> tuple[frozenset[DocKey], Counter[str]]:
        """Keys of the family of an object or a part of it, and in how many of them each term stands."""
        name = family(full_name.split(".")[1])
        if name not in self._known:
            found = self._documents[name]
            counts = Counter(term for document in found for term in _terms(document))
            self._known[name] = frozenset(DocKey(one.space_id, one.doc_id) for one in found), counts
        return self._known[name]


@contextlib.contextmanager
def without(retriever: Retriever, families: Families, full_name: str) -> Iterator[bool]:
    """The search without the family of ``full_name``; False: it is too large to be left out."""
    keys, counts = families.of(full_name)
    spaces = retriever._spaces  # noqa: SLF001  # nobody else leaves documents out
    if len(keys) > _MOST:
        yield False
        return
    retriever._spaces = {  # noqa: SLF001
        name: replace(
            space,
            lexical=_Without(space.lexical, keys, counts),
            catalogue=_Without(space.catalogue, keys, counts),
            dense=space.dense and _Without(space.dense, keys, counts),
        )
        for name, space in spaces.items()
    }
    try:
        yield True
    finally:
        retriever._spaces = spaces  # noqa: SLF001


class _Without:
    """An index or a catalogue that does not find some documents."""

    def __init__(self, inner: Any, keys: frozenset[DocKey], counts: Counter[str]) -> None:
        self._inner, self._keys, self._counts = inner, keys, counts

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def search(self, what: Any, limit: int, **options: Any) -> list[Scored]:
        found = self._inner.search(what, limit + len(self._keys), **options)
        return [scored for scored in found if scored.key not in self._keys][:limit]

    def look_up(self, name: str, limit: int, *, where: Where = EVERYWHERE) -> Sequence[DocKey]:
        found = self._inner.look_up(name, limit + len(self._keys), where=where)
        return [key for key in found if key not in self._keys][:limit]

    def frequency(self, term: str) -> int:
        return max(int(self._inner.frequency(term)) - self._counts[term], 0)

    def count(self) -> int:
        return int(self._inner.count()) - len(self._keys)


def _terms(document: Document) -> set[str]:
    texts = (document.full_name, document.synonym, document.header, document.doc, document.body)
    return set(terms("\n".join(texts)))
