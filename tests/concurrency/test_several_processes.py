"""Several processes answer from one Qdrant server while another one updates and rebuilds the index."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rag_demo
from rag_demo import wiring
from rag_demo.index.ports import Where
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.work import holding
from tests.qdrant_server import QdrantServer
from tests.unit.rag_demo.dumps import SmallDump

QUESTION = "Посчитать1_1"


def asking() -> None:
    """A process that asks one question again and again until it is told to stop, and tells what was wrong."""
    wiring.build_embedder = lambda *_: WordEmbedder()
    settings = Settings(data_dir=sys.argv[1], model="слова", qdrant_url=sys.argv[2], answer_cache="off")
    wrong: list[str] = []
    asked = 0
    with holding(settings, command="test") as library:
        for line in sys.stdin:
            for _ in range(5 if line.strip() == "ask" else 1):
                answer = library.ask(QUESTION, Where(("лавка",)), 3)
                names = [source.hit.document.name for source in answer.sources]
                asked += 1
                if names[:1] != [QUESTION] or answer.degraded:
                    wrong.append(f"{names} {answer.degraded}")
            if line.strip() == "stop":
                break
            sys.stdout.write("done\n")
            sys.stdout.flush()
        last = library.ask("Новый4", Where(("лавка",)), 1)
    sys.stdout.write(json.dumps([asked, wrong, [source.hit.document.name for source in last.sources]]) + "\n")


@pytest.fixture
def dump(tmp_path):
    return SmallDump(tmp_path / "выгрузка")


def test_readers_see_whole_revisions_while_one_writes(tmp_path, dump, monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
    with QdrantServer().serving() as qdrant, contextlib.ExitStack() as running:
        settings = Settings(data_dir=str(tmp_path / "данные"), model="слова", qdrant_url=qdrant.url)
        library = running.enter_context(contextlib.closing(Library(settings)))

        def index(*, full: bool = False) -> None:
            library.index(dump.root, "лавка", full=full, progress=lambda *_: None)

        index()
        readers = [running.enter_context(reader(settings)) for _ in range(2)]
        for change in range(5):
            for process in readers:
                tell(process, "ask")
            # Written while they ask; every second time all of it anew.
            dump.write_module("Модуль0", [f"Новый{change}", "Посчитать0_0"])
            index(full=change % 2 == 1)
            for process in readers:
                assert process.stdout.readline() == "done\n"
        for process in readers:
            tell(process, "stop")
            asked, wrong, last = json.loads(process.stdout.readline())
            assert (asked, wrong, last) == (26, [], ["Новый4"])


@contextlib.contextmanager
def reader(settings):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, roots())), "PYTHONUTF8": "1"}
    code = "from tests.concurrency.test_several_processes import asking; asking()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, settings.data_dir, settings.qdrant_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def roots():
    return Path(rag_demo.__file__).parents[1], Path(__file__).parents[2]


def tell(process, word):
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
