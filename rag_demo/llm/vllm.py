"""vLLM: the OpenAI-compatible interface, and what vLLM adds to it."""

from __future__ import annotations

import dataclasses
from typing import Any

from rag_demo.errors import LlmError, LlmRefused
from rag_demo.llm.openai_api import OpenAiBackend
from rag_demo.llm.received import count_of, mapping_of, text_of
from rag_demo.llm.types import ModelInfo, Request

_ROUTE = "/tokenize"


class VllmBackend(OpenAiBackend):
    """Speaks with vLLM, and with any other server of that interface, which then may ignore the additions."""

    name = "vllm"
    _counts = True

    async def describe(self) -> ModelInfo:
        """See `Backend.describe`."""
        info = await super().describe()
        try:
            version = text_of((await self._get("/version")).get("version"))
        except LlmError:  # not every server of this interface has the route
            version = ""
        return dataclasses.replace(info, version=version)

    async def count_tokens(self, text: str) -> int | None:
        """See `Backend.count_tokens`."""
        if not self._counts:
            return None
        body = {"prompt": text, "add_special_tokens": False} | ({"model": self._model} if self._model else {})
        try:
            counted = count_of(mapping_of(await self._post(_ROUTE, body)).get("count"))
        except LlmRefused:
            counted = None
        self._counts = counted is not None  # a server without the route, or with another one; it will not grow it
        return counted

    def _extras(self, request: Request) -> dict[str, Any]:
        think = request.think or self._answering.think
        return {
            # Templates that know nothing of it ignore it; those that think by default would do so otherwise.
            "chat_template_kwargs": {"enable_thinking": think != "off"},
            "reasoning_effort": think if think in {"low", "medium", "high"} else None,
            "cache_salt": request.cache_salt or None,
        }
