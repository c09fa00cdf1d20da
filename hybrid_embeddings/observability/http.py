"""A small server for those who scrape and probe: ``/metrics``, ``/health/live``, ``/health/ready``."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Scrape = Callable[[], tuple[bytes, str]]
Ready = Callable[[], Mapping[str, Any]]
_JSON = "application/json; charset=utf-8"
_log = logging.getLogger("hybrid_embeddings")


class MetricsServer:
    """Answers on its own threads until it is closed."""

    def __init__(self, scrape: Scrape, ready: Ready, *, host: str = "127.0.0.1", port: int = 9109) -> None:
        """Listen.

        Args:
            scrape: gives the body and the content type of ``/metrics``.
            ready: gives the health of ``/health/ready``; its ``status`` "unhealthy" is answered with 503.
            host: address to listen on.
            port: 0 takes a free one, see :attr:`port`.

        Raises:
            OSError: the address is in use, or not one of this machine.
        """
        self._server = _Server((host, port), _handler(scrape, ready))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="hybrid-embeddings-metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening. May be called twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _handler(scrape: Scrape, ready: Ready) -> type[BaseHTTPRequestHandler]:
    pages: dict[str, Callable[[], tuple[HTTPStatus, bytes, str]]] = {
        "/metrics": lambda: (HTTPStatus.OK, *scrape()),
        "/health/live": lambda: (HTTPStatus.OK, b'{"status": "alive"}', _JSON),
        "/health/ready": lambda: _readiness(ready()),
    }

    class Handler(BaseHTTPRequestHandler):
        """One request."""

        server_version = "hybrid-embeddings"
        sys_version = ""
        timeout = 30  # seconds: a client that sends nothing must not hold a thread

        def do_GET(self) -> None:
            page = pages.get(urlsplit(self.path).path)
            if page is None:
                self._answer(HTTPStatus.NOT_FOUND, f"there are {', '.join(pages)}\n".encode(), "text/plain")
                return
            try:
                answer = page()
            except Exception:  # noqa: BLE001 - a server goes on
                # What failed may name a path or a text: it goes to the log, not over the network.
                _log.exception("%s failed", urlsplit(self.path).path)
                answer = HTTPStatus.INTERNAL_SERVER_ERROR, b"see the log\n", "text/plain"
            with suppress(ConnectionError):  # who asked has gone
                self._answer(*answer)

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
            _log.debug("metrics server: " + format, *args)

    return Handler


def _readiness(health: Mapping[str, Any]) -> tuple[HTTPStatus, bytes, str]:
    is_ready = health["status"] != "unhealthy"
    status = HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE
    return status, json.dumps(health, ensure_ascii=False).encode(), _JSON
