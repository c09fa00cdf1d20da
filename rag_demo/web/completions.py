"""``/v1/chat/completions`` and ``/v1/models``: the chat for every program that speaks OpenAI's API."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rag_demo.chat.checking.citations import MARK, doubts
from rag_demo.chat.language import is_russian
from rag_demo.chat.session import MOST_TURNS, NEW, Conversation, Turn, stand_alone
from rag_demo.chat.stream import ChatEvent, Done, SourcesFound, TextDelta
from rag_demo.errors import RagDemoError
from rag_demo.index.ports import Where
from rag_demo.llm.tokens import estimate_tokens
from rag_demo.types import Answer
from rag_demo.web import schemas
from rag_demo.web.api import PAUSE, begun, scope, unless_gone, with_pauses
from rag_demo.web.guard import Refused, error_body
from rag_demo.web.openai_options import check_options
from rag_demo.web.shown import source
from rag_demo.web.site import Site

_log = logging.getLogger(__name__)
MODEL = "rag-demo"
_LONGEST = 100_000  # letters of one message
_MOST_DOUBTS = 100  # read of an answer that came back: each is looked for in all of it
_LOOKED_UP = 2  # «он» hardly ever stands for something further back; each costs a search


class Part(BaseModel):
    """A piece of a message. Only text is read; a question with anything else is refused."""

    type: str
    text: Annotated[str, Field(max_length=_LONGEST)] = ""


class ChatMessage(BaseModel):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=_LONGEST)] | Annotated[list[Part], Field(max_length=100)] | None = None

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""

    @property
    def other_than_text(self) -> str:
        """What it holds beside text."""
        parts = self.content if isinstance(self.content, list) else ()
        return ", ".join(sorted({part.type for part in parts if part.type != "text"}))


class StreamOptions(BaseModel):
    """What a stream carries."""

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """Body of ``POST /v1/chat/completions``. Options of the language model are those of the server."""

    model_config = ConfigDict(
        extra="allow",  # looked at by `check_options`
        json_schema_extra={
            "examples": [{"model": MODEL, "messages": [{"role": "user", "content": "Какие есть регистры накопления?"}]}]
        },
    )

    model: str = MODEL
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    rag: schemas.Scope = schemas.Scope()
    """Our own field: spaces, sorts of documents and kinds of objects to search in."""


def router(site: Site, embedding_models: Sequence[str]) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["OpenAI"])
    known = {
        name: {"id": name, "object": "model", "created": 0, "owned_by": "hybrid-embeddings"}
        for name in (MODEL, *embedding_models)
    }

    @routes.get("/v1/models")
    async def models() -> dict[str, Any]:
        """The chat and the embedding models."""
        return {"object": "list", "data": list(known.values())}

    @routes.get("/v1/models/{name}")
    async def model(name: Annotated[str, Path(examples=[MODEL])]) -> dict[str, Any]:
        """One of them: clients look whether it is there."""
        if name not in known:
            raise Refused(404, "model_not_found", f"There is no model {name[:80]!r}. Models: {', '.join(known)}.")
        return known[name]

    @routes.post("/v1/chat/completions", response_model=None)
    async def completions(body: CompletionRequest, request: Request) -> Response:
        """Answer the last message of the user; sources are in the field ``sources``.

        System messages are ignored: the rules of this chat are not up to its callers.
        """
        if body.model not in {MODEL, "default"}:
            raise Refused(404, "model_not_found", f"There is no model {body.model[:80]!r}. Models: {MODEL}.")
        check_options(body.model_extra or {})
        question, before = await asyncio.to_thread(_asked, body.messages)
        where = scope(request, site, body.rag)
        conversation = await _conversation(site, before, where)
        asked = site.chat(question, where=where, top_k=body.rag.top_k, conversation=conversation)
        chat = await begun(asked, request)
        told = _Told(f"chatcmpl-{uuid.uuid4().hex}", sum(estimate_tokens(message.text) for message in body.messages))
        if body.stream:
            with_usage = body.stream_options is not None and body.stream_options.include_usage
            return StreamingResponse(_chunks(chat, told, with_usage=with_usage), media_type="text/event-stream")
        return JSONResponse(told.whole(await unless_gone(request, _answered(chat))))

    return routes


def _asked(messages: Sequence[ChatMessage]) -> tuple[str, list[tuple[str, str]]]:
    """The question, and the questions before it with their answers."""
    spoken = [message for message in messages if message.role in {"user", "assistant"}]
    if spoken and spoken[-1].role == "user" and (other := spoken[-1].other_than_text):
        raise Refused(400, "messages", f"The question holds {other[:200]}, which is not read. Ask in words.")
    if not spoken or spoken[-1].role != "user" or not spoken[-1].text.strip():
        raise Refused(400, "messages", "The last message must be a question of the user.")
    question = spoken[-1].text.strip()
    if len(question) > schemas.LONGEST_QUESTION:
        raise Refused(400, "messages", f"The question has {len(question):,} letters, at most 2,000 are read.")
    before: list[tuple[str, str]] = []
    asked = ""
    for message in spoken[:-1]:
        if message.role == "user":
            asked = message.text.strip()
        elif asked:
            before.append((asked[: schemas.LONGEST_QUESTION], message.text))
            asked = ""
    return question, [(asked, _without_doubts(answer)) for asked, answer in before[-MOST_TURNS:]]


def _without_doubts(answer: str) -> str:
    """An answer of ours as it came back: what was marked is no part of the conversation."""
    kept, _, doubted = answer.partition(f"\n\n{MARK} «")
    lines = f"«{doubted}".split(f"\n{MARK} ", _MOST_DOUBTS) if doubted else []
    for line in lines[:_MOST_DOUBTS]:
        kept = kept.replace(line.removeprefix("«").rpartition("» — ")[0], "", 1)
    return kept.strip()


async def _answered(chat: contextlib.AbstractAsyncContextManager[AsyncIterator[ChatEvent]]) -> Answer:
    async with chat as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise Refused(503, "no_answer", "The answer ended before it was complete. Ask again.")


async def _conversation(site: Site, before: Sequence[tuple[str, str]], where: Where) -> Conversation:
    """What was said before. Clients of this API cannot tell what an answer was about, so the last are looked up."""
    conversation = NEW
    for number, (asked, answer) in enumerate(before, start=1):
        standalone = stand_alone(asked, conversation)
        looked_up = number > len(before) - _LOOKED_UP
        names = await site.names(standalone, answer, Where(where.space_ids)) if looked_up else ()
        conversation = conversation.with_turn(Turn(asked, standalone, answer, names))
    return conversation


class _Told:
    """One completion in the words of OpenAI's API."""

    def __init__(self, completion_id: str, prompt_tokens: int) -> None:
        self._head = {"id": completion_id, "created": int(time.time()), "model": MODEL}
        self._prompt_tokens = prompt_tokens

    def chunk(self, delta: dict[str, str], *, finish: str | None = None, **more: Any) -> dict[str, Any]:
        """A piece of a stream."""
        choices = [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]
        return {**self._head, "object": "chat.completion.chunk", "choices": choices, **more}

    def usage(self, text: str) -> dict[str, int]:
        """Estimated tokens of the messages and of the answer."""
        n_answer = estimate_tokens(text)
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": n_answer,
            "total_tokens": self._prompt_tokens + n_answer,
        }

    def whole(self, answer: Answer) -> dict[str, Any]:
        """A completion that is not streamed."""
        message = {"role": "assistant", "content": answer.text + _doubts(answer), "refusal": None}
        choices = [{"index": 0, "message": message, "finish_reason": _finish(answer), "logprobs": None}]
        return {
            **self._head,
            "object": "chat.completion",
            "choices": choices,
            "usage": self.usage(answer.text),
            "sources": [source(one.n, one.hit).model_dump() for one in answer.sources],
        }


