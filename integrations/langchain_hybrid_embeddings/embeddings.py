"""The adapter: LangChain's ``Embeddings`` in, one :class:`EmbeddingService` out. No logic of its own."""

from __future__ import annotations

from typing import Any, Literal

from langchain_core.embeddings import Embeddings
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from hybrid_embeddings import EmbeddingService, InputError, Settings

_OPTIONS = ("hybrid_mode", "precision", "normalize", "truncate_dim", "query_prompt", "document_prompt")


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

    _service: EmbeddingService | None = PrivateAttr(default=None)
    _built_for: dict[str, Any] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ARG002 - pydantic's signature
        """Find the model, and note what the environment decided. Loading waits for the first call."""
        service = self.service
        self.model_name = service.model_name
        for name in _OPTIONS:
            setattr(self, name, getattr(service.settings, name))
        self._built_for = self._options()

    @property
    def service(self) -> EmbeddingService:
        """The engine, for statistics and for the numpy interface; a new one after an option was changed."""
        options = self._options()
        if self._service is None or options != self._built_for:
            self._service = EmbeddingService(settings=Settings.load(**options))
            self._built_for = options
        return self._service

    def close(self) -> None:
        """Stop the engine and give its memory back; the next call starts it again."""
        if self._service is not None:
            self._service.close()
        self._service = None

    def _options(self) -> dict[str, Any]:
        return {"model": self.model_name} | {name: getattr(self, name) for name in _OPTIONS}

    def __eq__(self, other: object) -> bool:
        """Two objects with the same options are equal, whatever engines they hold."""
        return isinstance(other, HybridEmbeddings) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment] # mutable, as pydantic models are

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages with the document prompt; one list of floats per text, in order."""
        vectors = self.service.encode_documents(texts, show_progress=self.show_progress)
        return vectors.tolist()  # type: ignore[no-any-return] # numpy types tolist() as Any

    def embed_query(self, text: str) -> list[float]:
        """Embed a question with the query prompt."""
        return self.service.encode_query(_one(text)).tolist()  # type: ignore[no-any-return] # see above

    async def aembed_documents(self, texts: list[str]) -> list[list[float]]:
        """Embed passages without blocking the event loop."""
        return (await self.service.aencode_documents(texts)).tolist()  # type: ignore[no-any-return] # see above

    async def aembed_query(self, text: str) -> list[float]:
        """Embed a question without blocking the event loop."""
        return (await self.service.aencode_query(_one(text))).tolist()  # type: ignore[no-any-return] # see above


def _one(text: str) -> str:
    """Return a question; a list of them would come back as a list of vectors, which no vector store expects."""
    if not isinstance(text, str):
        raise InputError(f"the question is {type(text).__name__}, expected str; use embed_documents for several texts")
    return text
