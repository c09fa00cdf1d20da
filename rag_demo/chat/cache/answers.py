"""Answers that were given before: the same question, or one that asks the same in other words.

An answer is found again only where everything is equal that could change it: the question, the filters, the number of
sources, the spaces that the caller may see with their generation, the model, the prompts, the language and the
conversation so far. Refusals and answers that were cut or degraded are never kept. An answer goes when its time is
over, and at once when a passage that it cites changes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag_demo.chat.cache.same_question import Gate, gate_of, written_names
from rag_demo.chat.cache.stores import Store
from rag_demo.index.analyse import fold
from rag_demo.index.ports import DocKey
from rag_demo.ports import Vectors
from rag_demo.types import Answer, Document, Hit, LegRank, Mark, Source

_MOST_COMPARED = 300  # questions of one partition that a similar one is looked for among
_SPACES = " ".join


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What changes an answer beside the question."""

    spaces: tuple[tuple[str, str], ...]  # (space, generation), in any order
    filters: tuple[str, ...]
    top_k: int
    model: str
    prompt_version: str
    conversation: str  # digest


@dataclass(frozen=True, slots=True)
class Key:
    """``exact`` is of the question in its circumstances, ``partition`` of the circumstances alone."""

    exact: str
    partition: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer out of the cache. ``similar``: it was given to a question in other words."""

    answer: Answer
    age_s: float
    similar: bool = False


def key_of(question: str, circumstances: Circumstances) -> Key:
    """The key of a question. Letter case, blanks and the marks at its end do not matter, but for names in it.

    «ПолучитьКурс» is a name and is searched for as one, «получитькурс» is a word that nobody uses.
    """
    said = _SPACES(fold(question).split()).rstrip(" ?.!")
    about = [
        *(f"{space}\0{generation}" for space, generation in sorted(circumstances.spaces)),
        "",
        *sorted(circumstances.filters),
        "",
        str(circumstances.top_k),
        circumstances.model,
        circumstances.prompt_version,
        circumstances.conversation,
    ]
    partition = _digest(about)
    return Key(_digest([partition, said, *written_names(question)]), partition)


class AnswerCache:
    """Keeps answers in a `Store`. Safe to call from several threads."""

    def __init__(
        self,
        store: Store,
        *,
        ttl_s: float,
        similarity: float | None = None,
        recipe: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take a store.

        Args:
            store: where the answers lie; closed with the cache.
            ttl_s: how long an answer is good for.
            similarity: least cosine of two questions that may ask the same; None: only equal questions are found.
            recipe: how answers are made here; processes of another recipe on the same store find other answers.
            clock: seconds since the epoch, shared by all processes on one store.
        """
        self._store = store
        self._ttl_s = ttl_s
        self._similarity = similarity
        self._recipe = _digest([recipe]) if recipe else ""
        self._clock = clock
        self._flights: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    @property
    def compares_questions(self) -> bool:
        """Whether `similar` can find anything, so that the question's vector is worth having."""
        return self._similarity is not None

    def get(self, key: Key) -> Kept | None:
        """The answer that was kept for exactly this question."""
        return self._kept(self._recipe + key.exact, similar=False)

    def similar(self, key: Key, question: str, vector: Vectors) -> Kept | None:
        """The answer to a question of the same meaning, in the same circumstances.

        Args:
            key: of the question.
            question: as asked.
            vector: of the question, float32 ``(dimension,)``.
        """
        if self._similarity is None:
            return None
        gate = gate_of(question)
        names = self._store.tagged(self._partition_tag(key), _MOST_COMPARED)
        best, nearest = "", self._similarity
        for name, raw in self._store.get_many(names).items():
            known = _Asked.read(raw)
            cosine = known.cosine(vector)
            if cosine >= nearest and known.gate == gate.digest:
                best, nearest = name, cosine
        return self._kept(best.removeprefix(_ASKED), similar=True) if best else None

    def put(self, key: Key, answer: Answer, *, vector: Vectors | None = None) -> None:
        """Keep an answer, unless it is one that should be tried again."""
        if answer.refused or answer.degraded or answer.cached_s is not None:
            return
        tags = [_document_tag(source.hit.document.space_id, source.hit.document.doc_id) for source in answer.sources]
        record = json.dumps({"kept": self._clock(), "answer": _as_json(answer)}, ensure_ascii=False).encode()
        name = self._recipe + key.exact
        self._store.put(name, record, ttl_s=self._ttl_s, tags=tags)
        if vector is not None and self._similarity is not None:
            asked = _Asked(gate_of(answer.question).digest, vector)
            tags = [*tags, self._partition_tag(key)]
            self._store.put(_ASKED + name, asked.written(), ttl_s=self._ttl_s, tags=tags)

    def evict(self, documents: Iterable[DocKey]) -> int:
        """Forget the answers that cite any of these; returns how many."""
        names = {name for key in documents for name in self._store.tagged(_document_tag(*key), None)}
        self._store.delete(sorted(names))
        return sum(not name.startswith(_ASKED) for name in names)

    @contextmanager
    def flight(self, key: Key) -> Iterator[Future[None] | None]:
        """Let one caller at a time work on a question.

        Yields:
            None: the caller is first; whoever comes meanwhile waits until it leaves. Otherwise a future of the first
            one: wait for it outside, then look into the cache, and if nothing is there, begin anew.
        """
        with self._lock:
            other = self._flights.get(key.exact)
            own = self._flights.setdefault(key.exact, Future()) if other is None else None
        try:
            yield other
        finally:
            if own is not None:
                with self._lock:
                    self._flights.pop(key.exact, None)
                own.set_result(None)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _partition_tag(self, key: Key) -> str:
        return f"partition:{self._recipe}{key.partition}"

    def _kept(self, name: str, *, similar: bool) -> Kept | None:
        raw = self._store.get_many([name]).get(name)
        if raw is None:
            return None
        try:
            record = json.loads(raw)
            answer, kept = _from_json(record["answer"]), float(record["kept"])
        except (ValueError, KeyError, TypeError, AttributeError):
            self._store.delete([name])  # of another version, or damaged
            return None
        age_s = max(self._clock() - kept, 0.0)
        if age_s >= self._ttl_s:
            return None
        return Kept(dataclasses.replace(answer, cached_s=age_s), age_s, similar)


