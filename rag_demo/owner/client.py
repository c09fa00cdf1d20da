"""The side that hands its work over."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rag_demo.errors import IndexBusy
from rag_demo.owner.record import OwnerRecord, read_record
from rag_demo.owner.wire import HOST, PROTOCOL, Message, decode, raise_error

_CONNECT_S = 5.0


class Owner:
    """The process that holds the indexes, as another one sees it."""

    def __init__(self, record: OwnerRecord) -> None:
        self._record = record

    def __repr__(self) -> str:
        return f"{self._record.command} (process {self._record.pid})"

    def call(
        self, operation: str, arguments: Message, *, on_message: Callable[[Message], None] = lambda _: None
    ) -> Message:
        """Let the owner do something; takes as long as it takes there.

        Args:
            operation: its name.
            arguments: plain values.
            on_message: told of each message before the result.

        Raises:
            RagDemoError: of the class that was raised there.
            IndexBusy: the owner has ended meanwhile, or is of another version.
        """
        record = self._record
        if record.protocol != PROTOCOL:
            raise IndexBusy(
                f"{self!r} of version {record.version} holds the indexes, and this program is of another version. "
                "End it, and start it again if it is needed."
            )
        try:
            with contextlib.closing(http.client.HTTPConnection(HOST, record.port, timeout=_CONNECT_S)) as connection:
                connection.connect()
                connection.sock.settimeout(None)  # building an index takes minutes, and nothing may be said meanwhile
                headers = {"Authorization": f"Bearer {record.token}", "Content-Type": "application/json"}
                connection.request("POST", f"/{operation}", json.dumps(arguments).encode(), headers)
                return self._result(connection.getresponse(), on_message)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise IndexBusy(f"{self!r} held the indexes and does not answer: {error}. Try again.") from error

    def _result(self, response: http.client.HTTPResponse, on_message: Callable[[Message], None]) -> Message:
        if response.status != http.client.OK:
            raise http.client.HTTPException(f"{response.status} {response.reason}")
        for line in response:
            message = decode(line)
            if "error" in message:
                raise_error(message["error"])
            if "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            on_message(message)
        raise http.client.IncompleteRead(b"")


def find_owner(data_folder: Path) -> Owner | None:
    """The process that holds the indexes of a data folder, or None."""
    record = read_record(data_folder)
    return Owner(record) if record else None
