"""A bulk job (JSON lines and Parquet in, Parquet out) against the engine alone on the same texts, in turn.

Run ``python benchmarks/bulk_job.py [--texts 2000] [--rounds 3] [--json docs/results/bulk_job.json]``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pyarrow as pa
from common import arguments, in_turn, median, mixed_texts, report
from pyarrow import parquet as pq

from hybrid_embeddings import Settings
from hybrid_embeddings.jobs.job import Options, run_job
from hybrid_embeddings.jobs.lines import jsonl_source
from hybrid_embeddings.jobs.parquet import ParquetSource
from hybrid_embeddings.jobs.rows import Source
from hybrid_embeddings.jobs.worker import EmbeddingWorker


class Known:
    """A worker that has computed all vectors before: what is left is the job itself."""

    def __init__(self, worker: EmbeddingWorker, texts: list[str]) -> None:
        self._vectors, self._report = worker.embed(texts)
        self._rows = {text: row for row, text in enumerate(texts)}
        self.service, self.kind = worker.service, worker.kind

    def embed(self, texts: list[str]) -> tuple[object, object]:
        """Return the rows of texts."""
        return self._vectors[[self._rows[text] for text in texts]], self._report


def main() -> None:
    """Measure both, with the usual parts and with small ones."""
    options = arguments("Overhead of a bulk job over the engine alone.", texts=2000, rounds=3)
    texts = mixed_texts(options.texts)
    worker = EmbeddingWorker(Settings.load())
    worker.embed(texts[:50])
    known = Known(worker, texts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines, table = folder / "in.jsonl", folder / "in.parquet"
        lines.write_text("".join(json.dumps({"text": text, "id": n}) + "\n" for n, text in enumerate(texts)), "utf-8")
        pq.write_table(pa.table({"text": texts, "id": range(len(texts))}), table)

        def job(source: Source, rows_per_part: int, by: object = worker) -> None:
            output = folder / "out.parquet"
            run_job(source, by, Options(output, rows_per_part=rows_per_part, start_over=True))  # type: ignore[arg-type]

        json_lines = jsonl_source(lines, column="text", id_column="id")
        columns = ParquetSource(table, column="text", id_column="id")
        seconds = in_turn(
            {
                "engine alone": lambda: worker.embed(texts),
                "JSON lines, parts of 4096": lambda: job(json_lines, 4096),
                "Parquet, parts of 4096": lambda: job(columns, 4096),
                "Parquet, parts of 256": lambda: job(columns, 256),
                "the job without computing, JSON lines": lambda: job(json_lines, 4096, known),
            },
            rounds=options.rounds,
        )
    worker.close()
    base = median(seconds["engine alone"])
    result = {
        "texts": len(texts),
        "seconds": {side: round(median(times), 3) for side, times in seconds.items()},
        "texts_per_s": {side: round(len(texts) / median(times), 1) for side, times in seconds.items()},
        "overhead": {side: round(median(times) / base - 1, 4) for side, times in seconds.items() if "parts" in side},
    }
    report(result, options.json)


if __name__ == "__main__":
    main()
