"""A cross-encoder of sentence-transformers: reads question and passage together and says how well they fit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from rag_demo.errors import InputError


class CrossEncoderScore:
    """Scores passages by a cross-encoder with one label. Safe to call from several threads: they take turns."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()  # a tokenizer has settings that calls change

    @classmethod
    def load(cls, model: str) -> CrossEncoderScore:
        """The model in a folder, or of a name on the Hugging Face hub; seconds, and a download if it is not cached.

        Raises:
            InputError: it cannot be loaded, or is no reranker.
        """
        from sentence_transformers import CrossEncoder

        try:
            # No code of the model is run, and weights are read from safetensors only.
            encoder = CrossEncoder(model, trust_remote_code=False, model_kwargs={"use_safetensors": True})
            labels = int(encoder.config.num_labels)
        except Exception as error:  # whatever the library raises, the setting is what can be changed
            raise InputError(
                f"RAG_RERANK_MODEL={model} cannot be used: {error} Name a folder that holds a cross-encoder with its "
                "weights as safetensors, or one of the Hugging Face hub that can be reached."
            ) from error
        if labels != 1:
            raise InputError(f"RAG_RERANK_MODEL={model} is no reranker: it has {labels} labels instead of one score.")
        return cls(encoder)

    def __call__(self, question: str, passages: Sequence[str]) -> list[float]:
        """The score of each passage; larger is better, the unit is that of the model."""
        pairs = [(question, passage) for passage in passages]
        with self._lock:
            scores = self._encoder.predict(pairs, batch_size=len(pairs), show_progress_bar=False)
        return [float(score) for score in scores]
