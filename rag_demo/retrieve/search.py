"""One search: three legs side by side, fused, ordered, filled in."""

from __future__ import annotations

import heapq
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from rag_demo.index.catalogue_reader import CatalogueReader, Listed
from rag_demo.index.ports import DenseReader, DocKey, LexicalReader, Scored, Where
from rag_demo.ports import Vectors
from rag_demo.retrieve.fuse import diversify, fuse
from rag_demo.retrieve.prior import prior
from rag_demo.retrieve.query import Query, analyse_question
from rag_demo.retrieve.whole import join_parts
from rag_demo.types import Document, Hit, LegRank

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
# Parts of one object; the largest object of a public library with 3,600 objects has a tenth of it.
_MOST_PARTS = 500


@dataclass(frozen=True, slots=True)
class OpenSpace:
    """The open indexes of one space. ``dense`` is None where vectors cannot be searched now."""

    space_id: str
    lexical: LexicalReader
    catalogue: CatalogueReader
    dense: DenseReader | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a question, best first, and what is needed to judge them."""

    query: Query
    hits: tuple[Hit, ...]
    rarity: dict[str, float]  # term → idf over the searched spaces
    degraded: tuple[str, ...] = ()  # legs that were missing
    timings_ms: dict[str, float] = field(default_factory=dict)
    listed: tuple[Listed, ...] = ()  # all objects of the kind that was asked for; the hits are the first of them


class Retriever:
    """Searches the given spaces. Safe to call from several threads."""

    def __init__(
        self,
        spaces: Sequence[OpenSpace],
        *,
        encode_query: Callable[[str], Vectors],
        weights: dict[str, float],
        candidates: int,
    ) -> None:
        """Take open indexes.

        Args:
            spaces: at least one.
            encode_query: text → float32 ``(dimension,)``; called only if a space has vectors.
            weights: of the legs "lexical", "exact" and "dense" in the fusion.
            candidates: hits that each leg hands to the fusion.
        """
        self._spaces = {space.space_id: space for space in spaces}
        self._encode_query = encode_query
        self._weights = weights
        self._candidates = candidates
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="rag-search")

    def search(self, text: str, limit: int, *, where: Where) -> Found:
        """The ``limit`` best documents for a question, at most two of one object among the first five."""
        query = analyse_question(text)
        searched = [space for name, space in self._spaces.items() if not where.space_ids or name in where.space_ids]
        timings: dict[str, float] = {}
        listed = _timed(timings, "exact", partial(_objects, searched, query, where))
        if listed:
            return Found(query, tuple(self._first(listed, limit)), {}, timings_ms=timings, listed=tuple(listed))
        dense = self._pool.submit(_timed, timings, "dense", partial(self._dense, searched, query, where))
        lexical = _timed(timings, "lexical", partial(self._lexical, searched, query, where))
        exact = _timed(timings, "exact", partial(self._exact, searched, query, where, lexical))
        legs = {"lexical": lexical, "exact": exact}
        near = _result(dense)
        if near is not None:
            legs["dense"] = near
        hits = _timed(timings, "fusion", partial(self._order, legs, query, limit))
        return Found(
            query=query,
            hits=tuple(hits),
            rarity={term: self._rarity(searched, term) for term in query.terms},
            degraded=() if near is not None else ("dense",),
            timings_ms=timings,
        )

    def _first(self, listed: Sequence[Listed], limit: int) -> Iterator[Hit]:
        documents = self._fetch([entry.key for entry in listed[:limit]])
        for rank, entry in enumerate(listed[:limit], start=1):
            yield Hit(documents[entry.key], 1.0, {"exact": LegRank(rank, 1.0)})

    def close(self) -> None:
        """Close every index."""
        self._pool.shutdown()
        for space in self._spaces.values():
            space.lexical.close()
            space.catalogue.close()
            if space.dense is not None:
                space.dense.close()

    def _dense(self, spaces: Sequence[OpenSpace], query: Query, where: Where) -> list[Scored] | None:
        indexes = [space.dense for space in spaces if space.dense is not None]
        if len(indexes) < len(spaces):
            return None  # a list without one of the spaces would rank that space last
        vector = self._encode_query(query.text)
        return self._best(index.search(vector, self._candidates, where=where) for index in indexes)

    def _lexical(self, spaces: Sequence[OpenSpace], query: Query, where: Where) -> list[Scored]:
        return self._best(space.lexical.search(query.terms, self._candidates, where=where) for space in spaces)

    def _exact(self, spaces: Sequence[OpenSpace], query: Query, where: Where, lexical: list[Scored]) -> list[Scored]:
        """Documents called as the question says, longer names first; namesakes in the order of the word search."""
        word_rank = {scored.key: rank for rank, scored in enumerate(lexical)}
        found: list[Scored] = []
        for name in sorted(query.names, key=lambda name: (-name.count("."), -len(name))):
            keys = [key for space in spaces for key in space.catalogue.look_up(name, self._candidates, where=where)]
            keys.sort(key=lambda key: word_rank.get(key, len(word_rank)))
            found += [Scored(key, float(name.count(".") + 1)) for key in keys]
        return found[: self._candidates]

    def _best(self, lists: Iterable[list[Scored]]) -> list[Scored]:
        scored = (entry for found in lists for entry in found)
        return heapq.nlargest(self._candidates, scored, key=lambda entry: entry.score)

    def _order(self, legs: dict[str, list[Scored]], query: Query, limit: int) -> list[Hit]:
        fused = fuse({leg: [scored.key for scored in found] for leg, found in legs.items()}, self._weights)
        scores = {leg: {scored.key: scored.score for scored in found} for leg, found in legs.items()}
        documents = self._fetch([entry.item for entry in fused])
        hits = {
            entry.item: Hit(
                document=documents[entry.item],
                score=entry.score * prior(documents[entry.item], query),
                legs={leg: LegRank(rank, scores[leg][entry.item]) for leg, rank in entry.ranks.items()},
            )
            for entry in fused
        }
        best_first = sorted(hits, key=lambda key: -hits[key].score)
        order = diversify(best_first, lambda key: _object_of(documents[key]))
        return self._whole([hits[key] for key in order], limit)

    def _whole(self, hits: Sequence[Hit], limit: int) -> list[Hit]:
        """The first ``limit`` hits; an object that the question names is shown whole, not the part that matched."""
        shown: list[Hit] = []
        joined: set[DocKey] = set()
        for hit in hits:
            document = hit.document
            if len(shown) == limit:
                break
            if DocKey(document.space_id, document.doc_id) in joined:
                continue
            if document.doc_type == "metadata_object" and "exact" in hit.legs:
                whole, ids = join_parts(document, self._namesakes(document))
                joined.update(DocKey(document.space_id, doc_id) for doc_id in ids)
                shown.append(replace(hit, document=whole))
            else:
                shown.append(hit)
        return shown

    def _namesakes(self, document: Document) -> Iterable[Document]:
        where = Where((document.space_id,), (document.doc_type,))
        keys = self._spaces[document.space_id].catalogue.look_up(document.full_name, _MOST_PARTS, where=where)
        return self._fetch(keys).values()

    def _fetch(self, keys: Sequence[DocKey]) -> dict[DocKey, Document]:
        found: dict[DocKey, Document] = {}
        for space_id, space in self._spaces.items():
            found |= space.catalogue.fetch([key for key in keys if key.space_id == space_id])
        return found

    def _rarity(self, spaces: Sequence[OpenSpace], term: str) -> float:
        """Inverse document frequency ln((N + 1) / (n + ½)): largest for unknown terms, never 0."""
        total = sum(space.lexical.count() for space in spaces)
        return math.log((total + 1) / (sum(space.lexical.frequency(term) for space in spaces) + 0.5))


def _objects(spaces: Sequence[OpenSpace], query: Query, where: Where) -> list[Listed]:
    """The objects that the question wants to see listed."""
    if not query.listed or (where.doc_types and "metadata_object" not in where.doc_types):
        return []
    return [entry for space in spaces for entry in space.catalogue.of_kind(query.listed, where=where)]


def _object_of(document: Document) -> tuple[str, str, str]:
    return document.space_id, document.object_kind, document.object_name


def _timed(timings_ms: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    try:
        return work()
    finally:
        timings_ms[name] = (time.perf_counter() - started) * 1e3


def _result(dense: Future[list[Scored] | None]) -> list[Scored] | None:
    """The hits of the vector search, or None: a model or an engine that fails costs quality, not the answer."""
    try:
        return dense.result()
    except Exception as error:  # noqa: BLE001  # whatever fails there, words and names still find
        _log.warning("The vector search failed, so this answer rests on words and names alone: %s", error)
        return None
