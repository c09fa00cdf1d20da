"""The short notation of forms, read once for both dump formats.

A line of ``fields`` or ``columns`` is ``Path Event=Handler Event=Handler``.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import MetaObject, Part

_STANDARD = {
    "Номер": "Number",
    "Дата": "Date",
    "Код": "Code",
    "Наименование": "Description",
    "Родитель": "Parent",
    "Владелец": "Owner",
    "Период": "Period",
    "Проведен": "Posted",
    "Ссылка": "Ref",
}
_MAIN_TYPES = {
    "Catalog": "СправочникОбъект",
    "Document": "ДокументОбъект",
    "DataProcessor": "ОбработкаОбъект",
    "Report": "ОтчетОбъект",
    "InformationRegister": "ЗаписьСведений",
}


@dataclass(frozen=True)
class Element:
    """A field of a form (or a column of a table)."""

    name: str
    path: str
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table of a form."""

    name: str
    path: str
    columns: tuple[Element, ...]
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Attribute:
    """An attribute of a form."""

    name: str
    notation: str
    title: str
    main: bool = False
    main_table: str = ""
    columns: tuple[Part, ...] = ()


@dataclass(frozen=True)
class FormModel:
    """A form as both writers need it."""

    name: str
    title: str
    events: tuple[tuple[str, str], ...]
    fields: tuple[Element, ...]
    tables: tuple[Table, ...]
    attributes: tuple[Attribute, ...]
    commands: tuple[Part, ...]


def read_form(owner: MetaObject, form: Part) -> FormModel:
    """Resolve the notation of one form."""
    attributes = _attributes(owner, form)
    own = {one.name for one in attributes if not one.main}
    main = next((one.name for one in attributes if one.main), "")
    fields = tuple(_element(line, "" if _first(line) in own else main) for line in form.spec.get("fields") or ())
    return FormModel(
        form.name,
        str(form.spec.get("title", "")),
        tuple((form.spec.get("events") or {}).items()),
        fields,
        tuple(_tables(form, main, own)),
        tuple(attributes),
        tuple(form.parts("commands")),
    )


def _attributes(owner: MetaObject, form: Part) -> list[Attribute]:
    found = []
    if form.spec.get("columns"):
        found.append(Attribute("Список", "ДинамическийСписок", "", True, owner.full_name))
    elif owner.kind in _MAIN_TYPES:
        name = {"InformationRegister": "Запись", "Report": "Отчет"}.get(owner.kind, "Объект")
        found.append(Attribute(name, f"{_MAIN_TYPES[owner.kind]}.{owner.name}", "", True))
    for part in form.parts("attributes"):
        title = str(part.spec.get("synonym", part.synonym))
        found.append(
            Attribute(part.name, str(part.spec["type"]), title, columns=tuple(part.parts("columns"))),
        )
    return found


def _first(line: str) -> str:
    return line.split(maxsplit=1)[0]


def _element(line: str, prefix: str, table: str = "") -> Element:
    path, *events = line.split()
    name = table + path.replace(".", "")
    last = path if table else _STANDARD.get(path, path)
    full = f"{prefix}.{last}" if prefix else path
    return Element(name, full, tuple(_event(one) for one in events))


def _event(text: str) -> tuple[str, str]:
    name, _, handler = text.partition("=")
    return name, handler


def _tables(form: Part, main: str, own: set[str]) -> list[Table]:
    if form.spec.get("columns"):
        columns = tuple(_element(line, "Список") for line in form.spec["columns"])
        events = tuple((form.spec.get("list_events") or {}).items())
        return [Table("Список", "Список", columns, events)]
    tables = []
    for part in form.parts("tables"):
        path = part.name if part.name in own else f"{main}.{part.name}"
        columns = tuple(_element(line, path, part.name) for line in part.spec["columns"])
        tables.append(Table(part.name, path, columns, tuple((part.spec.get("events") or {}).items())))
    return tables
