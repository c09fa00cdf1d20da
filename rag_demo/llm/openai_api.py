"""The OpenAI-compatible chat interface, as far as all servers share it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

import httpx
import httpx_sse

from rag_demo.errors import ContextOverflow, LlmInterrupted, LlmRefused
from rag_demo.llm.chunks import ChunkReader
from rag_demo.llm.http import client_options, translated
from rag_demo.llm.options import Answering, Server
from rag_demo.llm.received import count_of, text_of
from rag_demo.llm.types import Event, ModelInfo, Request

# Improvements that a server may not know. One that refuses a request because of them is asked again without.
_OPTIONAL = frozenset(
    {"stream_options", "chat_template_kwargs", "reasoning_effort", "cache_salt", "seed", "temperature", "stop"}
)

# Who owns the models of our own `rag-demo serve`, which speaks this interface and is where LLM_MODE=auto looks.
_OURSELVES = "hybrid-embeddings"


class OpenAiBackend:
    """Speaks ``/v1/chat/completions``. Subclasses know what one server adds. See `rag_demo.llm.ports.Backend`."""

    name = "openai"

    def __init__(self, server: Server, answering: Answering) -> None:
        """Connect to nothing yet."""
        self.base_url = server.base_url
        self._server = server
        self._answering = answering
        self._unknown: set[str] = set()
        self._model = server.model
        self._opened: httpx.AsyncClient | None = None

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """See `Backend.stream`."""
        model = self._model or (await self.describe()).model
        self._model = model
        payload = self._payload(request, model)
        try:
            async with aclosing(self._events(payload, model)) as events:
                async for event in events:
                    yield event
        except ContextOverflow:
            raise
        except LlmRefused as refusal:
            if not (named := {field for field in _OPTIONAL & payload.keys() if field in str(refusal)}):
                raise
            self._unknown |= named
            async with aclosing(self._events(self._payload(request, model), model)) as events:
                async for event in events:
                    yield event

    async def describe(self) -> ModelInfo:
        """See `Backend.describe`."""
        models = await self._models()
        if not (name := self._server.model or next(iter(models), "")):
            raise LlmRefused(f"The LLM server {self.base_url} offers no model. Load one, or set LLM_MODEL.")
        known = models.get(name)
        window = count_of((known or {}).get("max_model_len"))
        unlisted = f"The server does not list the model {name!r}, only: {', '.join(models) or 'none'}."
        return ModelInfo(
            backend=self.name,
            base_url=self.base_url,
            model=name,
            context_tokens=window,
            warnings=(*(() if known else (unlisted,)), *self._too_little_room(window)),
        )

    async def count_tokens(self, text: str) -> int | None:
        """See `Backend.count_tokens`. The interface has no route for it."""
        del text
        return None

    async def close(self) -> None:
        """See `Backend.close`."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.aclose()

    async def _models(self) -> dict[str, Mapping[str, Any]]:
        listed = (await self._get("/v1/models")).get("data")
        models = [model for model in listed if isinstance(model, Mapping)] if isinstance(listed, list) else []
        if any(model.get("owned_by") == _OURSELVES for model in models):
            raise LlmRefused(
                f"The server {self.base_url} is a rag-demo, which needs a language model itself. Check LLM_BASE_URL."
            )
        return {text_of(model.get("id")): model for model in models}

    def _too_little_room(self, window: int | None) -> Iterator[str]:
        wanted = self._answering.num_predict
        if window is not None and wanted > window // 2:
            yield f"LLM_NUM_PREDICT={wanted:,} leaves little of the window of {window:,} tokens to rules and sources."

    def _extras(self, request: Request) -> dict[str, Any]:
        """Fields of the request that only this server has."""
        del request
        return {}

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            self._opened = httpx.AsyncClient(base_url=self.base_url, **client_options(self._server))
        return self._opened

    def _payload(self, request: Request, model: str) -> dict[str, Any]:
        default = self._answering
        payload = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_tokens": request.max_tokens or default.num_predict,
            "temperature": default.temperature if request.temperature is None else request.temperature,
            "seed": request.seed,
            "stop": list(request.stop) or None,
            **self._extras(request),
        }
        return {name: value for name, value in payload.items() if value is not None and name not in self._unknown}

    async def _events(self, payload: dict[str, Any], model: str) -> AsyncGenerator[Event, None]:
        reader = ChunkReader(backend=self.name, model=model, server=self._server)
        with translated(self._server):
            try:
                async with httpx_sse.aconnect_sse(self._client, "POST", "/v1/chat/completions", json=payload) as source:
                    source.response.encoding = "utf-8"  # of every event stream, whatever the header says
                    async for sent in source.aiter_sse():
                        # An event without data is none (HTML standard, 9.2.6), but the library reports it.
                        for event in reader.read(sent.data) if sent.data else ():
                            yield event
                        if reader.ended:
                            break
            except httpx_sse.SSEError as error:
                raise LlmRefused(f"The LLM server {self.base_url} does not stream: {error}. Check the URL.") from error
            for event in reader.end():
                yield event

    async def _get(self, route: str) -> Mapping[str, Any]:
        answer = await self._json("GET", route)
        if not isinstance(answer, Mapping):
            raise LlmInterrupted(f"The LLM server {self.base_url} answers {route} without an object.")
        return answer

    async def _post(self, route: str, body: Any) -> Any:
        return await self._json("POST", route, json=body)

    async def _json(self, method: str, route: str, **arguments: Any) -> Any:
        with translated(self._server):
            response = await self._client.request(method, route, **arguments)
        try:
            return json.loads(response.content)
        except (ValueError, RecursionError):
            raise LlmInterrupted(
                f"The LLM server {self.base_url} answers {route} with something that is not JSON."
            ) from None
