"""What is written in ten minutes: FastAPI and SentenceTransformer behind ``/v1/embeddings``.

``NAIVE_HANDLER`` says how: ``thread`` (a plain function, which FastAPI runs on its threads) or ``loop`` (a coroutine,
one request after the other). On threads some requests fail: the tokenizer is not made for several at once. Run by
embeddings_server.py.
"""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer

app = FastAPI()
model = SentenceTransformer(os.environ["NAIVE_MODEL"], device="cpu")


class EmbeddingRequest(BaseModel):
    """What is read of a request."""

    input: str | list[str]
    model: str = ""


def embed(body: EmbeddingRequest) -> dict[str, Any]:
    texts = [body.input] if isinstance(body.input, str) else body.input
    vectors = model.encode(texts, show_progress_bar=False)
    tokens = sum(len(ids) for ids in model.tokenizer(texts)["input_ids"])
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector.tolist()}
            for index, vector in enumerate(vectors)
        ],
        "model": body.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


async def embed_in_loop(body: EmbeddingRequest) -> dict[str, Any]:
    return embed(body)


app.post("/v1/embeddings")(embed_in_loop if os.environ.get("NAIVE_HANDLER") == "loop" else embed)
