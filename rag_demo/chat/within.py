"""Facts within the filter of a question: a table must not tell what the search was told to leave out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rag_demo.chat.ports import Knowledge
from rag_demo.index.facts import Handled, Wrapped
from rag_demo.index.ports import Where
from rag_demo.ingest.facts import MemberFact, MemberKind, MethodFact, ObjectFact, Origin, Relation, RelationKind
from rag_demo.types import DocType


class Within:
    """Knowledge of which only what passes a filter is told. Whether a name exists does not depend on it."""

    def __init__(self, knowledge: Knowledge, where: Where) -> None:
        """Take the facts and the filter; the facts belong to whoever opened them."""
        self._knowledge = knowledge
        self._where = where

    def exists(self, name: str) -> bool:
        """As without a filter."""
        return self._knowledge.exists(name)

    def find(self, name: str, *, limit: int = 20) -> Sequence[ObjectFact | MemberFact | MethodFact]:
        """Everything called exactly so that passes."""
        return [fact for fact in self._knowledge.find(name, limit=limit) if self._passes(fact)]

    def object(self, name: str) -> ObjectFact | None:
        """The metadata object of that name, if it passes."""
        fact = self._knowledge.object(name)
        return fact if fact is not None and self._passes(fact) else None

    def members(self, owner: str, *, kinds: Collection[MemberKind] = ()) -> Sequence[MemberFact]:
        """What an object consists of, if the object passes."""
        return [fact for fact in self._knowledge.members(owner, kinds=kinds) if self._passes(fact)]

    def handlers(self, name: str) -> Sequence[Handled]:
        """What runs on the events of an object, of what passes."""
        return [one for one in self._knowledge.handlers(name) if one.method is not None and self._passes(one.method)]

    def relations_from(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """What an object is linked with, if the object passes: it is what says so."""
        return self._documents(self._knowledge.relations_from(name, kind))

    def relations_to(self, name: str, kind: RelationKind) -> Sequence[Relation]:
        """What is linked with an object, of what passes."""
        return self._documents(self._knowledge.relations_to(name, kind))

    def of_type(self, name: str) -> Sequence[ObjectFact | MemberFact]:
        """Attributes of the type of an object, of what passes."""
        return [fact for fact in self._knowledge.of_type(name) if self._passes(fact)]

    def methods(self, owner: str, *, export_only: bool = False) -> Sequence[MethodFact]:
        """Methods of a module, those that pass."""
        return [fact for fact in self._knowledge.methods(owner, export_only=export_only) if self._passes(fact)]

    def wrappers(self, method: str) -> Sequence[Wrapped]:
        """Methods of extensions around a method, those that pass."""
        return [one for one in self._knowledge.wrappers(method) if one.method is not None and self._passes(one.method)]

    def close(self) -> None:
        """Nothing: the facts are not ours."""

    def _documents(self, found: Sequence[Relation]) -> list[Relation]:
        return [one for one in found if self._shown("metadata_object", one.source, one.origin)]

    def _passes(self, fact: ObjectFact | MemberFact | MethodFact) -> bool:
        sort: DocType = "method" if isinstance(fact, MethodFact) else "metadata_object"
        return self._shown(sort, fact.full_name, fact.origin)

    def _shown(self, sort: DocType, name: str, origin: Origin) -> bool:
        where = self._where
        return (
            (not where.space_ids or origin.space_id in where.space_ids)
            and (not where.doc_types or sort in where.doc_types)
            and (not where.kinds or name.partition(".")[0] in where.kinds)
        )
