"""The server as tests use it: an application behind a real uvicorn, and the whole program as a process."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import read_settings
from rag_demo.testing import WordEmbedder


class _Server(uvicorn.Server):
    """Tells when it is there, or that it never will be."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = threading.Event()

    async def startup(self, sockets=None) -> None:
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()

    def run(self, sockets=None) -> None:
        try:
            super().run(sockets)
        finally:
            self.settled.set()


@contextlib.contextmanager
def running(app) -> Iterator[str]:
    """The address of a server of ``app``, on a thread of its own; without a slash at the end."""
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=5))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert server.settled.wait(60)
        assert server.started
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)


# The real program, but for the model of the questions: loading one takes seconds at every start.
_PROGRAM = """
import sys
from rag_demo import wiring
from rag_demo.testing import WordEmbedder
wiring.build_embedder = lambda *_: WordEmbedder()
from rag_demo.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""


class Served:
    """``rag-demo serve`` as a process that can be killed and started again at the same address."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.script = folder / "программа.py"
        self.script.write_text(_PROGRAM, encoding="utf-8")
        self.environment = {
            **os.environ,
            "RAG_MODEL": "слова",
            "RAG_DATA_DIR": str(folder / "данные"),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            **environment,
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the same user, to its end."""
        command = [sys.executable, str(self.script), *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=self.folder, check=True, capture_output=True, text=True, timeout=120
        )

    def index(self, dump: Path) -> None:
        """Make its index here: a process for that would cost seconds."""
        settings = read_settings(self.environment)
        with pytest.MonkeyPatch.context() as patched, contextlib.closing(Library(settings)) as library:
            patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
            library.index(dump, "дом", progress=lambda *_: None)

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, str(self.script), "serve", "--port", str(self.port), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=self.folder, stdout=log, stderr=log)
        self.until(lambda: httpx.get(f"{self.url}/health/live", timeout=5).status_code == 200)

    def until(self, is_so: Callable[[], bool], *, within_s: float = 60.0) -> None:
        """Ask again and again until something is so; a server that does not answer says no."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            with contextlib.suppress(httpx.TransportError):
                if is_so():
                    return
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(self.log())

    def log(self) -> str:
        """What the server printed."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def kill(self) -> None:
        """End it without a good-bye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def close(self) -> None:
        """End it as a user does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
