"""``/v1/embeddings``: the engine for every program that speaks OpenAI's API."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal, Protocol

import numpy as np
import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from rag_demo.ports import Vectors
from rag_demo.web.guard import Refused

MOST_TEXTS = 2048  # OpenAI's own limit
_MOST_LETTERS = 200_000


class Embedder(Protocol):
    """What the endpoint needs of the engine."""

    @property
    def model_name(self) -> str:
        """Name of the model."""

    @property
    def dimension(self) -> int:
        """Length of the vectors."""

    async def embed(self, texts: list[str]) -> tuple[Vectors, int]:
        """Vectors, float32 ``(len(texts), dimension)``, and the tokens that were read."""


def _sort_of_input(value: object) -> str | None:
    """Which form of ``input`` a client means: an error then names what is wrong in that one, not in the others."""
    if not isinstance(value, list):
        return "text" if isinstance(value, str) else None
    first = value[0] if value else ""
    return "ids" if isinstance(first, int) else "id_lists" if isinstance(first, list) else "texts"


_Text = Annotated[str, Field(min_length=1, max_length=_MOST_LETTERS)]
_Input = Annotated[
    Annotated[_Text, Tag("text")]
    | Annotated[list[_Text], Field(min_length=1, max_length=MOST_TEXTS), Tag("texts")]
    | Annotated[list[int], Field(min_length=1), Tag("ids")]
    | Annotated[list[list[int]], Field(min_length=1), Tag("id_lists")],
    Discriminator(
        _sort_of_input, custom_error_type="input", custom_error_message="Input should be a text or a list of texts"
    ),
]


class EmbeddingRequest(BaseModel):
    """Body of ``POST /v1/embeddings``."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"input": ["Курс валюты на дату"], "model": "default"}]})

    input: _Input
    model: str = "default"
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Annotated[int, Field(ge=1)] | None = None
    user: str | None = None


def router(embedders: dict[str, Embedder]) -> APIRouter:
    """Return the endpoint. ``embedders`` by the name that clients send; the first is also called ``default``."""
    routes = APIRouter()
    default = next(iter(embedders))

    @routes.post("/v1/embeddings", tags=["OpenAI"])
    async def embed(body: EmbeddingRequest) -> Response:
        """Vectors of texts. ``dimensions`` cuts them and scales them to unit length again."""
        embedder = embedders.get(default if body.model == "default" else body.model)
        if embedder is None:
            known = ", ".join(embedders)
            raise Refused(404, "model_not_found", f"There is no model {body.model[:80]!r}. Models: {known}.")
        vectors, n_tokens = await embedder.embed(_texts(body))
        return Response(
            _answer(_cut(vectors, body.dimensions), n_tokens, body, embedder), media_type="application/json"
        )

    return routes


def _texts(body: EmbeddingRequest) -> list[str]:
    if isinstance(body.input, str):
        return [body.input]
    texts = [text for text in body.input if isinstance(text, str)]
    if len(texts) < len(body.input):
        raise Refused(
            400,
            "token_ids",
            "input holds token ids, which belong to the tokenizer of another model. Send texts "
            "(LangChain: OpenAIEmbeddings(check_embedding_ctx_length=False)).",
        )
    return texts


def _cut(vectors: Vectors, dimensions: int | None) -> Vectors:
    if dimensions is None or dimensions == vectors.shape[1]:
        return vectors
    if dimensions > vectors.shape[1]:
        raise Refused(400, "dimensions", f"dimensions is {dimensions}, the model has {vectors.shape[1]}.")
    cut = vectors[:, :dimensions]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.ascontiguousarray(cut / np.where(norms > 0, norms, 1), dtype=np.float32)


def _answer(vectors: Vectors, n_tokens: int, body: EmbeddingRequest, embedder: Embedder) -> bytes:
    rows: list[Any] = (
        [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in vectors]
        if body.encoding_format == "base64"
        else list(vectors)
    )
    return orjson.dumps(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)],
            "model": embedder.model_name,
            "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
