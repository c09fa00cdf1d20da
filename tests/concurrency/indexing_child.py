"""A process that indexes a dump when it is told to, so that a test can kill it at any moment."""

from __future__ import annotations

import sys
from pathlib import Path

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder


def main() -> None:
    """Arguments: data folder, dump, space, word engine; each line of input starts a run, ``full`` one from nothing."""
    wiring.build_embedder = lambda *_: WordEmbedder()
    data, dump, space, words = sys.argv[1:]
    tell("ready")
    for line in sys.stdin:
        library = Library(Settings(data_dir=data, model="слова", lexical_backend=words))
        library.index(Path(dump), space, full=line.strip() == "full", progress=lambda *_: None)
        library.close()
        tell("done")


def tell(word: str) -> None:
    """Say a word to the test."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
