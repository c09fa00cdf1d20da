"""Every command and snippet of the documentation works as it is written."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rag_demo.configurations import bundled
from tests.docs.blocks import PAGES, ROOT, blocks_of
from tests.docs.player import Player

ELSEWHERE = {"bat": "needs Windows", "bsl": "needs the 1C platform"}
LANGUAGES = {"python", "bash", "text", "json", "yaml", "ini", *ELSEWHERE}
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
# These have the commands of their English twins, which alone are played.
TWINS = {"README.ru.md": "README.md", "docs/ru/ask-your-configuration.md": "docs/tutorials/ask-your-configuration.md"}
PLAYED = {block.page: [] for block in BLOCKS if block.page not in TWINS}
for found in BLOCKS:
    if found.page in PLAYED and found.language in {"python", "bash", "text"} and found.mark not in {"skip", "parse"}:
        PLAYED[found.page].append(found)
PLAYED = {page: blocks for page, blocks in PLAYED.items() if any(block.language != "text" for block in blocks)}
NOT_RUN = [block for block in BLOCKS if block.mark == "skip" or block.language in ELSEWHERE]
DUMPS = ("path/to/dump", "путь/к/выгрузке")
MANUALS = ("path/to/docs", "путь/к/документам")
MANUAL = "# Отгрузка\n\nПломбы кладовщик сдаёт начальнику смены.\n"


@pytest.fixture(scope="session")
def indexed(tmp_path_factory, model_cache):
    """A data folder with the space ``trade``: the bundled configuration."""
    folder = tmp_path_factory.mktemp("indexed")
    environ = {**os.environ, "RAG_DATA_DIR": str(folder), "EMBEDDING_MODEL_CACHE_DIR": str(model_cache)}
    command = [sys.executable, "-m", "rag_demo", "index", str(bundled()), "--space", "trade"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def place(tmp_path, request, monkeypatch):
    """A folder with what pages speak of: dumps, manuals, a data folder of its own."""
    blocks = request.getfixturevalue("blocks")
    folder = tmp_path / "place"
    folder.mkdir()
    commands = "".join(block.code for block in blocks if block.language == "bash")
    for path in (path for path in DUMPS if path in commands):
        shutil.copytree(bundled(), folder / path)
    for path in (path for path in MANUALS if path in commands):
        (folder / path).mkdir(parents=True)
        (folder / path / "отгрузка.md").write_text(MANUAL, encoding="utf-8")
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(folder)
    if "rag-demo" in commands:
        sparse = ["--sparse=always"] if sys.platform == "linux" else []  # the vectors lie in mostly empty files
        subprocess.run(["cp", "-R", *sparse, request.getfixturevalue("indexed"), tmp_path / "data"], check=True)
    return folder


@pytest.mark.parametrize("blocks", PLAYED.values(), ids=PLAYED.keys())
def test_page(blocks, place):
    with Player(place) as player:
        for block in blocks:
            if block.language != "text":
                player.play(block)
            elif block.mark == "prints":
                wanted = re.escape(block.code.strip()).replace("…", ".*?")
                assert re.search(wanted, player.printed, flags=re.DOTALL), f"{block.where}\n{player.printed}"


@pytest.mark.parametrize("block", NOT_RUN, ids=lambda block: block.where)
def test_what_cannot_run_here_says_why(block):
    reason = block.value or ELSEWHERE.get(block.language, "")
    assert reason, f"{block.where}: no reason"
    pytest.skip(reason)


@pytest.mark.parametrize(("russian", "english"), TWINS.items(), ids=TWINS.keys())
def test_twins_have_the_same_commands(russian, english):
    def commands(page):
        code = "\n".join(block.code for block in blocks_of(ROOT / page) if block.language in {"python", "bash"})
        code = code.replace(DUMPS[1], DUMPS[0])
        return [re.split(r"\s+#", line)[0] for line in code.splitlines()]

    assert commands(russian) == commands(english)


def test_every_block_names_its_language():
    assert [block.where for block in BLOCKS if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.mark == "parse"], ids=lambda block: block.where)
def test_options_exist(block):
    from hybrid_embeddings.cli import _parser as engine
    from rag_demo.cli import _parser as demo

    parsers = {"rag-demo": demo(), "hybrid-embeddings": engine()}
    found = 0
    for line in block.code.replace("\\\n", " ").splitlines():
        words = [word for word in shlex.split(line, comments=True) if not re.match(r"[A-Z_]+=", word)]
        if words and words[0] in parsers:
            parsers[words[0]].parse_args(words[1:])
            found += 1
    assert found


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in {"json", "yaml", "ini"}], ids=lambda block: block.where
)
def test_files_can_be_read(block):
    if block.language == "json":
        json.loads(block.code)
    elif block.language == "yaml":
        yaml.safe_load(block.code)
    else:
        known = (ROOT / "env.example").read_text(encoding="utf-8")
        names = re.findall(r"^([A-Z_]+)=", block.code, flags=re.MULTILINE)
        assert names
        assert [name for name in names if f"# {name}=" not in known] == []