def _doubts(answer: Answer) -> str:
    """What the check found, behind the answer: these clients show nothing but text."""
    found = doubts(answer.text, answer.marks, russian=is_russian(answer.standalone or answer.question))
    return f"\n\n{found}" if found else ""


def _finish(answer: Answer) -> str:
    return "length" if "cut" in answer.degraded else "stop"


async def _chunks(
    chat: contextlib.AbstractAsyncContextManager[AsyncIterator[ChatEvent]], told: _Told, *, with_usage: bool
) -> AsyncIterator[str]:
    yield _line(told.chunk({"role": "assistant", "content": ""}))
    try:
        async with chat as events:
            async for event in with_pauses(events):
                if event is None:
                    yield PAUSE
                elif isinstance(event, SourcesFound):
                    shown = [source(one.n, one.hit).model_dump() for one in event.sources]
                    yield _line(told.chunk({}, sources=shown))
                elif isinstance(event, TextDelta):
                    yield _line(told.chunk({"content": event.text}))
                elif isinstance(event, Done):
                    if found := _doubts(event.answer):
                        yield _line(told.chunk({"content": found}))
                    yield _line(told.chunk({}, finish=_finish(event.answer)))
                    if with_usage:
                        yield _line({**told.chunk({}), "choices": [], "usage": told.usage(event.answer.text)})
    except RagDemoError as error:
        yield _line(error_body(type(error).__name__, str(error)))
    except Exception:  # noqa: BLE001 - the stream has begun: this is the only way to tell
        _log.exception("an answer failed")
        yield _line(error_body("internal", "Internal error; see the log of the server."))
    yield "data: [DONE]\n\n"


def _line(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
