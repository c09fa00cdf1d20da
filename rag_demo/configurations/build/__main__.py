"""Run as ``python -m rag_demo.configurations.build`` to rewrite the committed dumps."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from .trees import all_trees

TRADE = Path(__file__).resolve().parent.parent / "trade"


def write_trees(directory: Path) -> int:
    """Replace every generated tree under ``directory``; returns how many files were written."""
    written = 0
    for name, files in all_trees(TRADE).items():
        shutil.rmtree(directory / name, ignore_errors=True)
        for path, content in files.items():
            target = directory / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            written += 1
    return written


def main() -> int:
    """Write the trees and say how many files there are."""
    sys.stdout.write(f"{write_trees(TRADE)} files written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
