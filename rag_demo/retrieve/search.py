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
from itertools import zip_longest
from typing import TypeVar

import numpy as np

from rag_demo.index.analyse import stem
from rag_demo.index.catalogue_reader import CatalogueReader, Listed, Outline
from rag_demo.index.ports import DenseReader, DocKey, LexicalReader, Scored, Where
from rag_demo.index.traits import written_words
from rag_demo.ports import Vectors
from rag_demo.retrieve.features import Asked, Candidate, Floats, features
from rag_demo.retrieve.fuse import Fused, diversify, fuse
from rag_demo.retrieve.prior import wanted
from rag_demo.retrieve.query import Query, analyse_question
from rag_demo.retrieve.rank import Ranker
from rag_demo.retrieve.reading import Spelling, read_as
from rag_demo.retrieve.rerank import RERANK, Reranker
from rag_demo.retrieve.vectors import WordVectors
from rag_demo.retrieve.whole import join_parts
from rag_demo.types import Document, Hit, LegRank

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
# Parts of one object; the largest object of a public library with 3,600 objects has a tenth of it.
_MOST_PARTS = 500
_SPARE = 10


@dataclass(frozen=True, slots=True)
class OpenSpace:
    """The open indexes of one space.

    ``dense`` is None where vectors cannot be searched now. ``encode_query`` makes vectors of questions by the model
    of this space; None: the one of the retriever does.
    """

    space_id: str
    lexical: LexicalReader
    catalogue: CatalogueReader
    dense: DenseReader | None = None
    encode_query: Callable[[str], Vectors] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a question, best first, and what is needed to judge them."""

    query: Query
    hits: tuple[Hit, ...]
    rarity: dict[str, float]  # term → idf over the searched spaces
    degraded: tuple[str, ...] = ()  # legs that were missing
    timings_ms: dict[str, float] = field(default_factory=dict)
    listed: tuple[Listed, ...] = ()  # all objects of the kind that was asked for; the hits are the first of them


@dataclass(frozen=True, slots=True)
class _Judged:
    """The candidates of a question; ``features`` and ``scores`` are in the order of ``outlines``."""

    outlines: dict[DocKey, Outline]
    legs: dict[DocKey, dict[str, LegRank]]
    features: Floats
    scores: Floats


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
        word_vectors: WordVectors | None = None,
        reranker: Reranker | None = None,
    ) -> None:
        """Take open indexes.

        Args:
            spaces: at least one.
            encode_query: text → float32 ``(dimension,)``; called only if a space has vectors.
            weights: of the legs "lexical", "exact" and "dense" in the fusion.
            candidates: hits that each leg hands to the fusion.
            ranker: gives the candidates their order; None: the fusion does.
            word_vectors: of the words of questions and candidates; None: the ranker does without.
            reranker: looks at the first hits again; None: they keep their order.
        """
        self._spaces = {space.space_id: space for space in spaces}
        self._encode_query = encode_query
        self._weights = weights
        self._candidates = candidates
        self._ranker = ranker
        self._word_vectors = word_vectors
        self._reranker = reranker
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
        judged = _timed(timings, "fusion", partial(self._judge, legs, searched, query))
        hits = _timed(timings, "fetch", partial(self._hits, judged, limit))
        missing = [] if near is not None else ["dense"]
        if self._reranker is not None and len(hits) > 1:
            reranked = _timed(timings, RERANK, partial(self._reranker, query.text, hits))
            missing += [] if reranked.complete else [RERANK]
            hits = diversify(reranked.hits, lambda hit: _owner_of(hit.document))
        return Found(
            query=query,
            hits=tuple(self._whole(hits, limit)),
            rarity={term: self._rarity(searched, term) for term in query.terms},
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
        judged = self._judge(legs, searched, query)
        return [outline.full_name for outline in judged.outlines.values()], judged.features

    def _read(self, text: str, spaces: Sequence[OpenSpace]) -> Query:
        """The question as it was most likely meant."""

        def known(term: str) -> bool:
            return any(space.lexical.frequency(term) for space in spaces)

        return analyse_question(read_as(text, known=known, spelling=partial(self._spelling_of, spaces)))

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
            index.search(vectors[encode], self._candidates, where=where)
            for index, encode in zip(indexes, encoders, strict=True)
        ]
        if len(vectors) == 1:
            return self._best(found)
        # Cosines of different models cannot be compared: the first of each space, then the second of each.
        rounds = zip_longest(*found)
        return [entry for entries in rounds for entry in entries if entry is not None][: self._candidates]

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

    def _judge(self, legs: dict[str, list[Scored]], spaces: Sequence[OpenSpace], query: Query) -> _Judged:
        """The candidates in their order, with what it rests on."""
        fused = fuse({leg: [scored.key for scored in found] for leg, found in legs.items()}, self._weights)
        scores = {leg: {scored.key: scored.score for scored in found} for leg, found in legs.items()}
        ranks = {
            entry.item: {leg: LegRank(rank, scores[leg][entry.item]) for leg, rank in entry.ranks.items()}
            for entry in fused
        }
        known: dict[DocKey, Outline] = {}
        for space in spaces:
            known |= space.catalogue.outlines([key for key in ranks if key.space_id == space.space_id])
        fused = [entry for entry in fused if entry.item in known]
        outlines = {entry.item: known[entry.item] for entry in fused}
        candidates = [
            Candidate(
                outline.traits,
                ranks[key],
                outline.namesakes,
                wanted(outline.traits.facts, outline.object_kind, query),
            )
            for key, outline in outlines.items()
        ]
        asked = self._asked(spaces, query)
        soft = self._word_vectors if asked.words and "dense" in legs else None
        table = features(asked, candidates, soft.rows if soft is not None else None)
        return _Judged(outlines, ranks, table, self._scores(fused, candidates, table, soft=soft is not None))

    def _scores(
        self, fused: Sequence[Fused[DocKey]], candidates: Sequence[Candidate], table: Floats, *, soft: bool
    ) -> Floats:
        if self._ranker is not None:
            return self._ranker.scores(table, soft=soft)
        together = [entry.score * candidate.wanted for entry, candidate in zip(fused, candidates, strict=True)]
        return np.array(together, dtype=np.float32)

    def _asked(self, spaces: Sequence[OpenSpace], query: Query) -> Asked:
        words = tuple(dict.fromkeys(written_words(query.text)))
        rarity = [self._rarity(spaces, stem(word)) for word in words]
        return Asked(words, np.array(rarity, dtype=np.float32))

    def _hits(self, judged: _Judged, limit: int) -> list[Hit]:
        keys = list(judged.outlines)
        order = sorted(range(len(keys)), key=lambda place: -judged.scores[place])
        best_first = diversify([keys[place] for place in order], lambda key: _object_of(key, judged.outlines[key]))
        score = dict(zip(keys, judged.scores, strict=True))
        # Parts of one object become one hit, so that a few more may be needed than are shown.
        best_first = best_first[: max(2 * limit + _SPARE, self._reranker.top if self._reranker else 0)]
        documents = self._fetch(best_first)
        return [Hit(documents[key], float(score[key]), judged.legs[key]) for key in best_first if key in documents]

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
    if where.kinds and query.listed not in where.kinds:
        return []
    return [entry for space in spaces for entry in space.catalogue.of_kind(query.listed, where=where)]


def _object_of(key: DocKey, outline: Outline) -> tuple[str, str, str]:
    return key.space_id, outline.object_kind, outline.object_name


def _owner_of(document: Document) -> tuple[str, str, str]:
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
