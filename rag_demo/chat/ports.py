# ruff: noqa: ARG002  # `Nothing` asks nobody
"""What the chat needs to know of a configuration, whoever knows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from rag_demo.index.facts import Handled, Wrapped
from rag_demo.ingest.facts import MemberFact, MemberKind, MethodFact, ObjectFact, Relation, RelationKind
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

    def relations_from(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """What an object is linked with, where its own file says so: its owners, bases, content, movements."""

    def relations_to(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """The same from the other end: what an object owns, is the basis of, is listed or written to by."""

    def of_type(self, name: str) -> Sequence[ObjectFact | MemberFact]:
        """Attributes, constants and so on of the type of an object."""

    def methods(self, owner: str, *, export_only: bool = False) -> Sequence[MethodFact]:
        """Methods of a module, or of all modules of an object."""

    def wrappers(self, method: str) -> Sequence[Wrapped]:
        """Methods of extensions that run before, after or instead of a method."""

    def close(self) -> None:
        """Let go of the files. May be called twice."""


class Library(Protocol):
    """Documents by their names."""

    def named(self, full_name: str, *, space_id: str = "", line: int = 0) -> Document | None:
        """The document that is called exactly so.

        Args:
            full_name: as the index writes it.
            space_id: of this space; default: of the first that has one.
            line: of an object in parts that do not lie together, the part with this line; default: the first part.
        """


class Mentions(Protocol):
    """Finds the documents that have a name in their text."""

    def __call__(self, name: str) -> Sequence[Document]:
        """Those of the searched spaces, most relevant first; not all if there are very many."""


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

    def relations_from(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """Nothing."""
        return ()

    def relations_to(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """Nothing."""
        return ()

    def of_type(self, name: str) -> Sequence[ObjectFact | MemberFact]:
        """Nothing."""
        return ()

    def methods(self, owner: str, *, export_only: bool = False) -> Sequence[MethodFact]:
        """Nothing."""
        return ()

    def wrappers(self, method: str) -> Sequence[Wrapped]:
        """Nothing."""
        return ()

    def named(self, full_name: str, *, space_id: str = "", line: int = 0) -> Document | None:
        """Nothing."""
        return None

    def __call__(self, name: str) -> Sequence[Document]:
        """Nothing."""
        return ()

    def close(self) -> None:
        """Nothing."""