_ASKED = "asked:"


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A question that was answered: digest of its gate, and its vector in half precision."""

    gate: str
    vector: Vectors

    def written(self) -> bytes:
        return self.gate.encode() + b"\0" + self.vector.astype(np.float16).tobytes()

    @classmethod
    def read(cls, raw: bytes) -> _Asked:
        gate, _, vector = raw.partition(b"\0")
        return cls(gate.decode(), np.frombuffer(vector, dtype=np.float16).astype(np.float32))

    def cosine(self, vector: Vectors) -> float:
        if vector.shape != self.vector.shape:
            return -1.0
        norms = float(np.linalg.norm(vector)) * float(np.linalg.norm(self.vector))
        return float(vector @ self.vector) / norms if norms else -1.0


def _document_tag(space_id: str, doc_id: str) -> str:
    return f"document:{_digest([space_id, doc_id])}"


def _digest(parts: Sequence[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()


def _as_json(answer: Answer) -> dict[str, Any]:
    plain = dataclasses.asdict(dataclasses.replace(answer, timings_ms={}))
    return {name: value for name, value in plain.items() if name not in {"timings_ms", "cached_s"}}


def _from_json(plain: dict[str, Any]) -> Answer:
    sources = tuple(_source(entry) for entry in plain["sources"])
    marks = tuple(Mark(mark["start"], mark["end"], tuple(mark["problems"])) for mark in plain["marks"])
    return Answer(**plain | {"sources": sources, "marks": marks, "degraded": tuple(plain["degraded"])})


def _source(entry: dict[str, Any]) -> Source:
    hit = entry["hit"]
    legs = {leg: LegRank(**rank) for leg, rank in hit["legs"].items()}
    return Source(entry["n"], Hit(Document(**hit["document"]), hit["score"], legs))


__all__ = ["AnswerCache", "Circumstances", "Gate", "Kept", "Key", "key_of"]
