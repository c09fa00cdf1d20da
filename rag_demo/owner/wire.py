"""What goes over the wire: HTTP on the loopback, one POST per operation, one JSON object per line of the answer.

POST /<operation>            Authorization: Bearer <token of the owner's file>
{"argument": …}

{"progress": ["words", 512, 1024]}      any number of them
{"result": {…}}  or  {"error": {"type": "InputError", "message": "…"}}      the last line
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from rag_demo import errors

# Raised when an older program could not talk to a newer one.
PROTOCOL = 2
MAX_REQUEST_BYTES = 1024 * 1024
HOST = "127.0.0.1"
Message = dict[str, Any]
# Told of each message on the way to the result.
Send = Callable[[Message], None]
# One operation: arguments → result. What it raises goes to the caller.
Handler = Callable[[Mapping[str, Any], Send], Message]


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps(message, ensure_ascii=False).encode("utf-8", errors="surrogatepass") + b"\n"


def decode(line: bytes) -> Message:
    """The message of a line.

    Raises:
        ValueError: it is none.
    """
    message = json.loads(line.decode("utf-8", errors="surrogatepass"))
    if not isinstance(message, dict):
        raise ValueError("A message is a JSON object.")  # noqa: TRY004  # one error for all that is no message
    return message


def as_error(error: Exception) -> Message:
    """What is told of an error: its class by name where the other side knows it too."""
    known = isinstance(error, errors.RagDemoError)
    message = str(error) if known else f"{type(error).__name__}: {error}"
    return {"error": {"type": type(error).__name__ if known else "RagDemoError", "message": message}}


def raise_error(told: Mapping[str, Any]) -> None:
    """Raise the error that the owner told of."""
    kind, message = getattr(errors, str(told.get("type")), None), str(told.get("message"))
    if isinstance(kind, type) and issubclass(kind, errors.RagDemoError):
        raise kind(message)
    raise errors.RagDemoError(message)
