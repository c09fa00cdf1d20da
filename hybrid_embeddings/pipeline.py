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
from hybrid_embeddings.models.static import StaticModel, normalized
from hybrid_embeddings.models.tokenizer import TextTokenizer
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.work import Item, Job
from hybrid_embeddings.types import CallCounters, Kind, ModelCard, OnTruncate, Report, TokenizedText, Vectors

# Texts are tokenised and queued in pieces, so that lanes start before the last text is tokenised.
_PIECE = 1024
_log = logging.getLogger("hybrid_embeddings")


@dataclass(frozen=True, slots=True)
class Request:
    """What a caller asks for, checked."""

    texts: Sequence[str]
    kind: Kind
    device: str | None = None
    is_query: bool = False
    on_truncate: OnTruncate = "ignore"
    deadline_s: float | None = None  # by time.monotonic()
    cancelled: threading.Event = field(default_factory=threading.Event)
    """Set by whoever does not want the vectors any more while texts are still being queued."""


@dataclass(slots=True)
class Pending:
    """A call whose texts are queued."""

    job: Job
    inverse: np.ndarray  # row of the caller → row of the job
    first_row: np.ndarray  # row of the job → first row of the caller
    report: Report
    started_s: float


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The steps of a call. ``dispatcher`` is None for static models, ``static`` for all others."""

    card: ModelCard
    tokenizer: TextTokenizer
    prompts: dict[Kind, str]
    dispatcher: Dispatcher | None
    static: StaticModel | None
    truncate_dim: int | None = None
    normalize: bool | None = None
    counters: CallCounters = field(default_factory=CallCounters)
    lock: threading.Lock = field(default_factory=threading.Lock)  # of the counters

    @property
    def limit(self) -> int | None:
        """Tokens that are read of one text, special tokens included; None: all."""
        return self.tokenizer.max_tokens

    @property
    def dimension(self) -> int:
        """Length of the vectors that leave the pipeline."""
        return min(self.truncate_dim or self.card.dimension, self.card.dimension)

    def start(self, request: Request) -> Pending:
        """Check, de-duplicate, tokenise and queue. Does not wait for vectors."""
        started = time.perf_counter()
        unique, inverse, first_row = _deduplicate(request.texts)
        report = Report(n_texts=len(request.texts), n_computed=len(unique))
        job = Job(len(unique), self.card.dimension)
        n_lost: dict[int, int] = {}
        try:
            for start, tokenized in self._tokenized(unique, request.kind, first_row, report):
                if request.cancelled.is_set():
                    break
                _check_deadline(request)
                report.n_tokens += sum(len(text.ids) for text in tokenized)
                n_lost.update({start + row: text.n_lost for row, text in enumerate(tokenized) if text.n_lost})
                if request.on_truncate == "error":
                    self._refuse_long(n_lost, first_row)
                self._queue(job, request, unique, start, tokenized)
        except BaseException:  # Ctrl-C, too: nobody will wait for what is queued
            self.cancel(job)
            raise
        if n_lost:
            report.truncated = {index: n_lost[row] for index, row in enumerate(inverse.tolist()) if row in n_lost}
            if request.on_truncate == "warn":
                _log.warning("%d of %d texts were cut to %s tokens", len(report.truncated), report.n_texts, self.limit)
        return Pending(job, inverse, first_row, report, started)

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

    def _refuse_long(self, n_lost: dict[int, int], first_row: np.ndarray) -> None:
        if not n_lost:
            return
        row = min(n_lost)
        index = int(first_row[row])
        n_tokens = (self.limit or 0) + n_lost[row]
        raise InputError(
            f"text {index} has about {n_tokens} tokens, the limit is {self.limit}; "
            "split it, or allow cutting with on_truncate='ignore'",
            index=index,
        )

    def arrange(self, pending: Pending, vectors: Vectors) -> Vectors:
        """Cut, scale and order the vectors of a finished job."""
        pending.report.lanes = pending.job.lanes or pending.report.lanes
        if self.dimension < self.card.dimension:
            vectors = vectors[:, : self.dimension]
        # Cutting changes the length, so a model that normalises is normalised again.
        scale = self.normalize if self.normalize is not None else self.card.normalizes
        if scale and (self.dimension < self.card.dimension or not self.card.normalizes):
            vectors = normalized(vectors)
        if len(pending.inverse) != len(vectors):
            vectors = vectors[pending.inverse]
        pending.report.total_s = time.perf_counter() - pending.started_s
        with self.lock:
            self.counters.count(pending.report)
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
            job.vectors[start : start + len(tokenized)] = self.static.encode(tokenized)
            if start + len(tokenized) == len(unique):
                job.lanes["static"] = len(unique)
                job.succeed()
            return
        if self.dispatcher is None:
            raise RuntimeError("a pipeline needs a dispatcher or a static model")
        prompt = self.prompts[request.kind]
        prompt_tokens = self.card.prompt_tokens[request.kind]
        items = [
            Item(
                key=(prompt_tokens, request.device, prompt + unique[start + offset]),
                text=text,
                is_query=request.is_query,
                device=request.device,
                prompt_tokens=prompt_tokens,
            )
            for offset, text in enumerate(tokenized)
        ]
        self.dispatcher.submit(job, items, first_row=start)


def _check_deadline(request: Request) -> None:
    if request.deadline_s is not None and time.monotonic() > request.deadline_s:
        raise DeadlineExceeded("the time of the call is over before its texts were tokenised")


def _deduplicate(texts: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return distinct texts in order of appearance, row → distinct row, distinct row → first row."""
    rows: dict[str, int] = {}
    inverse = np.fromiter((rows.setdefault(text, len(rows)) for text in texts), dtype=np.int64, count=len(texts))
    _, first_row = np.unique(inverse, return_index=True)
    return list(rows), inverse, first_row
