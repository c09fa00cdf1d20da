"""Whoosh against tantivy at growing sizes: time of a search, same terms, same documents. Decides `auto`.

python benchmarks/word_engines.py DIR [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from common import median, percentile, report

from rag_demo.evaluate.golden_sets import known_items, sample
from rag_demo.index.analyse import terms
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.lexical_tantivy import TantivyIndex
from rag_demo.ingest import read_configuration

_SIZES = (500, 1_000, 2_000, 4_000, 8_000)
_QUESTIONS = 60


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("dir", metavar="DIR", type=Path)
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    documents = read_configuration(given.dir, space_id="a").documents
    questions = [terms(case.question) for case in sample(known_items(documents), _QUESTIONS)]
    rows = []
    for size in _SIZES:
        chosen = documents[:: max(len(documents) // size, 1)][:size]
        row: dict[str, float] = {"documents": len(chosen)}
        for name, engine in (("whoosh", WhooshIndex), ("tantivy", TantivyIndex)):
            with tempfile.TemporaryDirectory() as folder:
                index = engine.create(Path(folder) / name)
                index.add(chosen)
                index.seal()
                reader = index.at(1)
                taken = []
                for question in questions * 2:
                    started = time.perf_counter()
                    reader.search(question, 50)
                    taken.append((time.perf_counter() - started) * 1e3)
                row[f"{name}_p50_ms"] = round(median(taken[_QUESTIONS:]), 2)
                row[f"{name}_p95_ms"] = round(percentile(taken[_QUESTIONS:], 0.95), 2)
                reader.close()
                index.close()
        rows.append(row)
    report({"questions": _QUESTIONS, "sizes": rows}, given.json)


if __name__ == "__main__":
    main()
