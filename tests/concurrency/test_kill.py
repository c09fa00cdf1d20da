"""kill -9 at any moment of indexing: readers see the old or the new index, and the next run ends as a clean one."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rag_demo
from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from tests.concurrency import indexing_child
from tests.unit.rag_demo.dumps import SmallDump
from tests.unit.rag_demo.index_state import state_of

SPACE = "лавка"
MODULES = 40


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())


class Child:
    """A process that has everything imported and waits for the word to index."""

    def __init__(self, data: Path, root: Path, words: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1]), "PYTHONUTF8": "1"}
        command = [sys.executable, indexing_child.__file__, str(data), str(root), SPACE, words]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8"
        )

    def index(self, kind: str, *, kill_after_s: float | None = None) -> float:
        """Start a run and kill it, or wait for its end; returns the seconds it took."""
        process = self._process
        assert process.stdout.readline() == "ready\n"
        started = time.perf_counter()
        process.stdin.write(f"{kind}\n")
        process.stdin.flush()
        if kill_after_s is None:
            assert process.stdout.readline() == "done\n"
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(kill_after_s)
        process.kill()
        process.communicate()
        return time.perf_counter() - started


def change(dump: SmallDump, rng: random.Random, step: int) -> None:
    """Some modules are edited, one goes, one comes, one object gets another synonym."""
    for name in rng.sample(dump.modules, 8):
        methods = [f"Посчитать{rng.randrange(1000)}" for _ in range(rng.randrange(1, 5))]
        dump.write_module(name, list(dict.fromkeys(methods)), before="// Строка.\n" * rng.randrange(3))
    gone = dump.modules.pop(rng.randrange(len(dump.modules)))
    shutil.rmtree(dump.root / "CommonModules" / gone)
    (dump.root / "CommonModules" / f"{gone}.xml").unlink()
    dump.modules.append(f"Новый{step}")
    dump.write_module(f"Новый{step}", ["Посчитать0_1"])
    dump.write_catalogue(dump.catalogues[0], synonym=f"Список номер {step}")
    dump.write_configuration()


def index_here(data: Path, root: Path, words: str) -> None:
    settings = Settings(data_dir=str(data), model="слова", lexical_backend=words)
    with contextlib.closing(Library(settings)) as library:
        library.index(root, SPACE, progress=lambda *_: None)


def clean_state(folder: Path, root: Path, words: str):
    shutil.rmtree(folder, ignore_errors=True)
    index_here(folder, root, words)
    return state_of(folder, SPACE)


def same(ours, theirs):
    return all(ours[part] == value for part, value in theirs.items() if part != "files")


def run_kills(tmp_path: Path, *, kills: int, seed: int, words: str) -> None:
    rng = random.Random(seed)
    dump = SmallDump(tmp_path / "выгрузка", modules=MODULES)
    data, clean = tmp_path / "данные", tmp_path / "чистое"
    lasts_s = {"full": Child(data, dump.root, words).index("full")}
    change(dump, rng, -1)
    lasts_s["update"] = Child(data, dump.root, words).index("update")
    outcomes = {"old": 0, "new": 0}
    old = clean_state(clean, dump.root, words)
    for step in range(kills):
        kind = "full" if step % 4 == 1 else "update"
        child = Child(data, dump.root, words)
        change(dump, rng, step)
        new = clean_state(clean, dump.root, words)
        child.index(kind, kill_after_s=rng.uniform(0, lasts_s[kind]))
        found = state_of(data, SPACE)
        assert same(found, old) or same(found, new), f"step {step}: readers see a mix"
        outcomes["old" if same(found, old) else "new"] += 1
        index_here(data, dump.root, words)
        ended = state_of(data, SPACE)
        for part, value in new.items():
            assert ended[part] == value, f"step {step}, {kind}: {part}"
        old = new
    assert outcomes["old"] or kills < 10, "no run was killed before its end"
    space = next((data / "spaces").iterdir())
    assert len([entry for entry in space.iterdir() if entry.is_dir()]) == 1, "dead generations are left"


@pytest.mark.parametrize("words", ["whoosh", "tantivy"])
def test_a_few_kills(tmp_path, words):
    run_kills(tmp_path, kills=2, seed=4, words=words)


@pytest.mark.long
@pytest.mark.parametrize("words", ["whoosh", "tantivy"])
def test_thirty_kills(tmp_path, words):
    run_kills(tmp_path, kills=30, seed=int(os.environ.get("KILL_SEED", "60")), words=words)
