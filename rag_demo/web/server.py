"""``rag-demo serve`` and ``rag-demo mcp``: the process that holds the indexes, behind uvicorn or standard streams."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial

import numpy as np

try:
    import uvicorn
except ModuleNotFoundError as error:
    from hybrid_embeddings.errors import MissingDependencyError

    raise MissingDependencyError('The web server is missing: pip install "hybrid-embeddings[web]"') from error
from starlette.types import ASGIApp, Receive, Scope, Send

from hybrid_embeddings import EmbeddingService
from rag_demo.library import Library
from rag_demo.ports import Vectors
from rag_demo.settings import Settings, read_settings
from rag_demo.web.access import ANYBODY, Caller, RateLimit, parse_keys
from rag_demo.web.app import Scrape, create_app
from rag_demo.web.guard import Limits
from rag_demo.web.site import Site
from rag_demo.web.tools import build_tools, http_app
from rag_demo.work import check_workers, holding, version, visiting

_log = logging.getLogger(__name__)
_TOOLS = "/mcp"
_LAST_WORDS_S = 10  # for answers that are being streamed when the server is ended
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
        # One text alone is a question as a rule: somebody waits, and such texts of many callers share a batch.
        asked = texts[0] if len(texts) == 1 else texts
        vectors, report = await self._service.aencode(asked, return_report=True)
        return np.atleast_2d(vectors), report.n_tokens


def serve(settings: Settings, *, host: str, port: int, workers: int = 1) -> None:
    """Answer over HTTP until the user ends it.

    Args:
        settings: where the indexes are, keys, limits.
        host: address to listen on.
        port: port to listen on.
        workers: processes that answer; one that dies is replaced if there are several.

    Raises:
        InputError: an option cannot be used, or the address is taken.
        IndexBusy: another process holds the indexes.
    """
    check_workers(workers, settings)
    if not parse_keys(settings.api_keys) and host not in {"127.0.0.1", "localhost", "::1"}:
        _log.warning("Everybody who reaches %s may ask. Set RAG_API_KEYS.", host)
    run = partial(uvicorn.run, host=host, port=port, log_level="warning", server_header=False)
    if workers > 1:
        with _shared_metrics():
            run(f"{__name__}:worker", factory=True, workers=workers, timeout_graceful_shutdown=_LAST_WORDS_S)
        return
    with _opened(settings) as (library, service):
        run(build(library, service, settings), timeout_graceful_shutdown=_LAST_WORDS_S)


def worker() -> ASGIApp:
    """One of several processes behind one address. It reads the settings anew: uvicorn only hands over a name."""
    settings = read_settings()
    opened = contextlib.ExitStack()
    library, service = opened.enter_context(_opened(settings))
    return build(library, service, settings, at_end=opened.close)


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Library, EmbeddingService]]:
    with holding(settings, command="rag-demo serve") as library, EmbeddingService() as service:
        yield library, service


@contextlib.contextmanager
def _shared_metrics() -> Iterator[None]:
    """Workers add up their metrics in a folder: whichever is asked speaks for all."""
    name = "PROMETHEUS_MULTIPROC_DIR"
    if name in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="rag-demo-metrics-") as folder:
        os.environ[name] = folder  # the workers inherit it; this process measures nothing
        try:
            yield
        finally:
            del os.environ[name]


def _nothing() -> None:
    pass


def build(
    library: Library, service: EmbeddingService, settings: Settings, *, at_end: Callable[[], None] = _nothing
) -> ASGIApp:
    """Put the application together; ``at_end`` is called when it ends.

    Raises:
        InputError: the keys cannot be used.
    """
    limits = Limits(
        keys=parse_keys(settings.api_keys),
        rate=RateLimit(settings.requests_per_minute, clock=time.monotonic),
        requests=settings.requests_at_once,
        hosts=tuple(filter(None, (name.strip() for name in settings.hosts.split(",")))),
    )
    site = Site(library, settings)
    tools, running = http_app(build_tools(site, lambda: _permitted(site, _caller.get()), version=version()))
    embedder = ServiceEmbedder(service)

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        with contextlib.ExitStack() as ending:
            ending.callback(at_end)
            async with running():
                warming = asyncio.create_task(site.ready())  # models are loaded before the first question
                ending.callback(warming.cancel)
                yield

    app = create_app(
        site,
        {embedder.model_name: embedder},
        limits=limits,
        scrape=_scrape(library, service, settings),
        events=library.events,
        lifespan=lifespan,
    )
    app.mount(_TOOLS, _with_caller(tools))
    app.add_middleware(_with_slash)
    return app


def serve_tools(settings: Settings) -> None:
    """Offer the tools over standard input and output, to a program that started this one."""
    with visiting(settings) as library:
        site = Site(library, settings)
        build_tools(site, lambda: _permitted(site, ANYBODY), version=version()).run("stdio")


def _permitted(site: Site, caller: Caller) -> Sequence[str]:
    return caller.allowed([], [manifest.space_id for manifest in site.spaces()])


def _with_caller(app: ASGIApp) -> ASGIApp:
    """Let the tools know who asks."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        _caller.set(scope["state"]["caller"])
        await app(scope, receive, send)

    return called


def _with_slash(app: ASGIApp) -> ASGIApp:
    """Let the tools be asked under both spellings of their address: not every agent follows a redirection."""

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == _TOOLS:
            scope = {**scope, "path": f"{_TOOLS}/", "raw_path": f"{_TOOLS}/".encode()}
        await app(scope, receive, send)

    return called


def _scrape(library: Library, service: EmbeddingService, settings: Settings) -> Scrape:
    from rag_demo.observability.scrape import open_scrape

    return open_scrape(library, service, settings.data_path)
