"""The adapter: LlamaIndex' ``BaseEmbedding`` in, one :class:`EmbeddingService` out. No logic of its own."""

from __future__ import annotations

from typing import Any, Literal

from llama_index.core.base.embeddings.base import BaseEmbedding, Embedding
from llama_index.core.bridge.pydantic import Field, PrivateAttr

from hybrid_embeddings import EmbeddingService, Settings

# The engine forms its own batches by tokens; the largest value that LlamaIndex allows keeps out of its way.
_MAX_BATCH_SIZE = 2048
_NOT_GIVEN = "unknown"  # what LlamaIndex itself says for it
_VECTOR_OPTIONS = ("precision", "normalize", "truncate_dim", "query_prompt", "document_prompt")


class HybridEmbedding(BaseEmbedding):
    """Embeds texts locally, on all devices of the machine.

        Settings.embed_model = HybridEmbedding()

    Options that are not given come from the environment (``EMBEDDING_*``) or ``.env``. Fields that change the
    vectors are part of ``to_dict()`` and so of the key of LlamaIndex' ingestion cache; the others are not.
    """

    precision: Literal["fast", "exact"] | None = Field(
        default=None, description="exact: float32 everywhere. fast: half precision where 1 - cosine stays within 1e-4."
    )
    normalize: bool | None = Field(default=None, description="Scale to unit length. Not set: as the model does.")
    truncate_dim: int | None = Field(default=None, description="Keep only the first N dimensions.", gt=0)
    query_prompt: str | None = Field(default=None, description="Text put before questions.")
    document_prompt: str | None = Field(default=None, description="Text put before documents.")
    hybrid_mode: bool | None = Field(default=None, description="Use CPU and GPU at once.", exclude=True)
    embed_batch_size: int = Field(
        default=_MAX_BATCH_SIZE, description="Texts handed over at once.", gt=0, le=_MAX_BATCH_SIZE, exclude=True
    )

    _service: EmbeddingService | None = PrivateAttr(default=None)
    _built_for: dict[str, Any] = PrivateAttr(default_factory=dict)

    def __init__(self, model_name: str | None = None, **options: Any) -> None:
        """Find the model; loading waits for the first call. ``options`` are the fields of the class."""
        unknown = set(options) - set(type(self).model_fields) - {"class_name"}
        if unknown:  # the base class would swallow a typo
            raise TypeError(f"unknown options: {', '.join(sorted(unknown))}")
        super().__init__(model_name=model_name or _NOT_GIVEN, **options)
        service = self.service
        self.model_name = service.model_name
        for name in _VECTOR_OPTIONS:  # what the environment decided belongs to the cache key, too
            setattr(self, name, getattr(service.settings, name))
        self._built_for = self._options()

    @classmethod
    def class_name(cls) -> str:
        """Name in LlamaIndex' serialised form."""
        return "HybridEmbedding"

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
        model = None if self.model_name == _NOT_GIVEN else self.model_name
        return {"model": model} | {name: getattr(self, name) for name in (*_VECTOR_OPTIONS, "hybrid_mode")}

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the options; the copy loads the model again."""
        names = set(type(self).model_fields) - {"callback_manager", "embeddings_cache", "rate_limiter"}
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Build the copy from its options."""
        self.__init__(**state)  # type: ignore[misc] # the way LlamaIndex restores its components

    def _get_query_embedding(self, query: str) -> Embedding:
        return self.service.encode_query(query).tolist()  # type: ignore[no-any-return] # numpy types tolist() as Any

    def _get_text_embedding(self, text: str) -> Embedding:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return self.service.encode_documents(texts).tolist()  # type: ignore[no-any-return] # see above

    async def _aget_query_embedding(self, query: str) -> Embedding:
        return (await self.service.aencode_query(query)).tolist()  # type: ignore[no-any-return] # see above

    async def _aget_text_embedding(self, text: str) -> Embedding:
        return (await self._aget_text_embeddings([text]))[0]

    async def _aget_text_embeddings(self, texts: list[str]) -> list[Embedding]:
        return (await self.service.aencode_documents(texts)).tolist()  # type: ignore[no-any-return] # see above
