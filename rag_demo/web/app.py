"""The application: everything behind one guard, errors in one form."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from hybrid_embeddings import HybridEmbeddingsError
from rag_demo.events import Events
from rag_demo.web import api, completions, embeddings, failures
from rag_demo.web.guard import Guard, Limits
from rag_demo.web.site import Site

_PROBE_S = 3.0  # whoever probes waits no longer; a model that is still loading is not ready
_STATIC = Path(__file__).parent / "static"
_log = logging.getLogger(__name__)
Scrape = Callable[[], tuple[bytes, str]]
Lifespan = Callable[[], contextlib.AbstractAsyncContextManager[None]]


def create_app(
    site: Site,
    embedders: Mapping[str, embeddings.Embedder],
    *,
    limits: Limits,
    scrape: Scrape,
    events: Events,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """Return the application.

    Args:
        site: searches and answers.
        embedders: models of ``/v1/embeddings`` by the name that clients send; at least one.
        limits: what the guard allows.
        scrape: body and content type of ``/metrics``.
        events: hears of every request.
        lifespan: entered while the application runs.
    """

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with lifespan() if lifespan is not None else contextlib.nullcontext():
            yield

    app = FastAPI(
        title="rag-demo",
        summary="Ask a 1C:Enterprise configuration.",
        version=metadata.version("hybrid-embeddings"),
        lifespan=running,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(embeddings.router(dict(embedders)))  # the busiest is matched first
    app.include_router(completions.router(site, list(embedders)))
    app.include_router(api.router(site))
    _add_probes(app, site, next(iter(embedders.values())), scrape)
    _add_page(app)
    failures.add_handlers(app)
    app.add_middleware(Guard, limits=limits, events=events)
    return app


def _add_probes(app: FastAPI, site: Site, embedder: embeddings.Embedder, scrape: Scrape) -> None:
    counter = itertools.count()

    @app.get("/health/live", tags=["about"])
    async def live() -> dict[str, str]:
        """The process answers."""
        return {"status": "alive"}

    @app.get("/health/ready", tags=["about"], responses={503: {"description": "Nothing can be answered."}})
    async def ready() -> JSONResponse:
        """The indexes are open, a search works, and a text was embedded; ``missing`` names what does not work."""
        missing = await site.ready()
        try:
            # No text twice: a cache would answer for a model that does not.
            await asyncio.wait_for(embedder.embed([f"probe {next(counter)}"]), _PROBE_S)
        except (HybridEmbeddingsError, asyncio.TimeoutError):
            missing.append("embeddings")
        status = "unhealthy" if {"index", "embeddings"} & {*missing} else "degraded" if missing else "healthy"
        return JSONResponse({"status": status, "missing": missing}, 503 if status == "unhealthy" else 200)

    @app.get("/metrics", tags=["about"], response_class=Response)
    async def metrics() -> Response:
        """Prometheus metrics of the chat and of the engine."""
        body, content_type = scrape()
        return Response(body, media_type=content_type)


def _add_page(app: FastAPI) -> None:
    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html", headers={"cache-control": "no-cache"})

    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
