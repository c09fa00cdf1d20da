"""An adapted model on disk: an ordinary sentence-transformers directory, and beside it how it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag_demo.errors import InputError

RECORD = "adaptation.json"


def save(folder: Path, *, tokenizer: str, vectors: npt.NDArray[np.float32], record: dict[str, Any]) -> None:
    """Write a model to ``folder``, which must not hold one.

    Args:
        folder: made if need be.
        tokenizer: its JSON text.
        vectors: of the tokens, float32 ``(vocabulary, dimension)``.
        record: how it was made and what it reaches; goes into the model card and `RECORD`.
    """
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer

    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError:  # before sentence-transformers 6
        from sentence_transformers.models import StaticEmbedding

    module = StaticEmbedding(Tokenizer.from_str(tokenizer), embedding_weights=vectors)
    SentenceTransformer(modules=[module], device="cpu").save_pretrained(str(folder), create_model_card=False)
    (folder / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "README.md").write_text(_card(record), encoding="utf-8")


def load(folder: Path) -> tuple[str, npt.NDArray[np.float32]]:
    """The tokenizer, as JSON text, and the token vectors of a model that `save` wrote.

    Raises:
        InputError: there is no such model in ``folder``.
    """
    from safetensors.numpy import load_file

    try:
        vectors = load_file(folder / "model.safetensors")["embedding.weight"]
        return (folder / "tokenizer.json").read_text(encoding="utf-8"), vectors.astype(np.float32)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{folder} holds no adapted model to start from ({error}). "
            "Give the folder `model` of an index, with model.safetensors and tokenizer.json in it."
        ) from error


def _card(record: dict[str, Any]) -> str:
    lines = "\n".join(f"| {name} | {json.dumps(value, ensure_ascii=False)} |" for name, value in record.items())
    return f"""---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
language: [ru, en]
tags: [sentence-transformers, static-embedding, 1c-enterprise]
---

# Token vectors adapted to one 1C:Enterprise configuration

A static model: the vector of a text is the mean of the vectors of its tokens. It was trained on texts of the
configuration itself (names, comments, lines, synonyms, help) and on nothing else, and it is of use for searching that
configuration; texts of other fields mean nothing to it. It may contain words of the configuration: treat it like the
configuration itself.

```python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/of/this/folder")
vectors = model.encode(["Получить курс валюты на дату"])
```

| | |
|---|---|
{lines}
"""
