"""A bulk job: parts that are written one after the other, and put together when all are there.

Beside OUTPUT lies ``OUTPUT.parts`` while a job is not done. A part is written under another name, synced and renamed,
so it is whole or not there; the next run goes on behind the last one. Each part names the input, the model and the
options that it belongs to: a run with others is refused instead of mixing vectors.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybrid_embeddings.errors import InputError, JobError, MissingDependencyError
from hybrid_embeddings.jobs import parquet
from hybrid_embeddings.jobs.rows import Rows, Source, Survey
from hybrid_embeddings.jobs.worker import EmbeddingWorker
from hybrid_embeddings.types import Report, Vectors

_VERSION = 1
_AT_ONCE = 2  # one part is computed while the one before is written
_MIB = 2**20

Progress = Callable[[int, int], None]
"""Called with the rows that are safe on the disk, and all rows."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a job is to do besides its input."""

    output: Path
    rows_per_part: int = 4096
    keep_text: bool = False
    names: tuple[str, ...] = ()  # of the columns that are read; other columns are other vectors
    start_over: bool = False  # throw away what an earlier run left


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run did."""

    n_rows: int
    n_before: int  # rows that an earlier run had done
    n_cut: int  # texts of this run that are longer than the model reads
    total_s: float


def run_job(source: Source, worker: EmbeddingWorker, options: Options, *, progress: Progress | None = None) -> Summary:
    """Embed every row of a source into ``options.output``, or what is left of it.

    Raises:
        InputError: a row cannot be embedded; nothing was computed then.
        JobError: another run is at work, left something else, or the disk is full. What was done is safe.
    """
    started_s = time.monotonic()
    survey = source.survey()
    if not survey.n_rows:
        raise InputError("the input has no rows")
    with _locked(options.output):
        facts = _facts(survey, worker, options)
        job = _Job(source, worker, options, facts, survey.n_rows)
        n_before = job.take_up()
        n_cut = job.compute(n_before, progress or _silent)
        job.finish()
    return Summary(survey.n_rows, n_before, n_cut, time.monotonic() - started_s)


class _Job:
    def __init__(
        self, source: Source, worker: EmbeddingWorker, options: Options, facts: dict[str, Any], n_rows: int
    ) -> None:
        self._source = source
        self._worker = worker
        self._options = options
        self._facts = facts
        self._n_rows = n_rows
        self._folder = _folder(options.output)

    def take_up(self) -> int:
        """Check what an earlier run left. Returns the rows that need not be computed again."""
        output = self._options.output
        if self._options.start_over:
            output.unlink(missing_ok=True)
            for part in self._parts():
                part.unlink()
        elif output.exists():
            self._check_same(parquet.facts_of(output), output)
            return self._n_rows
        n_done = 0
        for part in self._parts():
            found = parquet.facts_of(part)
            if found is not None:
                self._check_same(found, part)
            if found is None or _first_of(part) != n_done:  # damaged, or behind one that was
                part.unlink()
                continue
            n_done += found[1]
        self._check_room(n_done)
        return n_done

    def compute(self, start: int, progress: Progress) -> int:
        """Embed the rows from ``start`` on and write them part by part. Returns how many texts were cut."""
        if start >= self._n_rows:
            return 0
        n_cut = 0
        pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hybrid-embeddings-job")
        try:
            for rows, (vectors, report) in self._computed(pool, start):
                n_cut += len(report.truncated)
                self._write(rows, vectors, report)
                progress(rows.first + len(rows), self._n_rows)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return n_cut

    def finish(self) -> None:
        """Put the parts together and remove them. A run that is killed in between has lost nothing."""
        output = self._options.output
        if not output.exists():
            with self._disk_full_told(self._n_rows):
                written = parquet.merge(self._parts(), output, self._facts)
            if written != self._n_rows:
                output.unlink()
                raise JobError(f"{self._folder} holds {written:,} rows of {self._n_rows:,}; use --restart")
        for part in self._parts():
            part.unlink()

    def _computed(self, pool: ThreadPoolExecutor, start: int) -> Iterator[tuple[Rows, tuple[Vectors, Report]]]:
        waiting: deque[tuple[Rows, Future[tuple[Vectors, Report]]]] = deque()
        for rows in self._source.rows(start, self._options.rows_per_part):
            waiting.append((rows, pool.submit(self._worker.embed, rows.texts)))
            if len(waiting) == _AT_ONCE:
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())

    def _write(self, rows: Rows, vectors: Vectors, report: Report) -> None:
        cut = np.zeros(len(rows), dtype=np.int32)
        for row, n_lost in report.truncated.items():
            cut[row] = n_lost
        texts = rows.texts if self._options.keep_text else None
        part = parquet.Part(rows.first, vectors, cut, rows.ids, texts)
        with self._disk_full_told(rows.first):
            parquet.write_part(part, self._folder / f"part-{rows.first:012d}.parquet", self._facts)

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob("part-*.parquet"))

    def _check_same(self, found: tuple[dict[str, Any], int] | None, path: Path) -> None:
        if found is None:
            raise JobError(f"{path} is there, but no job wrote it; name another output, or replace it with --restart")
        changed = [name for name, value in self._facts.items() if found[0].get(name) != value]
        if changed:
            before_after = "; ".join(
                f"{name}: {found[0].get(name)} before, {self._facts[name]} now" for name in changed
            )
            raise JobError(f"{path} belongs to another job ({before_after}); name another output, or use --restart")

    def _check_room(self, n_done: int) -> None:
        """Parts and the file that they are put together in stand side by side at the end."""
        row_bytes = 4 * self._facts["dimension"] + 32
        needed = row_bytes * (2 * self._n_rows - n_done)
        free = shutil.disk_usage(self._folder).free
        if free < needed:
            raise JobError(
                f"the disk of {self._folder} has {free / _MIB:,.0f} MiB left, the job needs {needed / _MIB:,.0f}; "
                "free some, or put the output elsewhere"
            )

    @contextmanager
    def _disk_full_told(self, n_safe: int) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise JobError(
                f"{self._folder}: {error}; {n_safe:,} rows are safe there. Mend it and run the same command again"
            ) from error


def _silent(done: int, total: int) -> None:
    del done, total


def _result(rows: Rows, computed: Future[tuple[Vectors, Report]]) -> tuple[Rows, tuple[Vectors, Report]]:
    try:
        return rows, computed.result()
    except InputError as error:
        if error.index is None:
            raise
        row = rows.first + error.index
        raise InputError(f"row {row + 1}: {error}", index=row) from error


def _facts(survey: Survey, worker: EmbeddingWorker, options: Options) -> dict[str, Any]:
    """What the vectors depend on."""
    service = worker.service
    return {
        "version": _VERSION,
        "input": survey.digest,
        "rows": survey.n_rows,
        "columns": list(options.names),
        "text": options.keep_text,
        "model": service.model_name,
        "fingerprint": service.fingerprint,
        "kind": worker.kind,
        "precision": service.settings.precision,
        "dimension": service.dimension,
    }


def _folder(output: Path) -> Path:
    return output.with_name(f"{output.name}.parts")


def _first_of(part: Path) -> int:
    return int(part.stem.removeprefix("part-"))


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    """Keep other runs away from the parts; the folder is removed when nothing is left in it."""
    try:
        from filelock import FileLock, Timeout
    except ImportError as error:
        raise MissingDependencyError('jobs need filelock: pip install "hybrid-embeddings[jobs]"') from error
    folder = _folder(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JobError(f"{folder} cannot be made: {error}") from error
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise JobError(f"another run is at work on {output}; wait for it, or end it") from None
    try:
        for draft in folder.glob(".*.draft"):  # of a run that was killed
            draft.unlink()
        yield
    finally:
        lock.release()
        if not any(folder.glob("*.parquet")):
            shutil.rmtree(folder, ignore_errors=True)
