"""``rag-demo serve`` and ``rag-demo mcp``: the process that holds the indexes, behind uvicorn or standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hybrid_embeddings import EmbeddingService
from rag_demo.errors import InputError
from rag_demo.library import Library
from rag_demo.owner import Endpoint, find_owner
from rag_demo.ports import Vectors
from rag_demo.settings import Settings
from rag_demo.web.access import ANYBODY, Caller, RateLimit, parse_keys
from rag_demo.web.app import Scrape, create_app
from rag_demo.web.guard import Limits
from rag_demo.web.site import Site
from rag_demo.web.tools import build_tools, http_app
from rag_demo.work import Here, handlers, version

_log = logging.getLogger(__name__)
_caller: contextvars.ContextVar[Caller] = contextvars.ContextVar("caller")  # unset: a tool must not answer


class ServiceEmbedder:
    """The embedding service of the engine for `/v1/embeddings`."""

    def __init__(self, service: EmbeddingService) -> None:
        self._service = service

    @property
    def model_name(self) -> str:
        """See `embeddings.Embedder`."""
        return self._service.model_name.replace("\\", "/").rpartition("/")[2]

    @property
    def dimension(self) -> int:
        """See `embeddings.Embedder`."""
        return self._service.dimension

    async def embed(self, texts: list[str]) -> tuple[Vectors, int]:
        """See `embeddings.Embedder`."""
        vectors, report = await self._service.aencode(texts, return_report=True)
        return vectors, report.n_tokens


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Answer over HTTP until the user ends it.

    Raises:
        InputError: an option cannot be used, or the address is taken.
        IndexBusy: another process holds the indexes.
    """
    if find_owner(settings.data_path) is not None:
        raise InputError(
            f"Another process holds the indexes of {settings.data_path} (rag-demo watch or serve). End it first."
        )
    with contextlib.ExitStack() as opened:
        library = opened.enter_context(contextlib.closing(Library(settings)))
        opened.enter_context(_owned(library, settings, command="serve"))
        service = opened.enter_context(contextlib.closing(EmbeddingService()))
        app = build(library, service, settings, host=host)
        uvicorn.run(app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=10)


def build(library: Library, service: EmbeddingService, settings: Settings, *, host: str) -> ASGIApp:
    """Put the application together.

    Raises:
        InputError: the keys cannot be used, or the address is public without keys.
    """
    keys = parse_keys(settings.api_keys)
    if not keys and host not in {"127.0.0.1", "localhost", "::1"}:
        _log.warning("Everybody who reaches %s may ask. Set RAG_API_KEYS.", host)
    limits = Limits(
        keys=keys,
        rate=RateLimit(settings.requests_per_minute, clock=time.monotonic),
        hosts=tuple(filter(None, (name.strip() for name in settings.hosts.split(",")))),
    )
    site = Site(library, settings)
    tools, running = http_app(build_tools(site, lambda: _permitted(site, _caller.get()), version=version()))
    embedder = ServiceEmbedder(service)

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with running():
            warming = asyncio.create_task(site.ready())  # models are loaded before the first question
            yield
            warming.cancel()

    app = create_app(
        site,
        {embedder.model_name: embedder},
        limits=limits,
        scrape=_scrape(library, service, settings),
        events=library.events,
        lifespan=lifespan,
    )
    app.mount("/mcp", _with_caller(tools))
    return app


def serve_tools(settings: Settings) -> None:
    """Offer the tools over standard input and output, to a program that started this one."""
    with contextlib.ExitStack() as opened:
        library = opened.enter_context(contextlib.closing(Library(settings)))
        site = Site(library, settings)
        build_tools(site, lambda: _permitted(site, ANYBODY), version=version()).run("stdio")


@contextlib.contextmanager
def _owned(library: Library, settings: Settings, *, command: str) -> Iterator[None]:
    with Endpoint(handlers(Here(library)), command=command, version=version()).serving(settings.data_path):
        yield


def _permitted(site: Site, caller: Caller) -> Sequence[str]:
    return caller.allowed([], [manifest.space_id for manifest in site.spaces()])


def _with_caller(app: ASGIApp) -> ASGIApp:
    """Let the tools know who asks."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        _caller.set(scope["state"]["caller"])
        await app(scope, receive, send)

    return called


def _scrape(library: Library, service: EmbeddingService, settings: Settings) -> Scrape:
    from rag_demo.observability.scrape import open_scrape

    return open_scrape(library, service, settings.data_path)
