# ruff: noqa: ARG002  # `Nothing` asks nobody
"""What the chat needs to know of a configuration, whoever knows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from rag_demo.index.facts import Handled, Wrapped
from rag_demo.ingest.facts import MemberFact, MemberKind, MethodFact, ObjectFact, Relation
from rag_demo.types import Document


class Names(Protocol):
    """The catalogue of names."""

    def exists(self, name: str) -> bool:
        """Whether anything is called so, in any spelling: «Справочник.X», «Документы.X.Реквизит», «Модуль.Метод»."""


class Knowledge(Names, Protocol):
    """The facts of a configuration; `rag_demo.index.facts.Facts` are."""

    def find(self, name: str, *, limit: int = 20) -> Sequence[ObjectFact | MemberFact | MethodFact]:
        """Everything called exactly so: objects first, then members, then methods."""

    def object(self, name: str) -> ObjectFact | None:
        """The metadata object of that name."""

    def members(self, owner: str, *, kinds: Collection[MemberKind] = ()) -> Sequence[MemberFact]:
        """What an object consists of, in the order of its file."""

    def handlers(self, name: str) -> Sequence[Handled]:
        """What runs on the events of an object, subscriptions to it included."""

    def movements(self, document: str) -> Sequence[Relation]:
        """Registers that a document writes to."""

    def movers(self, register: str) -> Sequence[Relation]:
        """Documents that write to a register."""

    def wrappers(self, method: str) -> Sequence[Wrapped]:
        """Methods of extensions that run before, after or instead of a method."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""


class Library(Protocol):
    """Documents by their names."""

    def named(self, full_name: str) -> Document | None:
        """The document that is called exactly so; of an object in parts, the whole."""


class Nothing:
    """Knowledge of a space that has none: every name may exist, and there is nothing to tell."""

    def exists(self, name: str) -> bool:
        """True."""
        return True

    def find(self, name: str, *, limit: int = 20) -> Sequence[ObjectFact | MemberFact | MethodFact]:
        """Nothing."""
        return ()

    def object(self, name: str) -> ObjectFact | None:
        """Nothing."""
        return None

    def members(self, owner: str, *, kinds: Collection[MemberKind] = ()) -> Sequence[MemberFact]:
        """Nothing."""
        return ()

    def handlers(self, name: str) -> Sequence[Handled]:
        """Nothing."""
        return ()

    def movements(self, document: str) -> Sequence[Relation]:
        """Nothing."""
        return ()

    def movers(self, register: str) -> Sequence[Relation]:
        """Nothing."""
        return ()

    def wrappers(self, method: str) -> Sequence[Wrapped]:
        """Nothing."""
        return ()

    def named(self, full_name: str) -> Document | None:
        """Nothing."""
        return None

    def close(self) -> None:
        """Nothing."""
