"""What both clients share over HTTP: the options of a connection, and failures as errors of ours."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import json
import math
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from rag_demo.errors import (
    ContextOverflow,
    LlmError,
    LlmInterrupted,
    LlmOverloaded,
    LlmRefused,
    LlmTimeout,
    LlmUnavailable,
)
from rag_demo.llm.options import Server

_CONNECT_S = 5.0
_LONGEST_MESSAGE = 300
# No server has a code of its own for this, and the sentences change between versions.
_OVERFLOW = re.compile(
    r"context (length|window)|prompt is (too )?long|input_tokens|max_new_tokens|max_model_len|maximum.*tokens"
)
_SHORTER = "Ask for fewer or shorter sources, lower LLM_NUM_PREDICT, or enlarge the window of the model."
_BUSY = re.compile(r"busy|overload|too many|capacity|queue")
# The first match counts. What is not listed broke a connection that had been there.
_CAUSES: tuple[tuple[tuple[type[Exception], ...], type[LlmError], str], ...] = (
    ((httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError), LlmUnavailable, "is not reached"),
    ((httpx.TimeoutException,), LlmTimeout, "does not answer in time"),
    (
        (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects, httpx.InvalidURL),
        LlmRefused,
        "cannot be asked",
    ),
    ((httpx.HTTPError, httpx.StreamError), LlmInterrupted, "broke off"),
)


def client_options(server: Server) -> dict[str, Any]:
    """Arguments of an ``httpx.AsyncClient``. Time-outs of reading are ours (`rag_demo.llm.watch`), by token."""
    return {
        "headers": {"authorization": f"Bearer {server.api_key}"} if server.api_key else {},
        "timeout": httpx.Timeout(None, connect=_CONNECT_S),
        "trust_env": not server.is_local,
        "follow_redirects": False,
        "event_hooks": {"response": [functools.partial(_refuse_errors, server)]},
    }


@contextlib.contextmanager
def translated(server: Server) -> Iterator[None]:
    """Turn what httpx raises into an `LlmError` that names the server."""
    try:
        yield
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise translate(error, server) from error


def translate(error: Exception, server: Server) -> LlmError:
    """The error of ours for one of httpx."""
    for causes, kind, what in _CAUSES:
        if isinstance(error, causes):
            return kind(f"The LLM server {server.base_url} {what}: {str(error) or type(error).__name__}.")
    raise TypeError(f"{type(error).__name__} is no error of httpx") from error


def failure(server: Server, status: int, message: str, *, retry_after_s: float | None = None) -> LlmError:
    """The error that an answer with this HTTP status stands for."""
    told = _shortened(message, server)
    at = f"The LLM server {server.base_url} answers {status}: {told}"
    lower = told.lower()
    if status in {400, 413, 422} and _OVERFLOW.search(lower):
        return ContextOverflow(f"{at} {_SHORTER}")
    if status == 429 or (status == 503 and (retry_after_s is not None or _BUSY.search(lower))):
        return LlmOverloaded(at, retry_after_s=retry_after_s)
    # 424 is TGI's word for a failure while generating, 499 Ollama's for a request that it gave up.
    if status >= 500 or status in {408, 424, 499}:
        return LlmUnavailable(at, retry_after_s=retry_after_s)
    return LlmRefused(f"{at} {_ADVICE.get(status, 'Check LLM_BASE_URL, LLM_MODE and LLM_MODEL.')}")


_ADVICE = {
    401: "Check LLM_API_KEY.",
    403: "Check LLM_API_KEY.",
    404: "Check LLM_MODEL (Ollama: `ollama pull MODEL`), LLM_BASE_URL and LLM_MODE.",
}


def message_of(body: Any) -> str:
    """What an error body says, in any of the forms in use: ``{"error": text or {"message": …}}`` or flat."""
    if isinstance(body, Mapping):
        told = body.get("error") or body.get("message") or body.get("detail") or body
        if isinstance(told, Mapping):
            told = told.get("message") or told
            parameter = body["error"].get("param") if isinstance(body.get("error"), Mapping) else None
            return f"{told} (param: {parameter})" if parameter and str(parameter) not in str(told) else str(told)
        return str(told)
    return str(body)


async def _refuse_errors(server: Server, response: httpx.Response) -> None:
    if response.is_success:
        return
    await response.aread()
    if response.has_redirect_location:
        target = response.headers["location"]
        raise LlmRefused(f"The LLM server {server.base_url} redirects to {target}. Set LLM_BASE_URL to where it is.")
    try:
        message = message_of(json.loads(response.text))
    except (ValueError, RecursionError):
        message = response.text.strip() or response.reason_phrase
    raise failure(server, response.status_code, message, retry_after_s=_retry_after(response.headers))


def _retry_after(headers: httpx.Headers) -> float | None:
    """Seconds of a ``Retry-After`` header, which holds seconds or a date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text or "nan")
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    return None


def _shortened(message: str, server: Server) -> str:
    text = " ".join(message.split())
    if server.api_key:
        text = text.replace(server.api_key, "***")
    text = text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"
    return text if text.endswith((".", "…")) else f"{text}."
