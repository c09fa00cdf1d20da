"""Last stage: a model of natural language inference says which description follows from a passage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from rag_demo.errors import InputError
from rag_demo.types import NoteType

_log = logging.getLogger(__name__)
_HYPOTHESES: dict[NoteType, str] = {
    "manual": "Это инструкция для пользователя: какие кнопки нажимать и какие поля заполнять.",
    "specification": "Это техническое задание или описание того, как должна быть устроена программа.",
    "release_notes": "Это список изменений в новой версии программы.",
    "faq": "Это вопрос пользователя и ответ на него.",
    "regulation": "Это приказ или регламент: кто, что и в какой срок обязан делать.",
    "note": "Это письмо, заметка, новость или протокол встречи.",
}
_LONGEST = 1_000  # characters of a passage
# No hypothesis that follows less surely than this is believed.
_ENTAILED = 0.5


class NliZeroShot:
    """Asks a sequence classifier with an entailment label, within a time limit. See `ZeroShot`."""

    def __init__(self, model: str, *, timeout_s: float) -> None:
        """Only remember; the model is loaded when there is something to ask.

        Args:
            model: a directory, or a name on the Hugging Face hub.
            timeout_s: for loading and all texts of one call together.
        """
        self._model = model
        self._timeout_s = timeout_s

    def __call__(self, texts: Sequence[str]) -> list[NoteType | None]:
        """The sort of each text; None for those that the time did not suffice for, or that nothing describes.

        Raises:
            InputError: the model cannot be loaded or has no entailment label.
        """
        task = _Task(self._model, texts, time.monotonic() + self._timeout_s)
        # A native call cannot be interrupted: the thread is left behind when the time is over.
        thread = threading.Thread(target=task.run, name="rag-nli", daemon=True)
        thread.start()
        thread.join(self._timeout_s)
        if task.error is not None:
            raise InputError(f"RAG_NLI_MODEL={self._model} cannot be used: {task.error}") from task.error
        found = list(task.found)
        if len(found) < len(texts):
            _log.warning(
                "RAG_NLI_TIMEOUT=%g is over: %d of %d passages stay of unknown sort (note).",
                self._timeout_s,
                len(texts) - len(found),
                len(texts),
            )
        return found + [None] * (len(texts) - len(found))


class _Task:
    """The work of one call, done in a thread of its own."""

    def __init__(self, model: str, texts: Sequence[str], deadline: float) -> None:
        self._model = model
        self._texts = texts
        self._deadline = deadline
        self.found: list[NoteType | None] = []
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            encoder, entailment = _load(self._model)
            for text in self._texts:
                if time.monotonic() > self._deadline:
                    return
                self.found.append(_best(encoder, entailment, text[:_LONGEST]))
        except Exception as error:  # noqa: BLE001  # raised anew by the caller's thread
            self.error = error


def _load(model: str) -> tuple[Any, int]:
    """The model, and the number of its entailment label."""
    from sentence_transformers import CrossEncoder

    # No code of the model is run, and weights are read from safetensors only.
    encoder = CrossEncoder(model, trust_remote_code=False, model_kwargs={"use_safetensors": True})
    labels = {int(number): str(label).lower() for number, label in encoder.config.id2label.items()}
    for number, label in labels.items():
        if label.startswith("entail"):
            return encoder, number
    raise ValueError(f"it has no entailment label, only {', '.join(labels.values())}")


def _best(encoder: Any, entailment: int, text: str) -> NoteType | None:
    pairs = [(text, hypothesis) for hypothesis in _HYPOTHESES.values()]
    shares = np.asarray(encoder.predict(pairs, apply_softmax=True, show_progress_bar=False))[:, entailment]
    best = int(shares.argmax())
    return list(_HYPOTHESES)[best] if shares[best] >= _ENTAILED else None
