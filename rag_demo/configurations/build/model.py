"""Reads the description: which objects there are and what they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from .names import KIND_FOLDERS, stable_uuid, words

_KNOWN_KEYS = {
    "synonym", "comment", "props", "new_objects", "methods", "code", "standard", "attributes", "tabular",
    "dimensions", "resources", "values", "columns", "forms", "commands", "templates", "predefined", "urls",
    "rights", "schedule", "children", "type", "adopted", "form", "tip", "areas", "query", "fields", "totals",
    "parameters", "tables", "events", "list_events", "title", "action",
}  # fmt: skip


AnyPart = TypeVar("AnyPart", bound="Part")


class DescriptionError(ValueError):
    """The description names something that the build does not know."""


@dataclass(frozen=True)
class Part:
    """A named thing inside an object: attribute, tabular section, form, command or template."""

    name: str
    spec: Mapping[str, Any]

    @property
    def synonym(self) -> str:
        """What the user reads."""
        return str(self.spec.get("synonym", words(self.name)))

    @property
    def comment(self) -> str:
        """The developer's remark."""
        return str(self.spec.get("comment", ""))

    @property
    def props(self) -> dict[str, Any]:
        """Properties that differ from the defaults of the kind."""
        named = {key: value for key, value in self.spec.items() if _is_property(key)}
        if "tip" in self.spec:
            named["ToolTip"] = self.spec["tip"]
        return named | dict(self.spec.get("props", {}))

    def parts(self, key: str) -> list[Part]:
        """The named things under ``key``, in their order."""
        named = (self.spec.get(key) or {}).items()
        return [_checked(Part(name, _as_spec(value)), self.name) for name, value in named]


@dataclass(frozen=True)
class MetaObject(Part):
    """A top-level object, or a nested subsystem (then ``owner`` is its parent's full name)."""

    kind: str = ""
    owner: str = ""

    @property
    def full_name(self) -> str:
        """``Catalog.Валюты``; nested subsystems repeat the kind, as the platform does."""
        own = f"{self.kind}.{self.name}"
        return f"{self.owner}.{own}" if self.owner else own

    @property
    def folder(self) -> str:
        """The object's folder in both forms of the dump, without a slash at the end."""
        own = f"{KIND_FOLDERS[self.kind]}/{self.name}"
        return f"{Subsystems.folder(self.owner)}/{own}" if self.owner else own

    @property
    def adopted(self) -> bool:
        """True for an object that an extension borrows."""
        return bool(self.spec.get("adopted"))

    def nested(self) -> list[MetaObject]:
        """Subsystems inside this subsystem."""
        children = (self.spec.get("children") or {}).items()
        return [MetaObject(name, _as_spec(spec), self.kind, self.full_name) for name, spec in children]


class Subsystems:
    """Paths of nested subsystems."""

    @staticmethod
    def folder(full_name: str) -> str:
        """``Subsystem.A.Subsystem.B`` → ``Subsystems/A/Subsystems/B``."""
        names = full_name.split(".")[1::2]
        return "/".join(f"Subsystems/{name}" for name in names)


@dataclass(frozen=True)
class Description:
    """A configuration or an extension as a whole."""

    root: Mapping[str, Any]
    objects: tuple[MetaObject, ...]
    modules: Mapping[str, str] = field(default_factory=dict)
    help: Mapping[str, str] = field(default_factory=dict)
    base_name: str = ""

    @property
    def name(self) -> str:
        """Name of the configuration or extension."""
        return str(self.root["name"])

    @property
    def is_extension(self) -> bool:
        """True where ``base_name`` names the configuration that is extended."""
        return bool(self.base_name)

    def uuid(self, *parts: str) -> str:
        """A stable uuid inside this configuration."""
        return stable_uuid(self.name, *parts)

    def everything(self) -> Iterator[MetaObject]:
        """All objects, nested subsystems included."""
        pending = list(self.objects)
        while pending:
            current = pending.pop(0)
            yield current
            pending = current.nested() + pending if current.kind == "Subsystem" else pending


def load(directory: Path, base_name: str = "") -> Description:
    """Read ``description``, ``modules`` and ``help`` under ``directory``."""
    root: dict[str, Any] = {}
    found: dict[str, dict[str, MetaObject]] = {kind: {} for kind in KIND_FOLDERS}
    for file in sorted((directory / "description").glob("*.yaml")):
        for kind, members in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            if kind == "Configuration":
                root = members
                continue
            if kind not in found:
                raise DescriptionError(f"{file.name}: unknown kind {kind}")
            for name, spec in members.items():
                found[kind][name] = _checked(MetaObject(name, _as_spec(spec), kind), file.name)
    ordered = tuple(found[kind][name] for kind in KIND_FOLDERS for name in _order(kind, found[kind]))
    return Description(
        root, ordered, _texts(directory / "modules", ".bsl"), _texts(directory / "help", ".html"), base_name
    )


def _order(kind: str, members: Mapping[str, MetaObject]) -> list[str]:
    return list(members) if kind == "Subsystem" else sorted(members)


def _checked(item: AnyPart, where: str) -> AnyPart:
    unknown = [key for key in item.spec if key not in _KNOWN_KEYS and not _is_property(key)]
    if unknown:
        raise DescriptionError(f"{where}: {item.name} has unknown keys {unknown}")
    return item


def _is_property(key: str) -> bool:
    return key.isascii() and key[:1].isupper()


def _as_spec(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"type": value}


def _texts(directory: Path, suffix: str) -> dict[str, str]:
    """Path without suffix → text, with bare line feeds."""
    files = sorted(directory.rglob(f"*{suffix}")) if directory.is_dir() else []
    return {
        file.relative_to(directory).with_suffix("").as_posix(): file.read_bytes().decode("utf-8").replace("\r\n", "\n")
        for file in files
    }
