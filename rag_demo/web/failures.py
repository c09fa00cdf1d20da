"""Errors as answers: what failed is told; how it failed (paths, stack traces) stays in the log."""

from __future__ import annotations

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from hybrid_embeddings import HybridEmbeddingsError, Overloaded
from hybrid_embeddings import InputError as BadText
from rag_demo.errors import IndexBusy, IndexMissing, InputError, LlmError, LlmOverloaded, RagDemoError
from rag_demo.web.guard import Refused, error_body

_log = logging.getLogger(__name__)
_LONGEST_WAIT_S = 600
_ENGINE = "The embedding engine cannot answer now. Try again."


def add_handlers(app: FastAPI) -> None:
    """Answer every error in one form, that of OpenAI's API."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return JSONResponse(error_body(error.code, str(error)), error.status, error.headers)

    @app.exception_handler(RagDemoError)
    async def known(_: Request, error: RagDemoError) -> JSONResponse:
        if isinstance(error, LlmOverloaded):
            return JSONResponse(
                error_body("overloaded", str(error)), 503, {"retry-after": _seconds(error.retry_after_s)}
            )
        status = 400 if isinstance(error, InputError) else 503
        return JSONResponse(error_body(type(error).__name__, said_of(error)), status)

    app.add_exception_handler(HybridEmbeddingsError, _engine_failed)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return JSONResponse(error_body("invalid_request", _invalid(error.errors()[0])), 400)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, UnicodeDecodeError):
            return JSONResponse(error_body("invalid_request", "The body is no text in UTF-8."), 400)
        return JSONResponse(error_body("http", str(error.detail)), error.status_code, dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unknown(_: Request, error: Exception) -> JSONResponse:
        _log.error("a request failed", exc_info=error)
        return JSONResponse(error_body("internal", "Internal error; see the log of the server."), 500)


def _invalid(first: dict[str, Any]) -> str:
    """What is wrong with a body, and where."""
    if first["type"] == "model_attributes_type":
        return "The body must be a JSON object, sent with Content-Type: application/json."
    if first["type"] == "json_invalid":
        return f"The body is no JSON: {first['ctx']['error']} (character {first['loc'][-1]})."
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}"


async def _engine_failed(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, BadText):
        return JSONResponse(error_body("invalid_request", str(error)), 400)
    if isinstance(error, Overloaded):
        return JSONResponse(error_body("overloaded", _ENGINE), 503, {"retry-after": _seconds(error.retry_after_s)})
    return JSONResponse(error_body("embeddings", said_of(error)), 503)


def said_of(error: Exception) -> str:
    """What callers are told of an error of the chat or of the engine; the rest of it goes to the log."""
    if isinstance(error, (InputError, BadText, IndexMissing, IndexBusy, LlmError)):
        return str(error)
    _log.error("%s: %s", type(error).__name__, error)
    return "The index cannot be used; see the log of the server." if isinstance(error, RagDemoError) else _ENGINE


def _seconds(wait_s: float | None) -> str:
    # A server behind us may ask for any time, infinity included.
    return str(math.ceil(min(wait_s or 5, _LONGEST_WAIT_S)))
