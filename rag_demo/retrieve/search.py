"""One search: three legs side by side, fused, ordered, filled in."""

from __future__ import annotations

import heapq
import logging
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, zip_longest
from typing import TypeVar

from rag_demo.index.analyse import terms
from rag_demo.index.catalogue_reader import Listed
from rag_demo.index.ports import DocKey, Scored, Where
from rag_demo.index.traits import written_words
from rag_demo.ports import Vectors
from rag_demo.retrieve.features import Floats
from rag_demo.retrieve.fuse import diversify
from rag_demo.retrieve.judge import Judge, Judged
from rag_demo.retrieve.named import lift_named
from rag_demo.retrieve.query import Query, analyse_question
from rag_demo.retrieve.rank import Ranker
from rag_demo.retrieve.reading import Spelling, read_as, with_other_words
from rag_demo.retrieve.rerank import RERANK, Reranker
from rag_demo.retrieve.spaces import OpenSpace, rarity
from rag_demo.retrieve.synonyms import Synonyms, begins
from rag_demo.retrieve.translate import Translator
from rag_demo.retrieve.whole import Telling
from rag_demo.types import Document, Hit, LegRank

__all__ = ["Found", "OpenSpace", "Retriever"]
_log = logging.getLogger(__name__)
Result = TypeVar("Result")
# Parts of one object; the largest object of a public library with 3,600 objects has a tenth of it.
_MOST_PARTS = 500
_SPARE = 10
MOST_MENTIONING = 1_000


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
        ranker: Ranker | None = None,
        encode_words: Callable[[list[str]], Vectors] | None = None,
        translator: Translator | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Take open indexes.

        Args:
            spaces: at least one.
            encode_query: text → float32 ``(dimension,)``; called only if a space has vectors.
            weights: of the legs "lexical", "exact" and "dense" in the fusion.
            candidates: hits that each leg hands to the fusion.
            ranker: gives the candidates their order; None: the fusion does.
            encode_words: vectors of single words, for the ranker; None: it does without.
            translator: of the same model, for the ranker; None: it does without.
            reranker: looks at the first hits again; None: they keep their order.
        """
        self._spaces = {space.space_id: space for space in spaces}
        self._encode_query = encode_query
        self._weights = weights
        self._candidates = candidates
        self._judge = Judge(weights=weights, ranker=ranker, encode_words=encode_words, translator=translator)
        self._reranker = reranker
        self._synonyms = Synonyms()
        self._spellings: dict[tuple[str, ...], Spelling] = {}
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="rag-search")

    def search(self, text: str, limit: int, *, where: Where) -> Found:
        """The ``limit`` best documents for a question, at most two of one object among the first five."""
        searched = [space for name, space in self._spaces.items() if not where.space_ids or name in where.space_ids]
        query = self._read(text, searched)
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
        judged = _timed(timings, "fusion", lambda: lift_named(self._judge.judge(legs, searched, query), query))
        hits: Iterable[Hit] = self._hits(judged, limit)
        missing = [] if near is not None else ["dense"]
        if self._reranker is not None and len(judged.legs) > 1:
            first: list[Hit] = _timed(timings, "fetch", partial(list, hits))
            reranked = _timed(timings, RERANK, partial(self._reranker, query.text, first))
            missing += [] if reranked.complete else [RERANK]
            hits = diversify(reranked.hits, lambda hit: _owner_of(hit.document))
        return Found(
            query=query,
            hits=_timed(timings, "fetch", lambda: tuple(islice(self._whole(hits, query), limit))),
            rarity={term: rarity(searched, term) for term in query.terms},
            degraded=tuple(missing),
            timings_ms=timings,
        )

    def candidates(self, text: str, *, where: Where) -> tuple[list[str], Floats]:
        """What the ranker sees of a question: full names, and features ``(n, len(NAMES))``. For fitting it."""
        searched = [space for name, space in self._spaces.items() if not where.space_ids or name in where.space_ids]
        query = self._read(text, searched)
        lexical = self._lexical(searched, query, where)
        legs = {"lexical": lexical, "exact": self._exact(searched, query, where, lexical)}
        legs["dense"] = self._dense(searched, query, where) or []
        judged = self._judge.judge(legs, searched, query)
        return [found.full_name for found in judged.sketches.values()], judged.features

    def mentioning(self, name: str, *, where: Where, limit: int = MOST_MENTIONING) -> list[Document]:
        """Documents that have a name in their text, as far as the word search tells; the most relevant first."""
        searched = [space for key, space in self._spaces.items() if not where.space_ids or key in where.space_ids]
        sought = terms(name)[:1]  # of an identifier the whole of it
        scored = (one for space in searched for one in space.lexical.search(sought, limit, where=_inside(where)))
        found = heapq.nlargest(limit, scored, key=lambda one: one.score)
        documents = self._fetch([entry.key for entry in found])
        return [documents[entry.key] for entry in found if entry.key in documents]

    def _read(self, text: str, spaces: Sequence[OpenSpace]) -> Query:
        """The question as it was most likely meant."""

        def frequency(term: str) -> int:
            return sum(space.lexical.frequency(term) for space in spaces)

        composed = unicodedata.normalize("NFC", text)
        as_written = analyse_question(composed, frequency)
        if as_written.listed:
            return as_written
        meant = read_as(composed, frequency=frequency, spelling=partial(self._spelling_of, spaces))
        return with_other_words(analyse_question(meant, frequency), frequency)

    def _spelling_of(self, spaces: Sequence[OpenSpace]) -> Spelling:
        """The words of the spaces' names, collected when a question first has a word that none of them knows."""
        key = tuple(space.space_id for space in spaces)
        if key not in self._spellings:
            names = {name for space in spaces for name in space.catalogue.names()}
            self._spellings[key] = Spelling(word for name in names for word in written_words(name))
        return self._spellings[key]

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
        if not self._weights.get("dense"):
            return []
        encoders = [space.encode_query or self._encode_query for space in spaces]
        vectors = {encode: encode(query.text) for encode in dict.fromkeys(encoders)}
        found = [
            index.search(vectors[encode], self._candidates, where=_inside(where))
            for index, encode in zip(indexes, encoders, strict=True)
        ]
        if len(vectors) == 1:
            return self._best(found)
        # Cosines of different models cannot be compared: the first of each space, then the second of each.
        rounds = zip_longest(*found)
        return [entry for entries in rounds for entry in entries if entry is not None][: self._candidates]

    def _lexical(self, spaces: Sequence[OpenSpace], query: Query, where: Where) -> list[Scored]:
        return self._best(
            space.lexical.search(query.terms, self._candidates, where=_inside(where), others=query.related)
            for space in spaces
        )

    def _exact(self, spaces: Sequence[OpenSpace], query: Query, where: Where, lexical: list[Scored]) -> list[Scored]:
        """Documents called as the question says, longer names first; namesakes in the order of the word search."""
        word_rank = {scored.key: rank for rank, scored in enumerate(lexical)}
        found: list[Scored] = []
        synonyms = self._synonyms.full_names(query.names, spaces)
        said = {name: name for name in query.names if not begins(name, synonyms.values())} | synonyms
        for name in sorted(said, key=lambda name: (-name.count("."), -len(said[name]))):
            keys = [key for space in spaces for key in space.catalogue.look_up(name, self._candidates, where=where)]
            keys.sort(key=lambda key: word_rank.get(key, len(word_rank)))
            found += [Scored(key, float(name.count(".") + 1)) for key in keys]
        return found[: self._candidates]

    def _best(self, lists: Iterable[list[Scored]]) -> list[Scored]:
        scored = (entry for found in lists for entry in found)
        return heapq.nlargest(self._candidates, scored, key=lambda entry: entry.score)

    def _hits(self, judged: Judged, limit: int) -> Iterator[Hit]:
        """The best candidates, ``limit`` at a time: mostly no more are looked at."""
        # Parts of one object become one hit, so that a few more may be needed than are shown.
        most = max(2 * limit + _SPARE, self._reranker.top if self._reranker else 0)
        best_first = judged.best_first()[:most]
        step = max(limit, 1)
        for start in range(0, len(best_first), step):
            batch = best_first[start : start + step]
            documents = self._fetch([key for key, _ in batch])
            yield from (Hit(documents[key], score, judged.legs[key]) for key, score in batch if key in documents)

    def _whole(self, hits: Iterable[Hit], query: Query) -> Iterator[Hit]:
        """The hits; an object that the question names is shown whole, or the pieces of it that tell most first."""
        named: dict[tuple[str, str], Telling] = {}
        for hit in hits:
            document = hit.document
            if document.doc_type != "metadata_object" or "exact" not in hit.legs:
                yield hit
                continue
            owner = document.space_id, document.full_name
            if owner not in named:
                named[owner] = Telling(self._parts(document), query)
            shown = named[owner].show(document.doc_id)
            if shown is not None:
                yield replace(hit, document=shown)

    def _parts(self, document: Document) -> Iterable[Document]:
        where = Where((document.space_id,), (document.doc_type,))
        keys = self._spaces[document.space_id].catalogue.look_up(document.full_name, _MOST_PARTS, where=where)
        return [part for part in self._fetch(keys).values() if part.full_name == document.full_name]

    def _fetch(self, keys: Sequence[DocKey]) -> dict[DocKey, Document]:
        found: dict[DocKey, Document] = {}
        for space_id, space in self._spaces.items():
            found |= space.catalogue.fetch([key for key in keys if key.space_id == space_id])
        return found


def _objects(spaces: Sequence[OpenSpace], query: Query, where: Where) -> list[Listed]:
    """The objects that the question wants to see listed."""
    if not query.listed or (where.doc_types and "metadata_object" not in where.doc_types):
        return []
    if where.kinds and query.listed not in where.kinds:
        return []
    return [entry for space in spaces for entry in space.catalogue.of_kind(query.listed, where=where)]


def _inside(where: Where) -> Where:
    """The filter for the indexes of one space: they hold no other, and to ask that of every document takes its time."""
    return replace(where, space_ids=())


def _owner_of(document: Document) -> tuple[str, str, str]:
    return document.space_id, document.object_kind, document.object_name


def _timed(timings_ms: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    started = time.perf_counter()
    try:
        return work()
    finally:
        timings_ms[name] = timings_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3


def _result(dense: Future[list[Scored] | None]) -> list[Scored] | None:
    """The hits of the vector search, or None: a model or an engine that fails costs quality, not the answer."""
    try:
        return dense.result()
    except Exception as error:  # noqa: BLE001  # whatever fails there, words and names still find
        _log.warning("The vector search failed, so this answer rests on words and names alone: %s", error)
        return None
