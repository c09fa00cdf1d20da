"""Text Generation Inference (legacy: in maintenance mode since December 2025; prefer vLLM for a new machine)."""

from __future__ import annotations

from rag_demo.errors import LlmRefused
from rag_demo.llm.openai_api import OpenAiBackend
from rag_demo.llm.received import count_of, text_of
from rag_demo.llm.types import ModelInfo

_LEGACY = "TGI is in maintenance mode and gets no new models; vLLM is the successor that its authors recommend."


class TgiBackend(OpenAiBackend):
    """Speaks with Text Generation Inference 3. See `rag_demo.llm.ports.Backend`."""

    name = "tgi"

    async def describe(self) -> ModelInfo:
        """See `Backend.describe`."""
        info = await self._get("/info")
        if (window := count_of(info.get("max_total_tokens"))) is None:
            raise LlmRefused(f"The server {self.base_url} is not TGI: its /info tells no max_total_tokens.")
        return ModelInfo(
            backend=self.name,
            base_url=self.base_url,
            model=self._server.model or text_of(info.get("model_id")) or "tgi",
            version=text_of(info.get("version")),
            context_tokens=window,
            warnings=(_LEGACY,),
        )

    async def count_tokens(self, text: str) -> int | None:
        """See `Backend.count_tokens`."""
        tokens = await self._post("/tokenize", {"inputs": text})
        return len(tokens) if isinstance(tokens, list) else None
