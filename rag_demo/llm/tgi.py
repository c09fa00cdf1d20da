"""Text Generation Inference (legacy: in maintenance mode since December 2025; prefer vLLM for a new machine)."""

from __future__ import annotations

from rag_demo.errors import LlmRefused
from rag_demo.llm.openai_api import OpenAiBackend
from rag_demo.llm.types import ModelInfo

_LEGACY = "TGI is in maintenance mode and gets no new models; vLLM is the successor that its authors recommend."


class TgiBackend(OpenAiBackend):
    """Speaks with Text Generation Inference 3. See `rag_demo.llm.ports.Backend`."""

    name = "tgi"

    async def describe(self) -> ModelInfo:
        """See `Backend.describe`."""
        info = await self._get("/info")
        if "max_total_tokens" not in info:
            raise LlmRefused(f"The server {self.base_url} is not TGI: its /info tells no max_total_tokens.")
        return ModelInfo(
            backend=self.name,
            base_url=self.base_url,
            model=self._server.model or str(info.get("model_id", "tgi")),
            version=str(info.get("version", "")),
            context_tokens=int(info["max_total_tokens"]),
            warnings=(_LEGACY,),
        )

    async def count_tokens(self, text: str) -> int | None:
        """See `Backend.count_tokens`."""
        return len(await self._post("/tokenize", {"inputs": text}))
