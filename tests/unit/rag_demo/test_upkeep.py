"""The commands that keep indexes, alone and while another process holds them."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import rag_demo
from rag_demo import cli, watch, wiring
from rag_demo.errors import IndexBusy
from rag_demo.testing import WordEmbedder
from tests.unit.rag_demo.dumps import SmallDump

HOLD = """
import sys
from rag_demo import cli, wiring
from rag_demo.testing import WordEmbedder
wiring.build_embedder = lambda *_: WordEmbedder()
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def _small_model(monkeypatch):
    monkeypatch.setenv("RAG_MODEL", "слова")  # any name: nothing is trained
    monkeypatch.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())


@pytest.fixture
def dump(tmp_path):
    return SmallDump(tmp_path / "выгрузка")


@pytest.fixture
def run(capsys):
    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return status, output.out, output.err

    return run


@pytest.fixture
def start():
    """Start a command in another process; it is ended with the test."""
    processes = []

    def start(*arguments):
        environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1]), "PYTHONUTF8": "1"}
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            encoding="utf-8",
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def until(process, text):
    """Read lines until one holds ``text``."""
    for line in process.stdout:
        if text in line:
            return line
    raise AssertionError(f"{text!r} was not said")


def test_index_tells_what_changed(run, dump):
    assert "Indexed Лавка 1.0 as space 'лавка'" in run("index", dump.root, "--space", "лавка")[1]
    assert "up to date" in run("index", dump.root, "--space", "лавка")[1]
    dump.write_module("Модуль0", ["Посчитать0_0", "Новая"])
    out = run("index", dump.root, "--space", "лавка")[1]
    assert "files 0 added, 1 changed, 0 removed; documents 1 added, 0 changed, 2 removed" in out
    assert "Indexed" in run("index", dump.root, "--space", "лавка", "--full")[1]


def test_spaces(run, dump):
    assert "Nothing has been indexed" in run("spaces")[1]
    run("index", dump.root, "--space", "лавка")
    out = run("spaces")[1]
    assert "лавка: Лавка 1.0 (designer 2.17), 17 documents, 0 problems" in out
    assert str(dump.root) in out


def test_verify(run, dump):
    run("index", dump.root, "--space", "лавка")
    assert "as the catalogue says" in run("verify")[1]
    status, _, err = run("verify", "нет")
    assert (status, "no space 'нет'" in err) == (2, True)


@pytest.mark.parametrize(("typed", "gone"), [("y\n", True), ("yes\n", True), ("\n", False), ("n\n", False)])
def test_drop_asks(run, dump, monkeypatch, typed, gone):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    run("index", dump.root, "--space", "лавка")
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert run("drop", "лавка")[0] == 0
    assert ("Nothing has been indexed" in run("spaces")[1]) == gone


def test_drop_without_asking(run, dump):
    run("index", dump.root, "--space", "лавка")
    status, _, err = run("drop", "лавка")
    assert (status, "--yes" in err) == (2, True)
    assert "is gone" in run("drop", "лавка", "--yes")[1]
    assert run("drop", "лавка", "--yes")[0] == 2


def test_work_goes_to_the_process_that_holds_the_indexes(run, start, dump):
    run("index", dump.root, "--space", "лавка")
    chat = start("chat", "--space", "лавка")
    until(chat, "Commands:")
    chat.stdin.write("Посчитать0_0\n")  # opens the vectors there
    chat.stdin.flush()
    until(chat, "CommonModule.Модуль0.Посчитать0_0")
    status, out, err = run("ask", "Посчитать1_1")
    assert (status, err) == (0, "")
    assert "CommonModule.Модуль1.Посчитать1_1" in out
    assert "searched without" not in out
    dump.write_module("Модуль0", ["СовсемНовая"])
    assert "1 changed" in run("index", dump.root, "--space", "лавка")[1]
    chat.stdin.write("СовсемНовая\n")
    chat.stdin.flush()
    until(chat, "CommonModule.Модуль0.СовсемНовая")
    assert "as the catalogue says" in run("verify", "лавка")[1]
    status, _, err = run("index", dump.root / "нет", "--space", "лавка")
    assert (status, "does not exist" in err) == (2, True)
    assert "is gone" in run("drop", "лавка", "--yes")[1]
    chat.stdin.write("exit\n")
    chat.stdin.flush()
    assert chat.wait(30) == 0
    assert run("ask", "Посчитать1_1")[0] == 2


def test_watch_brings_changes_in_and_goes_on_after_errors(run, start, dump, tmp_path):
    docs = tmp_path / "Документы"
    docs.mkdir()
    watcher = start("watch", dump.root, "--space", "лавка", "--docs", docs)
    until(watcher, "Watching")
    until(watcher, "Indexed Лавка")
    dump.write_module("Модуль0", ["СовсемНовая"])
    assert "files 0 added, 1 changed" in until(watcher, "Updated space")
    assert "CommonModule.Модуль0.СовсемНовая" in run("ask", "СовсемНовая")[1]
    configuration = dump.root / "Configuration.xml"
    text = configuration.read_text(encoding="utf-8")
    configuration.unlink()
    until(watcher, "not updated")
    configuration.write_text(text, encoding="utf-8")
    (docs / "Вопросы.md").write_text("# Вопросы\n\nГде дегустация?\n", encoding="utf-8")
    assert "1 added" in until(watcher, "Updated space")
    assert "Документы/Вопросы.md" in run("ask", "дегустация")[1]
    watcher.terminate()
    assert watcher.wait(30) == (0 if os.name == "posix" else watcher.returncode)


def test_a_watcher_takes_over_when_the_owner_ends(run, start, dump):
    run("index", dump.root, "--space", "лавка")
    chat = start("chat", "--space", "лавка")
    until(chat, "Commands:")
    chat.stdin.write("Посчитать0_0\n")
    chat.stdin.flush()
    until(chat, "CommonModule.Модуль0.Посчитать0_0")
    watcher = start("watch", dump.root, "--space", "лавка")
    until(watcher, "Watching")
    chat.stdin.write("exit\n")
    chat.stdin.flush()
    assert chat.wait(30) == 0
    dump.write_module("Модуль0", ["СовсемНовая"])
    assert "1 changed" in until(watcher, "Updated space")
    assert "CommonModule.Модуль0.СовсемНовая" in run("ask", "СовсемНовая")[1]


def test_what_failed_is_tried_again_when_nothing_changes():
    tries, told = [], []

    def update():
        tries.append(1)
        if len(tries) < 3:
            raise IndexBusy("занято")

    watch.keep(update, [0, 0, 0, 1, 0, 0, 0, 0], tell=told.append, stop=threading.Event(), again_looks=3)
    assert (len(tries), told) == (3, ["занято", "занято"])


def test_the_watcher_ends_when_it_is_told_to():
    stop, tries = threading.Event(), []
    watch.keep(lambda: (tries.append(1), stop.set()), [0, 5, 5], tell=tries.append, stop=stop)
    assert tries == [1]


def test_watch_needs_a_folder(run, tmp_path):
    status, _, err = run("watch", tmp_path / "нет", "--space", "лавка")
    assert (status, "cannot be watched" in err) == (2, True)
