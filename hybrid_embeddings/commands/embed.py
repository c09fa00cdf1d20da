"""Embed a file of any size. What is interrupted goes on where it stopped when the same command is run again.

INPUT is Parquet, JSON lines or text (one per line), by its ending. OUTPUT is a Parquet file with a row for every row of
the input, in the same order: row, id (with --id), text (with --keep-text), cut_tokens, vector.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from hybrid_embeddings.errors import InputError
from hybrid_embeddings.progress import ProgressBar
from hybrid_embeddings.settings import Settings

if TYPE_CHECKING:
    from hybrid_embeddings.jobs.rows import Source

HELP = "embed a file of any size into a Parquet file; resumable"
_ENDINGS = {
    ".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "text", ".text": "text",
}  # fmt: skip
_LOG_EVERY_S = 15.0  # in a log file a bar is noise


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See :mod:`hybrid_embeddings.cli`."""
    parser.add_argument("input", metavar="INPUT", type=Path, help="file of texts")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="Parquet file to write")
    parser.add_argument("--format", choices=("parquet", "jsonl", "text"), help="of the input (default: by its ending)")
    parser.add_argument("--column", default="text", metavar="NAME", help="column or field of the texts (default: text)")
    parser.add_argument("--id", metavar="NAME", help="column or field to carry over as id")
    parser.add_argument("--keep-text", action="store_true", help="write the texts, too")
    parser.add_argument("--kind", choices=("text", "query", "document"), default="document", help="default: document")
    parser.add_argument("--model", metavar="NAME", help="model (default: EMBEDDING_MODEL)")
    parser.add_argument(
        "--on-truncate", choices=("ignore", "warn", "error"), default="ignore", help="texts longer than the model reads"
    )
    parser.add_argument(
        "--rows-per-part", type=int, default=4096, metavar="N", help="rows that are written at once (default: 4096)"
    )
    parser.add_argument("--restart", action="store_true", help="throw away what earlier runs left, and the output")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    parser.add_argument("--qdrant", metavar="URL", help="put the vectors into a Qdrant server, too (QDRANT_API_KEY)")
    parser.add_argument("--collection", metavar="NAME", help="of the server (default: the output's name)")


def run(options: argparse.Namespace) -> int:
    """See :mod:`hybrid_embeddings.cli`."""
    from hybrid_embeddings.inputs import check_count
    from hybrid_embeddings.jobs.job import Options, run_job
    from hybrid_embeddings.jobs.worker import EmbeddingWorker

    check_count("--rows-per-part", options.rows_per_part)
    source = _source(options)
    wanted = Options(
        output=options.output,
        rows_per_part=options.rows_per_part,
        keep_text=options.keep_text,
        names=(options.column, options.id or ""),
        start_over=options.restart,
    )
    worker = EmbeddingWorker(Settings.load(model=options.model), kind=options.kind, on_truncate=options.on_truncate)
    told = _Progress(quiet=options.quiet)
    try:
        done = run_job(source, worker, wanted, progress=told)
    finally:
        told.close()
        worker.close()
    rate = (done.n_rows - done.n_before) / max(done.total_s, 1e-9)
    print(
        f"{options.output}: {done.n_rows:,} rows, {done.n_before:,} of them by earlier runs, {done.n_cut:,} texts cut, "
        f"{done.total_s:.1f} s, {rate:,.0f} texts/s"
    )
    if options.qdrant:
        _upload(options)
    return 0


def _source(options: argparse.Namespace) -> Source:
    from hybrid_embeddings.jobs import lines, parquet

    path: Path = options.input
    if not path.is_file():
        raise InputError(f"{path} is no file")
    form = options.format or _ENDINGS.get(path.suffix.lower())
    if form == "parquet":
        return parquet.ParquetSource(path, column=options.column, id_column=options.id)
    if form == "jsonl":
        return lines.jsonl_source(path, column=options.column, id_column=options.id)
    if form == "text":
        if options.id:
            raise InputError("lines of text have no ids; leave --id out, the number of the row is always written")
        return lines.text_source(path)
    raise InputError(f"{path} has no ending that tells its format ({', '.join(_ENDINGS)}); use --format")


def _upload(options: argparse.Namespace) -> None:
    from hybrid_embeddings.cache.addresses import masked
    from hybrid_embeddings.jobs.upload import connect, upload

    collection = options.collection or options.output.stem
    client = connect(options.qdrant, os.environ.get("QDRANT_API_KEY") or None)
    try:
        count = upload(options.output, client, collection)
    finally:
        client.close()
    print(f"collection {collection!r} at {masked(options.qdrant)} has {count:,} points")


class _Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: ProgressBar | None = None
        self._done = 0
        self._told_s = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._quiet:
            return
        if sys.stderr.isatty():
            self._draw(done, total)
        elif done == total or time.monotonic() - self._told_s >= _LOG_EVERY_S:
            self._told_s = time.monotonic()
            print(f"{done:,} of {total:,} rows ({done / total:.0%})", file=sys.stderr, flush=True)

    def _draw(self, done: int, total: int) -> None:
        if self._bar is None:
            self._bar, self._done = ProgressBar(total, wanted=True, done=done), done
        self._bar.advance(done - self._done)
        self._done = done

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
