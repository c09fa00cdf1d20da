"""A real HTTP server on loopback that replays scripted answers byte by byte, and two ways to write an answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import anyio

Step = bytes | Callable[["Exchange"], Awaitable[None]]


@dataclass
class Exchange:
    """One request as it came, and whether the client has hung up."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    client_gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Reply:
    """A status, headers, and steps: bytes become an HTTP chunk each, so the client sees exactly these borders."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False  # the connection is closed before the end of the body


def json_reply(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    return Reply([json.dumps(body).encode()], status, {"Content-Type": "application/json", **(headers or {})})


async def stall(exchange: Exchange) -> None:
    """Send nothing more until the client hangs up."""
    await exchange.client_gone.wait()


class ScriptedServer:
    """Answers each route with its replies in turn; the last one serves for all further requests."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.active = self.most_active = 0
        self.url = ""
        self._replies: dict[tuple[str, str], list[Reply]] = defaultdict(list)
        self._changed = asyncio.Condition()

    def on(self, route: str, *replies: Reply) -> None:
        method, path = route.split()
        self._replies[method, path] = list(replies)

    def requests(self, path: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.path == path]

    def exchanges_of_chat(self, wire: SseWire | NdjsonWire) -> list[Exchange]:
        return self.requests(wire.route.split()[1])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            with anyio.fail_after(20):
                await self._changed.wait_for(condition)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ScriptedServer]:
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            exchange = await _read_request(reader)
            self.exchanges.append(exchange)
            await self._count(+1)
            watcher = asyncio.create_task(self._watch(reader, exchange))
            try:
                await self._reply(exchange, writer)
            finally:
                watcher.cancel()
                await self._count(-1)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _reply(self, exchange: Exchange, writer: asyncio.StreamWriter) -> None:
        replies = self._replies[exchange.method, exchange.path]
        reply = (replies.pop(0) if len(replies) > 1 else replies[0]) if replies else json_reply("no route", status=404)
        headers = {"Transfer-Encoding": "chunked", "Connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for step in reply.steps:
            if isinstance(step, bytes):
                writer.write(f"{len(step):x}\r\n".encode() + step + b"\r\n")
                await writer.drain()
            else:
                await step(exchange)
        if not reply.is_cut:
            writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _watch(self, reader: asyncio.StreamReader, exchange: Exchange) -> None:
        with contextlib.suppress(ConnectionError):  # closed with something unread, the connection is reset
            while await reader.read(1024):
                pass
        exchange.client_gone.set()
        await self._count(0)

    async def _count(self, change: int) -> None:
        async with self._changed:
            self.active += change
            self.most_active = max(self.most_active, self.active)
            self._changed.notify_all()


async def _read_request(reader: asyncio.StreamReader) -> Exchange:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split()
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Exchange(method, path, headers, json.loads(body) if body else None)


class SseWire:
    """Writes what a server with an OpenAI-compatible interface sends."""

    route: ClassVar[str] = "POST /v1/chat/completions"
    headers: ClassVar[dict[str, str]] = {"Content-Type": "text/event-stream"}
    is_sse: ClassVar[bool] = True

    def started(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def text(self, text: str) -> bytes:
        return self._chunk({"content": text})

    def thinking(self, text: str) -> bytes:
        return self._chunk({"reasoning": text})

    def end(self, reason: str = "stop", *, usage: bool = True) -> bytes:
        told = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
        counts = self.data({**self._frame, "choices": [], "usage": told})
        return self._chunk({}, reason) + (counts if usage else b"") + b"data: [DONE]\n\n"

    def error(self, message: str) -> bytes:
        return self.data({"error": {"message": message, "type": "InternalServerError", "code": 500}})

    def refusal(self, status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
        error = {"message": message, "type": "error", "param": None, "code": status}
        return json_reply({"error": error}, status=status, headers=headers)

    def data(self, body: Any) -> bytes:
        return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()

    def _chunk(self, delta: dict[str, str], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": self._filled | delta, "logprobs": None, "finish_reason": reason}
        return self.data({**self._frame, "choices": [choice]})

    _frame: ClassVar[dict[str, Any]] = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "м",
        "system_fingerprint": "x",
    }
    _filled: ClassVar[dict[str, str]] = {}


class TgiWire(SseWire):
    """Writes what TGI sends: each delta names its role and has a text."""

    _filled: ClassVar[dict[str, str]] = {"role": "assistant", "content": ""}


class NdjsonWire:
    """Writes what Ollama sends."""

    route: ClassVar[str] = "POST /api/chat"
    headers: ClassVar[dict[str, str]] = {"Content-Type": "application/x-ndjson"}
    is_sse: ClassVar[bool] = False

    def started(self) -> bytes:
        return self.text("")

    def text(self, text: str) -> bytes:
        return self._line({"role": "assistant", "content": text})

    def thinking(self, text: str) -> bytes:
        return self._line({"role": "assistant", "content": "", "thinking": text})

    def end(self, reason: str = "stop", *, usage: bool = True) -> bytes:
        told = {
            "total_duration": 9_000_000_000,
            "load_duration": 2_000_000_000,
            "prompt_eval_count": 12,
            "prompt_eval_duration": 500_000_000,
            "eval_count": 3,
            "eval_duration": 1_500_000_000,
        }
        last = {"done": True, "done_reason": reason, **(told if usage else {})}
        return self._line({"role": "assistant", "content": ""}, **last)

    def error(self, message: str) -> bytes:
        return json.dumps({"error": message}).encode() + b"\n"

    def refusal(self, status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
        return json_reply({"error": message}, status=status, headers=headers)

    def _line(self, message: dict[str, str], **more: Any) -> bytes:
        line = {"model": "м", "created_at": "2026-11-21T12:00:00.5Z", "message": message, "done": False, **more}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"
