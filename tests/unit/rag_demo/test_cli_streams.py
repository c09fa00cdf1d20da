"""Closed streams, odd arguments and early Ctrl-C, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import rag_demo

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
ROOT = Path(rag_demo.__file__).parents[1]


def shell(command, **environment):
    # The test runs in an empty folder, from which the package may not be importable.
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PYTHON": sys.executable} | environment
    found = subprocess.run(["sh", "-c", command], env=variables, capture_output=True, text=True, check=False)
    assert "Traceback" not in found.stderr, found.stderr
    return found.returncode, found.stdout, found.stderr


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        ("ask - <&-", 2, "question is empty"),
        ("chat <&-", 2, "Nothing has been indexed"),
        ("ask Как? >&-", 2, "Standard output is closed"),
        ("ask Как? 2>&-", 2, ""),
        ("ask Как? --space $(printf '\\377')", 2, "cannot be the name of a space"),
    ],
)
def test_no_traceback(command, status, message):
    returned, out, err = shell(f'"$PYTHON" -m rag_demo {command}')
    assert (returned, out) == (status, "")
    assert message in err


def test_ctrl_c_while_the_command_line_is_imported(tmp_path):
    (tmp_path / "argparse.py").write_text("raise KeyboardInterrupt\n", encoding="utf-8")
    returned, _, err = shell('"$PYTHON" -m rag_demo chat', PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (returned, err) == (130, "")


def test_ctrl_c_while_the_command_is_imported(tmp_path):
    (tmp_path / "whoosh.py").write_text("raise KeyboardInterrupt\n", encoding="utf-8")
    returned, _, err = shell('"$PYTHON" -m rag_demo chat', PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    assert (returned, err) == (130, "")
