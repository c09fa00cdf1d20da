"""An application behind a real uvicorn on loopback."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import uvicorn


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
