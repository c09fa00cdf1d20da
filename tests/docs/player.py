"""Plays the blocks of one page in their order: Python in one namespace, commands in bash, servers beside them."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import signal
import socket
import subprocess
import time
import types
import warnings
from pathlib import Path

from tests.docs.blocks import Block

_START_S = 120.0
_COMMAND_S = 120.0


class Player:
    """Runs blocks in ``folder``; ``printed`` is what the last one wrote to standard output."""

    def __init__(self, folder: Path) -> None:
        self.printed = ""
        self._folder = folder
        self._module = types.ModuleType("__main__")
        self._ports: dict[str, int] = {}
        self._servers: list[subprocess.Popen[bytes]] = []

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        for value in list(vars(self._module).values()):
            if type(value).__name__ in {"EmbeddingService", "HybridEmbeddings", "HybridEmbedding"}:
                value.close()
        for server in self._servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(timeout=30)

    def play(self, block: Block) -> None:
        """Run one block; raises AssertionError with its output if it fails."""
        if block.language == "python":
            self._python(block)
        elif block.mark == "background":
            self._background(block)
        else:
            self._bash(block)

    def _python(self, block: Block) -> None:
        # The lines of the page are those of the traceback.
        code = compile(
            "\n" * (block.line - 1) + self._with_ports(block.code),
            block.page,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        output = io.StringIO()
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of other libraries; ours are errors in all other tests
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(code, vars(self._module)))  # noqa: S307 - our own documentation
            else:
                exec(code, vars(self._module))  # noqa: S102 - our own documentation
        self.printed = output.getvalue()

    def _bash(self, block: Block) -> None:
        command = ["bash", "-euo", "pipefail", "-c", self._with_ports(block.code)]
        running = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            self.printed, errors = running.communicate(timeout=_COMMAND_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)  # with what it has started
            running.communicate()
            raise
        assert running.returncode == 0, f"{block.where}: status {running.returncode}\n{self.printed}\n{errors}"

    def _background(self, block: Block) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = self._ports[block.value] = free.getsockname()[1]
        command = re.split(r"\s+#", block.code.strip())[0]
        with (self._folder / f"server-{port}.log").open("wb") as log:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {command} --port {port}"],
                cwd=self._folder, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._servers.append(server)
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                return
            time.sleep(0.1)  # polls another process, which says nothing when it is ready
        raise AssertionError(f"{block.where}: no answer\n{(self._folder / f'server-{port}.log').read_text()}")

    def _with_ports(self, code: str) -> str:
        for written, actual in self._ports.items():
            code = re.sub(rf"(?<=127\.0\.0\.1:){written}\b", str(actual), code)
        return code
