"""What every request passes before it is looked at: host, origin, key, rate, size; and the headers of every answer."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag_demo.events import Events, RequestFinished
from rag_demo.web.access import Keys, RateLimit, host_is_ours, origin_is_ours

# Nothing from outside, no inline script, no frame around the page.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
# The page itself has no secret; probes have no key.
_PROBES = "/health/"
_OPEN = ("/", "/static/", _PROBES)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the guard allows."""

    keys: Keys
    rate: RateLimit
    hosts: tuple[str, ...] = ()
    body_bytes: int = 1_000_000
    body_s: float = 30.0  # a client that sends slower than this holds a place for nothing
    requests: int = 256  # that are answered at once


class Refused(Exception):
    """A request that is not let through."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


class Guard:
    """ASGI middleware. Puts the caller into ``scope["state"]["caller"]``."""

    def __init__(self, app: ASGIApp, *, limits: Limits, events: Events) -> None:
        self._app = app
        self._limits = limits
        self._events = events
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request and hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0  # of the answer, once it has begun
        started_s = time.perf_counter()

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            self._running += 1
            self._check(scope)
            await self._app(scope, await self._body(receive) if scope["method"] == "POST" else receive, guarded)
        except Refused as refused:
            if status:
                raise
            await _answer(refused, guarded)
        finally:
            self._running -= 1
            if self._events:
                elapsed_ms = 1000 * (time.perf_counter() - started_s)
                self._events.emit(RequestFinished(_route(scope), status or 500, elapsed_ms))

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if not host_is_ours(headers.get("host"), self._limits.hosts):
            raise Refused(421, "unknown_host", "This server does not answer under that name; see RAG_HOSTS.")
        if not origin_is_ours(headers.get("origin"), headers.get("host")):
            raise Refused(403, "foreign_origin", "Pages of other sites may not call this server.")
        if self._running > self._limits.requests and not scope["path"].startswith(_PROBES):
            raise Refused(503, "overloaded", "Too many requests at once. Try again in 1 s.", {"retry-after": "1"})
        caller = self._limits.keys.caller(_key(headers))
        path = scope["path"]
        if caller is None and not (path in _OPEN or path.startswith(_OPEN[1:])):
            raise Refused(
                401,
                "invalid_api_key",
                "Send a key of this server: Authorization: Bearer KEY.",
                {"www-authenticate": "Bearer"},
            )
        scope.setdefault("state", {})["caller"] = caller
        if scope["method"] == "POST":
            client = caller.name if caller is not None and self._limits.keys else (scope.get("client") or ["?"])[0]
            if wait_s := self._limits.rate.wait_s(client):
                seconds = str(math.ceil(wait_s))
                raise Refused(
                    429, "rate_limit", f"Too many requests. Try again in {seconds} s.", {"retry-after": seconds}
                )
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > self._limits.body_bytes:
            raise self._too_large()

    async def _body(self, receive: Receive) -> Receive:
        try:
            with anyio.fail_after(self._limits.body_s):
                return await self._read(receive)
        except TimeoutError:
            raise Refused(408, "body_too_slow", f"The request took more than {self._limits.body_s:g} s.") from None

    async def _read(self, receive: Receive) -> Receive:
        """Read the body as far as it may go, and give it on as one message; what comes after it is passed on."""
        body = bytearray()
        message: Message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                raise self._too_large()
        waiting: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]
        if message["type"] != "http.request":
            waiting = [message]  # the client has gone

        async def given() -> Message:
            return waiting.pop() if waiting else await receive()

        return given

    def _too_large(self) -> Refused:
        return Refused(413, "body_too_large", f"The request is larger than {self._limits.body_bytes:,} bytes.")


def _route(scope: Scope) -> str:
    """The template of the route: few values, and none that a caller makes up."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) and path else "other"


def _key(headers: Headers) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    found = key.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")
    # Headers are read as Latin-1; a key may be any text.
    return None if found is None else found.encode("latin-1").decode(errors="replace")


async def _answer(refused: Refused, send: Send) -> None:
    body = json.dumps(error_body(refused.code, str(refused)), ensure_ascii=False).encode()
    headers = {"content-type": "application/json; charset=utf-8", "content-length": str(len(body)), **refused.headers}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def error_body(code: str, message: str) -> dict[str, dict[str, str | None]]:
    """An error in the form that clients of OpenAI's API understand."""
    return {"error": {"message": message, "type": code, "code": code, "param": None}}
