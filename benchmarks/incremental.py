"""How long an index of a dump takes: from nothing, again without changes, after one module, after one object.

    python benchmarks/incremental.py DUMP [--rounds 3] [--json RESULT.json]

DUMP is copied to a temporary folder, where one module of middle size, the largest module and the description of one
catalogue are changed. Each change is brought in twice: by a process that stays (as `rag-demo watch` does it) and by
the command line, with its start and imports. The model is that of RAG_MODEL and EMBEDDING_MODEL.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import median, report

from rag_demo.library import Library
from rag_demo.settings import read_settings

SPACE = "benchmark"


class Bench:
    """An index of a copy of the dump, in a folder of its own."""

    def __init__(self, dump: Path, folder: Path) -> None:
        self.root = folder / "dump"
        shutil.copytree(dump, self.root)
        os.environ["RAG_DATA_DIR"] = str(folder / "data")
        self.settings = read_settings()
        self.library = Library(self.settings)
        modules = sorted(self.root.glob("CommonModules/*/Ext/Module.bsl"), key=lambda file: file.stat().st_size)
        self.middle, self.largest = modules[len(modules) // 2], modules[-1]
        self.catalogue = min(self.root.glob("Catalogs/*.xml"))
        self._edits = 0

    def index(self, *, full: bool = False) -> tuple[float, Any]:
        """Index in this process; seconds and the report."""
        started = time.perf_counter()
        done = self.library.index(self.root, SPACE, full=full, progress=lambda *_: None)
        return time.perf_counter() - started, done

    def command(self) -> float:
        """The same by the command line; the library must be closed, or it would hold the vectors."""
        self.library.close()
        started = time.perf_counter()
        command = [sys.executable, "-m", "rag_demo", "index", str(self.root), "--space", SPACE]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - started
        self.library = Library(self.settings)
        return seconds

    def edit(self, module: Path) -> Callable[[], None]:
        """Append one more function to a module each time that it is called."""

        def edit() -> None:
            self._edits += 1
            name = f"НоваяФункция{self._edits}"
            with module.open("a", encoding="utf-8") as stream:
                stream.write(f"\n// Новая функция.\nФункция {name}() Экспорт\n\tВозврат 1;\nКонецФункции\n")

        return edit

    def rename(self) -> None:
        """Give the catalogue another synonym, which all its modules and forms carry."""
        self._edits += 1
        text = self.catalogue.read_text(encoding="utf-8-sig")
        self.catalogue.write_text(text.replace("</v8:content>", f"{self._edits}</v8:content>", 1), encoding="utf-8-sig")


def measured(bench: Bench, change: Callable[[], None], rounds: int) -> dict[str, float]:
    change()
    bench.index()  # a process that stays has its model loaded
    stays, commands = [], []
    for _ in range(rounds):
        change()
        stays.append(bench.index()[0])
    for _ in range(rounds):
        change()
        commands.append(bench.command())
    return {"process_that_stays_s": round(median(stays), 2), "command_s": round(median(commands), 2)}


def peak_memory_mib() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dump", type=Path, metavar="DUMP")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(options.dump, Path(folder))
        full_s, done = bench.index(full=True)
        full_memory = peak_memory_mib()
        bench.index()  # learns the times of files that had just been copied
        result: dict[str, Any] = {
            "unchanged": measured(bench, lambda: None, options.rounds),
            "one_module": measured(bench, bench.edit(bench.middle), options.rounds)
            | {"module_bytes": bench.middle.stat().st_size},
            "largest_module": measured(bench, bench.edit(bench.largest), options.rounds)
            | {"module_bytes": bench.largest.stat().st_size},
            "one_object": measured(bench, bench.rename, options.rounds),
        }
        bench.library.close()
        report(
            {
                "benchmark": "incremental",
                "documents": sum(done.manifest.counts.values()),
                "files": done.files.added,
                "model": done.manifest.model_name,
                "full_s": round(full_s, 1),
                "full_peak_memory_mib": full_memory,
                **result,
                "full_to_one_module": round(full_s / result["one_module"]["process_that_stays_s"], 1),
                "peak_memory_mib": peak_memory_mib(),
            },
            options.json,
        )


if __name__ == "__main__":
    main()
