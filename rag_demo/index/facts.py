"""Looking facts up in one or more spaces: a configuration and the extensions of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from rag_demo.index.fact_store import FactReader
from rag_demo.index.fact_tables import Named
from rag_demo.index.names import has_kind, name_key, without_table
from rag_demo.ingest.facts import MemberFact, MemberKind, MethodFact, ObjectFact, Relation, RelationKind

_FORM_MEMBERS = frozenset({"form_attribute", "form_command"})
_RANK = {ObjectFact: 0, MemberFact: 1, MethodFact: 2}


class Handled(NamedTuple):
    """What runs on an event; ``method`` is None where there is no such method in the spaces."""

    relation: Relation
    method: MethodFact | None


class Wrapped(NamedTuple):
    """A method of an extension, and how it extends a method of the configuration: Перед, После, Вместо, …."""

    relation: Relation
    method: MethodFact | None


class Facts:
    """Look-ups by name in any form: «Справочник.Валюты», «Справочники.Валюты», "CatalogRef.Валюты", «Валюты».

    Upper and lower case and ё/е are equal. Every answer is in the order of the spaces.
    """

    def __init__(self, readers: Sequence[FactReader]) -> None:
        """Take the facts of each space; the configuration comes before its extensions. They are closed with this."""
        self._readers = tuple(readers)

    def find(self, name: str, *, limit: int = 20) -> list[Named]:
        """Everything called exactly so: objects first, exported methods before others, adopted objects last.

        Args:
            name: a full name, its ending («Модуль.Метод») or its last part.
            limit: the most facts to return.
        """
        key = name_key(name)
        if not key.strip("."):
            return []
        found = self._named(key)
        if not found and (register := without_table(key)) != key:
            found = self._named(register)
        return sorted(found, key=_preference)[:limit]

    def exists(self, name: str) -> bool:
        """Whether there is anything called exactly so: as `find`, but faster."""
        key = name_key(name)
        return any(reader.has(either) for either in {key, without_table(key)} for reader in self._readers)

    def object(self, name: str) -> ObjectFact | None:
        """The metadata object of that name; the configuration's own rather than one that an extension adopted."""
        return next((fact for fact in self.find(name, limit=1) if isinstance(fact, ObjectFact)), None)

    def members(self, owner: str, *, kinds: Collection[MemberKind] = ()) -> list[MemberFact]:
        """What an object or form consists of, in the order of its file; what an extension adopted is not repeated.

        Args:
            owner: an object or a form.
            kinds: only these; empty: all.
        """
        found: dict[str, MemberFact] = {}
        for key in self._keys(owner, (ObjectFact, MemberFact)):
            for fact in (fact for reader in self._readers for fact in reader.members(key)):
                if isinstance(fact, MemberFact) and (not kinds or fact.kind in kinds):
                    found.setdefault(name_key(fact.full_name), fact)
        return list(found.values())

    def methods(self, owner: str, *, export_only: bool = False) -> list[MethodFact]:
        """Methods of a module («РаботаСКурсамиВалют», «Справочник.Валюты.МодульМенеджера») or of all of an object."""
        return [
            fact
            for key in self._keys(owner, (ObjectFact, MemberFact))
            for reader in self._readers
            for fact in reader.methods(key)
            if isinstance(fact, MethodFact) and (fact.export or not export_only)
        ]

    def handlers(self, name: str) -> list[Handled]:
        """What runs on events of an object, form, subscription, job, command or service, and on subscriptions to it."""
        keys = self._keys(name, (ObjectFact, MemberFact))
        relations = [one for key in keys for one in self._relations("handler", source=key, inside=True)]
        for key in keys:
            for target in (key, key.partition(".")[0], *self._defined_types(key)):
                for subject in self._relations("subject", target=target):
                    relations += self._relations("handler", source=name_key(subject.source))
        return [Handled(relation, self._method(relation.target)) for relation in dict.fromkeys(relations)]

    def movements(self, document: str) -> list[Relation]:
        """Registers that a document writes to."""
        return self.relations_from(document, "movement")

    def movers(self, register: str) -> list[Relation]:
        """Documents that write to a register."""
        return self.relations_to(register, "movement")

    def relations_from(self, name: str, kind: RelationKind) -> list[Relation]:
        """The arrows of a kind that begin at an object or method."""
        return [one for key in self._keys(name, (ObjectFact, MethodFact)) for one in self._relations(kind, source=key)]

    def relations_to(self, name: str, kind: RelationKind) -> list[Relation]:
        """The arrows of a kind that end at an object or method."""
        return [one for key in self._keys(name, (ObjectFact, MethodFact)) for one in self._relations(kind, target=key)]

    def subsystems(self, name: str) -> list[Relation]:
        """Subsystems (and exchange plans, journals, functional options) that list an object."""
        return self.relations_to(name, "content")

    def content(self, name: str) -> list[Relation]:
        """What a subsystem, exchange plan, journal or functional option lists."""
        return self.relations_from(name, "content")

    def of_type(self, name: str, *, forms: bool = False) -> list[ObjectFact | MemberFact]:
        """Attributes, dimensions, constants and so on of the type of an object, or of a defined type that holds it.

        Args:
            name: of the object: «Справочник.Валюты».
            forms: also attributes of forms.
        """
        found: dict[str, ObjectFact | MemberFact] = {}
        for key in self._keys(name, (ObjectFact,)):
            for target in (key, *self._defined_types(key)):
                for relation in self._relations("type", target=target):
                    for fact in self._exactly(relation.source):
                        if not isinstance(fact, MethodFact) and (forms or fact.kind not in _FORM_MEMBERS):
                            found.setdefault(fact.full_name, fact)
        return [fact for fact in found.values() if fact.kind != "DefinedType"]

    def wrappers(self, method: str) -> list[Wrapped]:
        """Methods of extensions that run before, after or instead of a method."""
        return [Wrapped(relation, self._method(relation.source)) for relation in self.relations_to(method, "extends")]

    def wrapped(self, method: str) -> list[Wrapped]:
        """What a method of an extension extends."""
        return [Wrapped(relation, self._method(relation.target)) for relation in self.relations_from(method, "extends")]

    def close(self) -> None:
        """Let go of the files. May be called twice."""
        for reader in self._readers:
            reader.close()

    def _named(self, key: str) -> list[Named]:
        found = [fact for reader in self._readers for fact in reader.named(key)]
        if has_kind(key):
            found = [fact for fact in found if name_key(fact.full_name) == key] or found
        return list(dict.fromkeys(found))

    def _exactly(self, full_name: str) -> Iterator[Named]:
        key = name_key(full_name)
        return (fact for fact in self._named(key) if name_key(fact.full_name) == key)

    def _method(self, full_name: str) -> MethodFact | None:
        return next((fact for fact in self._exactly(full_name) if isinstance(fact, MethodFact)), None)

    def _keys(self, name: str, sorts: tuple[type, ...]) -> list[str]:
        """Keys of what a name may mean; the name itself, too, where nothing is called so: it may be a module."""
        key = name_key(name)
        if has_kind(key):
            return [key]
        found = [name_key(fact.full_name) for fact in self.find(name) if isinstance(fact, sorts)]
        return list(dict.fromkeys(found)) or [key]

    def _relations(
        self, kind: RelationKind, *, source: str = "", target: str = "", inside: bool = False
    ) -> list[Relation]:
        return [
            one
            for reader in self._readers
            for one in reader.relations(kind, source=source, target=target, inside=inside)
        ]

    def _defined_types(self, key: str) -> list[str]:
        """Keys of the defined types that hold an object, also by way of another one."""
        found: list[str] = []
        for target in (held := [key]):
            for relation in self._relations("type", target=target):
                source = name_key(relation.source)
                if source.startswith("definedtype.") and source not in held:
                    found.append(source)
                    held.append(source)
        return found


def _preference(fact: Named) -> tuple[int, bool, bool]:
    return (
        _RANK[type(fact)],
        not fact.export if isinstance(fact, MethodFact) else fact.adopted,
        not isinstance(fact, ObjectFact) and fact.owner.count(".") > 1,
    )
