"""The adapter: LangChain's ``Embeddings`` in, one :class:`EmbeddingService` out. No logic of its own."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from hybrid_embeddings import EmbeddingService, Settings


class HybridEmbeddings(BaseModel, Embeddings):
    """Embeds texts locally, on all devices of the machine.

        embeddings = HybridEmbeddings()
        vector = embeddings.embed_query("Which report shows the stock?")

    Options that are not given come from the environment (``EMBEDDING_*``) or ``.env``. Texts are passed on as they
    are. The model is loaded at the first call; pickled copies load it again.
    """

    model_config = ConfigDict(extra="forbid", protected_namespaces=(), populate_by_name=True)

    model_name: str | None = Field(default=None, alias="model")
    """Name on the model hub, short name or directory. Default: all-MiniLM-L6-v2."""
    hybrid_mode: bool | None = None
    """Use CPU and GPU at once."""
    precision: Literal["fast", "exact"] | None = None
    """``exact``: float32 everywhere. ``fast``: half precision where 1 - cosine stays within 1e-4."""
    normalize: bool | None = None
    """Scale vectors to unit length. Not set: as the model does."""
    truncate_dim: int | None = None
    """Keep only the first N dimensions."""
    query_prompt: str | None = None
    """Text put before questions. Not set: the model's own."""
    document_prompt: str | None = None
    """Text put before documents. Not set: the model's own."""
    show_progress: bool = False
    """Draw a progress bar in ``embed_documents``."""

    _service: EmbeddingService = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
        """Find the model. Loading waits for the first call."""
        options = self.model_dump(exclude={"model_name", "show_progress"})
        self._service = EmbeddingService(settings=Settings.load(model=self.model_name, **options))
        self.model_name = self._service.model_name

    @property
    def service(self) -> EmbeddingService:
        """The engine, for statistics and for the numpy interface."""
        return self._service

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages with the document prompt; one list of floats per text, in order."""
        vectors = self._service.encode_documents(texts, show_progress=self.show_progress)
        return vectors.tolist()  # type: ignore[no-any-return] # numpy types tolist() as Any

    def embed_query(self, text: str) -> list[float]:
        """Embed a question with the query prompt."""
        return self._service.encode_query(text).tolist()  # type: ignore[no-any-return] # see above

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages without blocking the event loop."""
        return (await self._service.aencode_documents(texts)).tolist()  # type: ignore[no-any-return] # see above

    async def aembed_query(self, text: str) -> list[float]:
        """Embed a question without blocking the event loop."""
        return (await self._service.aencode_query(text)).tolist()  # type: ignore[no-any-return] # see above
