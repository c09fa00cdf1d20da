"""The HTTP interface of the page: ask, search, look up, read sources."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse

from rag_demo.chat.answer import turn_of
from rag_demo.chat.checking.citations import reasons
from rag_demo.chat.language import is_russian
from rag_demo.chat.session import NEW, Conversation, Turn
from rag_demo.chat.stream import ChatEvent, Done, SourcesFound, StandAlone, TextDelta, ThinkingDelta, Verified
from rag_demo.errors import IndexMissing, RagDemoError
from rag_demo.index.ports import Where
from rag_demo.retrieve.kinds import kind_called
from rag_demo.web import schemas
from rag_demo.web.access import Caller
from rag_demo.web.guard import Refused
from rag_demo.web.shown import source
from rag_demo.web.site import MOST_LINES, NOTHING, Site

Result = TypeVar("Result")
_log = logging.getLogger(__name__)
PAUSE = ": \n\n"  # a comment of server-sent events
_PAUSE_S = 15.0  # a comment now and then keeps proxies from closing a stream that waits for the model
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.ErrorOut} for status in (400, 401, 403, 404, 413, 421, 429, 503)
}


def router(site: Site) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(responses=_ERRORS)

    @routes.post("/chat", tags=["chat"], response_class=StreamingResponse)
    async def chat(body: schemas.ChatRequest, request: Request) -> StreamingResponse:
        """Answer a question as server-sent events.

        ``standalone`` (the question as it is searched for), ``sources``, ``thinking``, ``delta``, ``verified`` (the
        whole text with marks where a sentence is not borne out by its source), ``done``, or ``error``.
        """
        where = scope(request, site, body)
        conversation = conversation_of(body.history)
        asked = site.chat(body.question, where=where, top_k=body.top_k, conversation=conversation)
        events = await begun(asked, request)
        return StreamingResponse(_sent(events), media_type="text/event-stream", headers={"cache-control": "no-store"})

    @routes.post("/search", tags=["search"])
    async def search(body: schemas.SearchRequest, request: Request) -> schemas.SearchOut:
        """The best documents for a question, each with its rank and score in every search leg."""
        found = await site.search(body.question, where=scope(request, site, body), limit=body.top_k)
        hits = [
            schemas.HitOut(
                **source(n, hit).model_dump(),
                score=hit.score,
                legs={leg: schemas.LegOut(rank=rank.rank, score=rank.score) for leg, rank in hit.legs.items()},
            )
            for n, hit in enumerate(found.hits, start=1)
        ]
        return schemas.SearchOut(hits=hits, degraded=list(found.degraded), timings_ms=found.timings_ms)

    @routes.get("/objects/{full_name:path}", tags=["search"])
    async def objects(
        full_name: Annotated[str, Path(examples=["Справочник.Валюты"])],
        request: Request,
        spaces: Annotated[tuple[schemas.SpaceName, ...], Query(max_length=50)] = (),
    ) -> schemas.ObjectOut:
        """A metadata object under any of its names: ``Catalog.Валюты``, ``Справочники.Валюты``, ``Валюты``."""
        found = await site.describe(full_name[:500], permitted(request, site, spaces))
        if found is None:
            raise Refused(404, "unknown_object", f"There is no object {full_name[:100]!r}.")
        return found

    @routes.get("/source", tags=["search"])
    async def lines(
        request: Request,
        space: Annotated[schemas.SpaceName, Query(examples=["demo"])],
        path: Annotated[str, Query(min_length=1, max_length=1000, examples=["CommonModules/Цены/Ext/Module.bsl"])],
        start: Annotated[int, Query(ge=1, le=10_000_000)] = 1,
        end: Annotated[int, Query(ge=1, le=10_000_000)] = 200,
    ) -> schemas.LinesOut:
        """Lines of an indexed file, a few around them included. Nothing that is not indexed can be read."""
        permitted(request, site, [space])
        if end < start or end - start >= MOST_LINES:
            raise Refused(400, "lines", f"end must be at least start and at most {MOST_LINES} lines behind it.")
        found = await site.lines(space, path, start, end)
        if found is None:
            raise Refused(404, "unknown_file", "This file is not indexed.")
        return found

    @routes.get("/spaces", tags=["about"])
    async def spaces(request: Request) -> list[schemas.SpaceOut]:
        """The indexed configurations."""
        return (await site.about(permitted(request, site, []))).spaces

    @routes.get("/about", tags=["about"])
    async def about(request: Request) -> schemas.AboutOut:
        """What the system knows about itself."""
        return await site.about(permitted(request, site, []))

    return routes


def permitted(request: Request, site: Site, spaces: Sequence[str]) -> tuple[str, ...]:
    """The spaces that the caller may see, or those of them that he asked for.

    Raises:
        Refused: he asked for another.
    """
    caller = cast("Caller", request.scope["state"]["caller"])
    try:
        return caller.allowed(spaces, [manifest.space_id for manifest in site.spaces()])
    except PermissionError as error:
        raise Refused(404, "unknown_space", str(error)) from error


def scope(request: Request, site: Site, body: schemas.Scope) -> Where:
    """Where a caller may search.

    Raises:
        Refused: he asked for a space that is not his.
        InputError: there is no such kind of objects.
        IndexMissing: nothing is indexed for him.
    """
    spaces = permitted(request, site, body.spaces)
    if not spaces:
        raise IndexMissing(NOTHING)
    return Where(spaces, tuple(body.doc_types), tuple(map(kind_called, body.kinds)))


def conversation_of(history: Sequence[schemas.SaidBefore]) -> Conversation:
    """The conversation that a client remembers."""
    conversation = NEW
    for said in history:
        turn = Turn(said.question, said.standalone or said.question, said.answer, tuple(said.names))
        conversation = conversation.with_turn(turn)
    return conversation


@contextlib.asynccontextmanager
async def _opened(
    first: ChatEvent, events: AsyncGenerator[ChatEvent, None], stack: contextlib.AsyncExitStack
) -> AsyncIterator[AsyncIterator[ChatEvent]]:
    async def all_events() -> AsyncIterator[ChatEvent]:
        yield first
        async for event in events:
            yield event

    async with stack:
        yield all_events()


async def begun(
    chat: contextlib.AbstractAsyncContextManager[AsyncGenerator[ChatEvent, None]], request: Request
) -> contextlib.AbstractAsyncContextManager[AsyncIterator[ChatEvent]]:
    """Wait for the first event, so that overload and errors get a status of their own.

    Raises:
        Refused: the client has gone.
        RagDemoError: the system is overloaded, or the question cannot be answered.
    """
    stack = contextlib.AsyncExitStack()
    try:
        events = await stack.enter_async_context(chat)
        first = await unless_gone(request, anext(events))
    except BaseException:
        await stack.aclose()
        raise
    return _opened(first, events, stack)


async def unless_gone(request: Request, work: Awaitable[Result]) -> Result:
    """The result of some work, which is cancelled where the client hangs up: nobody would hear of it.

    Raises:
        Refused: the client has gone.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Refused(499, "client_gone", "The client has hung up.")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _sent(chat: contextlib.AbstractAsyncContextManager[AsyncIterator[ChatEvent]]) -> AsyncIterator[str]:
    try:
        async with chat as events:
            async for event in with_pauses(events):
                yield PAUSE if event is None else _as_text(event)
    except RagDemoError as error:
        yield _message("error", {"code": type(error).__name__, "message": str(error)})
    except Exception:  # noqa: BLE001 - the stream has begun: this is the only way to tell
        _log.exception("an answer failed")
        yield _message("error", {"code": "internal", "message": "Internal error; see the log of the server."})


