"""Metadata objects as the path of a file names them."""

from __future__ import annotations

from dataclasses import dataclass

from rag_demo.ingest.kinds import CONFIGURATION, KIND_BY_FOLDER, NESTED_BY_FOLDER, Kind


@dataclass(frozen=True, slots=True)
class Owner:
    """A top-level object, and what lies inside it: a form, a command, a subsystem."""

    chain: tuple[tuple[Kind, str], ...]

    @property
    def kind(self) -> Kind:
        """Kind of the top-level object."""
        return self.chain[0][0]

    @property
    def name(self) -> str:
        """Name of the top-level object; of a subsystem inside others, its own."""
        return self.chain[-1][1] if self.is_top_level else self.chain[0][1]

    @property
    def is_top_level(self) -> bool:
        """Whether it is an object of the configuration's tree; subsystems are, at any depth."""
        return all(kind.name == self.kind.name for kind, _ in self.chain)

    @property
    def full_name(self) -> str:
        """``Catalog.Валюты``, ``Catalog.Валюты.Form.ФормаСписка``."""
        return ".".join(f"{kind.name}.{name}" for kind, name in self.chain)

    @property
    def top_name(self) -> str:
        """Full name of the top-level object."""
        kind, name = self.chain[0]
        return f"{kind.name}.{name}"

    @property
    def module_name(self) -> str:
        """What the names of its modules begin with. There is one configuration, so its name is left out."""
        return CONFIGURATION.name if self.kind is CONFIGURATION else self.full_name

    @property
    def title(self) -> str:
        """``Справочник Валюты › Форма ФормаСписка``."""
        return " › ".join(f"{kind.ru} {name}" for kind, name in self.chain)


def nested_owner(parts: tuple[str, ...]) -> tuple[Owner, tuple[str, ...]] | None:
    """Owner of a path and the rest of it, or nothing outside the folders of objects.

    ``Catalogs/Валюты/Forms/Ф/Ext/Form.xml`` → the form Ф and ``Ext/Form.xml``;
    ``Catalogs/Валюты.xml`` → the catalogue and ``Валюты.xml``.
    """
    chain: list[tuple[Kind, str]] = []
    kinds, rest = KIND_BY_FOLDER, parts
    while len(rest) > 1 and rest[0] in kinds:
        kind, name = kinds[rest[0]], rest[1]
        if len(rest) == 2:
            chain.append((kind, name.removesuffix(".xml")))
            rest = rest[1:]
            break
        chain.append((kind, name))
        kinds, rest = NESTED_BY_FOLDER, rest[2:]
    return (Owner(tuple(chain)), rest) if chain else None
