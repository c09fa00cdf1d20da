"""One call from texts to vectors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field

import numpy as np

from hybrid_embeddings.errors import BadVector, DeadlineExceeded, InputError
from hybrid_embeddings.events import EncodeFinished, Events
from hybrid_embeddings.finishing import Finishing
from hybrid_embeddings.models.static import StaticModel
from hybrid_embeddings.models.tokenizer import TextTokenizer
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import (
    CallCounters,
    Importance,
    Kind,
    Lookup,
    ModelCard,
    OnTruncate,
    Report,
    TokenizedText,
    Vectors,
)

# Texts are tokenised and queued in pieces, so that lanes start before the last text is tokenised.
_PIECE = 1024
# A call of so few texts with so few characters is tokenised in about 0.2 ms; handing it to another thread takes more.
_FEW, _SHORT = 8, 2_000
# While the queue is full, a call looks so often whether its time is over.
_LOOK_S = 0.1
_log = logging.getLogger("hybrid_embeddings")


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, checked."""

    texts: Sequence[str]
    kind: Kind
    device: str | None = None
    is_query: bool = False
    on_truncate: OnTruncate = "ignore"
    importance: Importance | None = None
    deadline_s: float | None = None  # by time.monotonic()
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set by whoever does not want the vectors any more while texts are still being queued."""

    def left_s(self) -> float | None:
        """Return the seconds until the deadline; None without one."""
        return None if self.deadline_s is None else max(0.0, self.deadline_s - time.monotonic())


@dataclass(slots=True)
class Pending:
    """A call whose texts are queued, as far as no cache knows them."""

    job: Job
    rows: np.ndarray | None  # rows of the caller that are computed, None: all
    inverse: np.ndarray  # position in `rows` → row of the job
    first_row: np.ndarray  # row of the job → first row of the caller
    report: Report
    started_s: float
    kind: Kind
    known: Lookup | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps of a call. ``dispatcher`` is None for static models, ``static`` for all others."""

    card: ModelCard
    tokenizer: TextTokenizer
    prompts: dict[Kind, str]
    dispatcher: Dispatcher | None
    static: StaticModel | None
    finishing: Finishing
    events: Events = field(default_factory=Events)
    counters: CallCounters = field(default_factory=CallCounters)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of the counters

    @property
    def limit(self) -> int | None:
        """Tokens that are read of one text, special tokens included; None: all."""
        return self.tokenizer.max_tokens

    def starts_at_once(self, request: Request) -> bool:
        """Tell whether :meth:`start` takes less than about a millisecond, so that an event loop may do it itself."""
        n_characters = sum(map(len, request.texts[: _FEW + 1]))
        waits = self.finishing.cache is not None and self.finishing.cache.may_wait
        return len(request.texts) <= _FEW and n_characters <= _SHORT and not waits

    def start(self, request: Request) -> Pending:
        """Look up, de-duplicate, tokenise and queue the rest. Does not wait for vectors."""
        started = time.perf_counter()
        report = Report(n_texts=len(request.texts))
        known = self._known(request, report)
        rows, texts = None, request.texts
        if known is not None:
            rows = np.flatnonzero(~known.found)
            texts = [request.texts[row] for row in rows.tolist()]
        unique, inverse, first_row = _deduplicate(texts)
        if rows is not None:
            first_row = rows[first_row]
        report.n_computed = len(unique)
        job = Job(len(unique), self.card.dimension)
        try:
            n_lost = self._queue_all(job, request, unique, first_row, report)
        except BaseException:  # Ctrl-C, too: nobody will wait for what is queued
            self.cancel(job)
            raise
        if n_lost:
            computed = range(len(texts)) if rows is None else rows.tolist()
            report.truncated |= {
                row: n_lost[of_job] for row, of_job in zip(computed, inverse.tolist(), strict=True) if of_job in n_lost
            }
        if report.truncated and request.on_truncate == "warn":
            _log.warning("%d of %d texts were cut to %s tokens", len(report.truncated), report.n_texts, self.limit)
        return Pending(job, rows, inverse, first_row, report, started, request.kind, known)

    def _known(self, request: Request, report: Report) -> Lookup | None:
        """Ask the caches and write down what they knew. A call that insists on a device is computed there."""
        cache = self.finishing.cache
        if cache is None or request.device is not None or not request.texts:
            return None
        known = cache.get_many(self.finishing.spaces[request.kind], request.texts, request.importance)
        if known is None:
            return None
        rows = np.flatnonzero(known.found)
        facts = known.facts[rows]
        n_tokens = dict(zip([request.texts[row] for row in rows.tolist()], facts[:, 0].tolist(), strict=True))
        report.n_cached, report.n_tokens = len(n_tokens), sum(n_tokens.values())
        cut = facts[:, 1] > 0
        report.truncated = dict(zip(rows[cut].tolist(), facts[cut, 1].tolist(), strict=True))
        if request.on_truncate == "error":
            self._refuse_long(report.truncated)
        return known

    def _queue_all(
        self, job: Job, request: Request, unique: list[str], first_row: np.ndarray, report: Report
    ) -> dict[int, int]:
        """Tokenise and queue piece by piece; return row of the job → tokens that were cut off."""
        n_lost: dict[int, int] = {}
        for start, tokenized in self._tokenized(unique, request.kind, first_row, report):
            if request.cancelled.is_set():
                break
            _check_deadline(request)
            if start and self.dispatcher is not None:
                while not self.dispatcher.wait_for_room(_LOOK_S) and not request.cancelled.is_set():
                    _check_deadline(request)
            report.n_tokens += sum(len(text.ids) for text in tokenized)
            n_lost.update({start + row: text.n_lost for row, text in enumerate(tokenized) if text.n_lost})
            if request.on_truncate == "error":
                self._refuse_long({int(first_row[row]): n for row, n in n_lost.items()})
            self._queue(job, request, unique, start, tokenized)
        return n_lost

    def finish(self, pending: Pending, *, timeout_s: float | None = None) -> Vectors:
        """Wait for the vectors of a call and bring them into the order of the caller. float32, (n, dim).

        Raises:
            DeadlineExceeded: ``timeout_s`` is over; the work is withdrawn.
            NoLaneAvailable, BadVector, ServiceClosed: see :mod:`hybrid_embeddings.errors`.
        """
        try:
            vectors = pending.job.future.result(timeout_s)
        except FutureTimeout:
            self.cancel(pending.job)
            raise DeadlineExceeded(
                f"the time of the call is over before its {pending.report.n_texts} texts were done; "
                "give more time (timeout_s) or fewer texts per call"
            ) from None
        except BaseException as error:  # noqa: BLE001 - raised again, after the work is withdrawn
            self.cancel(pending.job)
            raise self.in_terms_of_caller(pending, error) from error.__cause__
        return self.arrange(pending, vectors)

    def in_terms_of_caller(self, pending: Pending, error: BaseException) -> BaseException:
        """Return the error with the caller's row in place of the row after de-duplication."""
        if not isinstance(error, BadVector):
            return error
        index = int(pending.first_row[error.index])
        return BadVector(f"text {index}: {error}", index=index)

    def _refuse_long(self, n_lost: dict[int, int]) -> None:
        if not n_lost:
            return
        index = min(n_lost)
        n_tokens = (self.limit or 0) + n_lost[index]
        raise InputError(
            f"text {index} has about {n_tokens} tokens, the limit is {self.limit}; "
            "split it, or allow cutting with on_truncate='ignore'",
            index=index,
        )

    def arrange(self, pending: Pending, vectors: Vectors) -> Vectors:
        """Cut, scale and order the vectors of a finished job, and add those that were known."""
        pending.report.lanes = pending.job.lanes or pending.report.lanes
        vectors = self.finishing.finished(vectors)
        if len(pending.inverse) != len(vectors):
            vectors = vectors[pending.inverse]
        if pending.known is not None:
            pending.known.vectors[pending.rows] = vectors
            vectors = pending.known.vectors
        pending.report.total_s = time.perf_counter() - pending.started_s
        with self.lock:
            self.counters.count(pending.report)
        if self.events:
            self.events.emit(_finished(pending))
        return np.ascontiguousarray(vectors)

    def cancel(self, job: Job) -> None:
        """Take work that nobody waits for any more out of the queue."""
        job.future.cancel()
        if self.dispatcher is not None:
            self.dispatcher.withdraw(job)

    def _tokenized(
        self, unique: list[str], kind: Kind, first_row: np.ndarray, report: Report
    ) -> Iterator[tuple[int, list[TokenizedText]]]:
        prompt = self.prompts[kind]
        for start in range(0, len(unique), _PIECE):
            piece = [prompt + text for text in unique[start : start + _PIECE]]
            if self.card.lowercases:
                piece = [text.lower() for text in piece]
            began = time.perf_counter()
            try:
                tokenized = self.tokenizer(piece)
            except InputError as error:
                index = None if error.index is None else int(first_row[start + error.index])
                raise InputError(str(error).replace(f"text {error.index}", f"text {index}", 1), index=index) from None
            report.tokenize_s += time.perf_counter() - began
            yield start, tokenized

    def _queue(self, job: Job, request: Request, unique: list[str], start: int, tokenized: list[TokenizedText]) -> None:
        if self.static is not None:
            vectors = job.vectors[start : start + len(tokenized)]
            vectors[:] = self.static.encode(tokenized)
            origin = self.finishing.origin(request.kind, request.importance)
            self.finishing.put(origin, unique[start : start + len(tokenized)], tokenized, vectors)
            if start + len(tokenized) == len(unique):
                job.lanes["static"] = len(unique)
                job.succeed()
            return
        if self.dispatcher is None:
            raise RuntimeError("a pipeline needs a dispatcher or a static model")
        prompt = self.prompts[request.kind]
        prompt_tokens = self.card.prompt_tokens[request.kind]
        origin = self.finishing.origin(request.kind, request.importance)
        items = [
            Item(
                key=(prompt_tokens, request.device, prompt + unique[start + offset]),
                source=unique[start + offset],
                text=text,
                is_query=request.is_query,
                device=request.device,
                prompt_tokens=prompt_tokens,
                origin=origin,
            )
            for offset, text in enumerate(tokenized)
        ]
        self.dispatcher.submit(job, items, first_row=start)


def _finished(pending: Pending) -> EncodeFinished:
    report = pending.report
    lanes = list(report.lanes) or ["cache"]
    return EncodeFinished(
        kind=pending.kind,
        device=lanes[0] if len(lanes) == 1 else "hybrid",
        n_texts=report.n_texts,
        n_computed=report.n_computed,
        n_cached=report.n_cached,
        n_tokens=report.n_tokens,
        n_truncated=len(report.truncated),
        tokenize_s=report.tokenize_s,
        total_s=report.total_s,
    )


def _check_deadline(request: Request) -> None:
    if request.deadline_s is not None and time.monotonic() > request.deadline_s:
        raise DeadlineExceeded("the time of the call is over before its texts were tokenised")


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return distinct texts in order of appearance, row → distinct row, distinct row → first row."""
    if len(texts) == 1:
        return list(texts), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    rows: dict[str, int] = {}
    inverse = np.fromiter((rows.setdefault(text, len(rows)) for text in texts), dtype=np.int64, count=len(texts))
    _, first_row = np.unique(inverse, return_index=True)
    return list(rows), inverse, first_row
