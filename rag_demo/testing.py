"""Small honest stand-ins for tests: records, and an embedder that needs no model."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from rag_demo.index.analyse import terms
from rag_demo.ports import Vectors
from rag_demo.types import Document

_TEMPLATE = Document(
    doc_id="CommonModule.Цены.ПолучитьЦену",
    space_id="trade",
    doc_type="method",
    object_kind="CommonModule",
    object_name="Цены",
    full_name="CommonModule.Цены.ПолучитьЦену",
    path="CommonModules/Цены/Ext/Module.bsl",
    line_start=3,
    line_end=6,
    text="// Возвращает цену товара на дату.\nФункция ПолучитьЦену(Товар, Дата) Экспорт\n\tВозврат 1;\nКонецФункции",
    name="ПолучитьЦену",
    header="Общий модуль Цены, функция ПолучитьЦену(Товар, Дата) Экспорт",
    doc="Возвращает цену товара на дату.",
    body="Возврат 1;",
    module_kind="CommonModule",
    signature="ПолучитьЦену(Товар, Дата)",
    region="ПрограммныйИнтерфейс",
    is_function=True,
    export=True,
)


def make_document(full_name: str = _TEMPLATE.full_name, **changes: Any) -> Document:
    """A method of a small configuration under another name, with ``changes`` to any of its fields.

    Kind, object, name, id, signature and text follow from ``full_name`` unless they are given.
    """
    kind, object_name, *rest = full_name.split(".")
    name = rest[-1] if rest else object_name
    written = {
        field: getattr(_TEMPLATE, field).replace(_TEMPLATE.name, name) for field in ("header", "signature", "text")
    }
    named: dict[str, Any] = {
        **written,
        "doc_id": full_name,
        "full_name": full_name,
        "object_kind": kind,
        "object_name": object_name,
        "name": name,
    }
    return replace(_TEMPLATE, **{**named, **changes})


class WordEmbedder:
    """An `Embedder` whose vectors are sums of one fixed random direction per analysed word.

    Texts that share words are near each other, and nothing has to be loaded.
    """

    model_name = "word-directions"

    def __init__(self, *, dimension: int = 64, fingerprint: str = "word-directions-1") -> None:
        self.dimension = dimension
        self.fingerprint = fingerprint
        self.closed = False

    def encode_documents(self, texts: list[str]) -> Vectors:
        """Float32 ``(len(texts), dimension)``, of length 1, or zero for a text without words."""
        return np.array([self.encode_query(text) for text in texts], dtype=np.float32).reshape(-1, self.dimension)

    def encode_query(self, text: str) -> Vectors:
        """Float32 ``(dimension,)``."""
        total = np.zeros(self.dimension, dtype=np.float32)
        for term in terms(text):
            total += self._direction(term)
        return total / np.float32(max(float(np.linalg.norm(total)), 1e-12))

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    def _direction(self, term: str) -> Vectors:
        seed = int.from_bytes(hashlib.blake2b(term.encode(), digest_size=8).digest(), "little")
        return np.random.default_rng(seed).normal(size=self.dimension).astype(np.float32)
