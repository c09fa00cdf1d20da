"""From the path of a file in a dump to the metadata object it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

from rag_demo.ingest.kinds import CONFIGURATION, KIND_BY_FOLDER, NESTED_BY_FOLDER, Kind


@dataclass(frozen=True, slots=True)
class Owner:
    """A metadata object as a path names it: the top-level object and what lies inside it."""

    chain: tuple[tuple[Kind, str], ...]

    @property
    def kind(self) -> Kind:
        """Kind of the top-level object."""
        return self.chain[0][0]

    @property
    def name(self) -> str:
        """Name of the top-level object."""
        return self.chain[0][1]

    @property
    def is_top_level(self) -> bool:
        """Whether nothing lies inside: an object of the configuration's tree, or a subsystem at any depth."""
        return all(kind.name == self.kind.name for kind, _ in self.chain)

    @property
    def full_name(self) -> str:
        """``Catalog.Валюты``, ``Catalog.Валюты.Form.ФормаСписка``."""
        return ".".join(f"{kind.name}.{name}" for kind, name in self.chain)

    @property
    def title(self) -> str:
        """``Справочник Валюты › Форма ФормаСписка``."""
        return " › ".join(f"{kind.ru} {name}" for kind, name in self.chain)


def owner_of(parts: tuple[str, ...], configuration: str) -> tuple[Owner, tuple[str, ...]] | None:
    """Owner of a path and the rest of it: ``Catalogs/Валюты/Ext/ObjectModule.bsl`` → ``Ext/ObjectModule.bsl``.

    The object's own file ``Catalogs/Валюты.xml`` gives an empty rest. Nothing for other folders.
    """
    if parts and parts[0] == "Ext":
        return Owner(((CONFIGURATION, configuration),)), parts
    chain: list[tuple[Kind, str]] = []
    kinds, rest = KIND_BY_FOLDER, parts
    while len(rest) > 1 and rest[0] in kinds:
        kind, name = kinds[rest[0]], rest[1]
        if len(rest) == 2:
            if not name.endswith(".xml"):
                return None
            chain.append((kind, name.removesuffix(".xml")))
            return Owner(tuple(chain)), ()
        chain.append((kind, name))
        kinds, rest = NESTED_BY_FOLDER, rest[2:]
    return (Owner(tuple(chain)), rest) if chain else None
