"""Reads ``golden.yaml`` and knows its splitting rule."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from . import golden_path

_TUNE_SHARE = 0.4


@dataclass(frozen=True)
class Question:
    """A question in the words of users with the names that answer it."""

    id: str
    question: str
    kind: str
    language: str
    split: str
    gold: tuple[str, ...] = ()
    paraphrases: tuple[str, ...] = ()
    refuse: bool = False

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question and its paraphrases."""
        return (self.question, *self.paraphrases)


def object_of(full_name: str) -> str:
    """The object that a full name belongs to: ``Catalog.Валюты.ObjectModule.ПриЗаписи`` → ``Catalog.Валюты``."""
    return ".".join(full_name.split(".")[:2])


def split_of(identifier: str, gold: Sequence[str]) -> str:
    """``tune`` or ``test``, by a hash of the object of the first gold, of the identifier where there is none."""
    basis = object_of(gold[0]) if gold else identifier
    digest = hashlib.sha256(basis.encode()).digest()
    return "tune" if int.from_bytes(digest[:4], "big") / 2**32 < _TUNE_SHARE else "test"


def load_golden(path: Path | None = None) -> list[Question]:
    """All questions in the order of the file."""
    entries = yaml.safe_load((path or golden_path()).read_text(encoding="utf-8"))["questions"]
    return [
        Question(
            **{
                **entry,
                "gold": tuple(entry.get("gold") or ()),
                "paraphrases": tuple(entry.get("paraphrases") or ()),
            }
        )
        for entry in entries
    ]
