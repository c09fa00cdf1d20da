"""The side that holds the indexes: a small HTTP server on the loopback, for other processes of the same user."""

from __future__ import annotations

import contextlib
import hmac
import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from rag_demo.owner.record import OwnerRecord, claimed
from rag_demo.owner.wire import HOST, MAX_REQUEST_BYTES, Handler, Message, as_error, decode, encode

_log = logging.getLogger(__name__)
_IDLE_S = 30.0  # for a caller that says nothing


class Endpoint:
    """Answers the operations that it is given, each call in a thread of its own."""

    def __init__(self, handlers: Mapping[str, Handler], *, command: str, version: str) -> None:
        """Take the operations by name; ``command`` and ``version`` say who answers."""
        self._token = secrets.token_urlsafe(32)
        self._server = _Server((HOST, 0), _Request)
        self._server.handlers = dict(handlers)
        self._server.token = self._token
        self._command = command
        self._version = version

    @contextlib.contextmanager
    def serving(self, data_folder: Path) -> Iterator[OwnerRecord]:
        """Own a data folder and answer other processes until the way out.

        Raises:
            IndexBusy: another process owns it.
        """
        record = OwnerRecord(
            pid=os.getpid(),
            port=self._server.server_address[1],
            token=self._token,
            command=self._command,
            version=self._version,
        )
        thread = threading.Thread(target=self._server.serve_forever, name="rag-owner", daemon=True)
        try:
            with claimed(data_folder, record):
                thread.start()
                try:
                    yield record
                finally:
                    self._server.shutdown()
                    thread.join()
        finally:
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    handlers: dict[str, Handler]
    token: str
    block_on_close = True  # calls that have begun are finished before the indexes close
    daemon_threads = False


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = _IDLE_S

    def do_POST(self) -> None:  # the name that the library looks for
        """One operation."""
        given = self.headers.get("Authorization", "")
        handler = self.server.handlers.get(self.path.strip("/"))
        length = self.headers.get("Content-Length", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            self.send_error(HTTPStatus.UNAUTHORIZED)
        elif handler is None:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not length.isascii() or not length.isdigit() or int(length) > MAX_REQUEST_BYTES:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._answer(handler, self.rfile.read(int(length)))

    def _answer(self, handler: Handler, request: bytes) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        try:
            last: Message = {"result": handler(decode(request), self._send)}
        except Exception as error:  # noqa: BLE001  # whatever fails is the caller's to know
            last = as_error(error)
        with contextlib.suppress(OSError):
            self._send(last)

    def _send(self, message: Message) -> None:
        # The work goes on where the caller has left; it may be an update that others wait for.
        with contextlib.suppress(OSError):
            self.wfile.write(encode(message))
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as inherited
        """Nothing to standard error: that belongs to the command that runs here."""
        _log.debug(format, *args)