async def with_pauses(events: AsyncIterator[ChatEvent]) -> AsyncIterator[ChatEvent | None]:
    """The events, and None whenever none came for a while."""
    waiting: asyncio.Task[ChatEvent] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({waiting}, timeout=_PAUSE_S)
            if not done:
                yield None
                continue
            task, waiting = waiting, None
            try:
                yield task.result()
            except StopAsyncIteration:
                return
    finally:
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration, RagDemoError):
                await waiting


def _as_text(event: ChatEvent) -> str:
    if isinstance(event, StandAlone):
        return _message("standalone", {"text": event.text})
    if isinstance(event, SourcesFound):
        shown = [source(one.n, one.hit).model_dump() for one in event.sources]
        return _message("sources", {"sources": shown, "names": [one["full_name"] for one in shown]})
    if isinstance(event, ThinkingDelta):
        return _message("thinking", {"text": event.text})
    if isinstance(event, TextDelta):
        return _message("delta", {"text": event.text})
    if isinstance(event, Verified):
        russian = is_russian(event.text)
        marks = [
            {
                "start": _utf16(event.text, mark.start),
                "end": _utf16(event.text, mark.end),
                "reason": reasons(mark, russian=russian),
            }
            for mark in event.marks
        ]
        return _message("verified", {"text": event.text, "marks": marks})
    return _message("done", _done(event))


def _utf16(text: str, offset: int) -> int:
    """An offset as JavaScript counts: letters beyond the basic plane are two."""
    return offset + sum(ord(letter) > 0xFFFF for letter in text[:offset])


def _done(event: Done) -> dict[str, Any]:
    answer = event.answer
    turn = turn_of(answer)
    return {
        "answer": answer.text,
        "standalone": turn.standalone,
        "names": list(turn.names),
        "sources": [source(one.n, one.hit).model_dump() for one in answer.sources],
        "refused": answer.refused,
        "cached_s": answer.cached_s,
        "backend": answer.backend,
        "degraded": list(answer.degraded),
        "total_ms": answer.timings_ms.get("total"),
        "timings_ms": answer.timings_ms,
    }


def _message(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
