"""A small reader of Designer dumps: what is in a dump, by full name.

It knows nothing of the build, so that tests can compare the two. The full names are those of ``golden.yaml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from .build.names import KIND_FOLDERS

_MD = "{http://v8.1c.ru/8.3/MDClasses}"
_CORE = "{http://v8.1c.ru/8.1/data/core}"
_KINDS = {folder: kind for kind, folder in KIND_FOLDERS.items()}
_METHOD = re.compile(
    r"^[ \t]*(?:(?:асинх|async)[ \t]+)?(?P<kind>процедура|функция|procedure|function)[ \t]+(?P<name>\w+)[ \t]*\(",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(r"^[ \t]*(?:конецпроцедуры|конецфункции|endprocedure|endfunction)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Method:
    """A method of a module."""

    full_name: str
    name: str
    directive: str
    parameters: tuple[str, ...]
    export: bool
    comment: str
    body: str


@dataclass(frozen=True)
class Module:
    """A module of a dump."""

    full_name: str
    path: Path
    text: str

    @property
    def methods(self) -> list[Method]:
        """Its methods in their order."""
        return [_method(self, match) for match in _METHOD.finditer(self.text)]


def _method(module: Module, match: re.Match[str]) -> Method:
    ending = _END.search(module.text, match.end())
    stop = ending.end() if ending else len(module.text)
    close = _closing(module.text, match.end() - 1)
    listed = module.text[match.end() : close].split(",")
    names = tuple(part.split("=")[0].split()[-1] for part in listed if part.strip())
    export = re.match(r"\)[ \t\n]*(?:экспорт|export)\b", module.text[close:], re.IGNORECASE) is not None
    above: list[str] = []
    for line in reversed(module.text[: match.start()].split("\n")[:-1]):
        if not line.lstrip().startswith(("//", "&")):
            break
        above.insert(0, line.strip())
    directive = next((line for line in above if line.startswith("&")), "")
    comment = "\n".join(line for line in above if line.startswith("//"))
    name = match["name"]
    return Method(
        f"{module.full_name}.{name}", name, directive, names, export, comment, module.text[match.start() : stop]
    )


def _closing(text: str, start: int) -> int:
    """Position of the bracket that closes the one at ``start``."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)


def module_name(relative: str) -> str:
    """``Catalogs/Валюты/Ext/ObjectModule.bsl`` → ``Catalog.Валюты.ObjectModule``."""
    parts = [part for part in relative.removesuffix(".bsl").split("/") if part != "Ext"]
    if len(parts) == 1:
        return f"Configuration.{parts[0]}"
    owner = f"{_KINDS[parts[0]]}.{parts[1]}"
    if "Forms" in parts or "Commands" in parts:
        return f"{owner}.{parts[2].removesuffix('s')}.{parts[3]}"
    return owner if parts[-1] in ("Module", "CommandModule") else f"{owner}.{parts[-1]}"


def modules(dump: Path) -> list[Module]:
    """Every module of a Designer dump, line ends reduced to bare line feeds."""
    found = []
    for path in sorted(dump.rglob("*.bsl")):
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        found.append(Module(module_name(path.relative_to(dump).as_posix()), path, text))
    return found


@dataclass(frozen=True)
class Object:
    """An object of the configuration with its XML."""

    full_name: str
    path: Path
    element: ET.Element

    @property
    def kind(self) -> str:
        """``Catalog``, ``Document`` and so on."""
        return self.full_name.split(".")[0]

    @property
    def synonym(self) -> str:
        """What users read; the name where there is none."""
        return self.element.findtext(f"{_MD}Properties/{_MD}Synonym/{_CORE}item/{_CORE}content") or self.name

    @property
    def name(self) -> str:
        """The last part of the full name."""
        return self.full_name.rsplit(".", 1)[-1]

    def property(self, name: str) -> str:
        """The text of a property, empty where it has none."""
        return self.element.findtext(f"{_MD}Properties/{_MD}{name}") or ""

    def references(self, name: str) -> list[str]:
        """The items of a list property such as ``RegisterRecords``."""
        listed = self.element.find(f"{_MD}Properties/{_MD}{name}")
        return [item.text or "" for item in listed] if listed is not None else []

    def children(self, tag: str) -> list[ET.Element]:
        """Direct children with their own properties, such as ``Attribute`` or ``TabularSection``."""
        return self.element.findall(f"{_MD}ChildObjects/{_MD}{tag}")

    def part_names(self) -> Iterator[str]:
        """Full names of everything inside the object, tabular sections one level deeper."""
        for child in self.element.findall(f"{_MD}ChildObjects/*"):
            tag = child.tag.removeprefix(_MD)
            if tag == "Subsystem":
                continue
            name = f"{self.full_name}.{tag}.{_name(child)}"
            yield name
            yield from (f"{name}.{_tag(inner)}.{_name(inner)}" for inner in child.findall(f"{_MD}ChildObjects/*"))


def _tag(element: ET.Element) -> str:
    return element.tag.removeprefix(_MD)


def _name(element: ET.Element) -> str:
    return element.findtext(f"{_MD}Properties/{_MD}Name") or (element.text or "").strip()


def objects(dump: Path) -> dict[str, Object]:
    """Every object of a Designer dump by its full name, nested subsystems included."""
    found: dict[str, Object] = {}
    for folder, kind in _KINDS.items():
        for path in sorted((dump / folder).glob("*.xml")):
            _collect(path, f"{kind}.{path.stem}", found)
    return found


def read_xml(path: Path) -> ET.Element:
    """The root of one of our own committed files."""
    return ET.parse(path).getroot()  # noqa: S314


def _collect(path: Path, full_name: str, found: dict[str, Object]) -> None:
    root = read_xml(path)
    found[full_name] = Object(full_name, path, root[0])
    for inner in sorted((path.with_suffix("") / "Subsystems").glob("*.xml")):
        _collect(inner, f"{full_name}.Subsystem.{inner.stem}", found)


def known_names(dump: Path) -> set[str]:
    """Full names of all objects, their parts and their methods."""
    names = {"Configuration"}
    for item in objects(dump).values():
        names.add(item.full_name)
        names.update(item.part_names())
    for module in modules(dump):
        names.update(method.full_name for method in module.methods)
    return names
