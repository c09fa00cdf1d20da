"""``Form.xml`` of a managed form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from .designer_values import localised, type_node
from .forms import Attribute, Element, FormModel, Table, read_form
from .model import MetaObject, Part
from .xml import Node, el, render

_BASE = "http://v8.1c.ru/8.1"
_NAMESPACES = {
    "xmlns": "http://v8.1c.ru/8.3/xcf/logform",
    "xmlns:app": "http://v8.1c.ru/8.2/managed-application/core",
    "xmlns:cfg": f"{_BASE}/data/enterprise/current-config",
    "xmlns:dcscor": f"{_BASE}/data-composition-system/core",
    "xmlns:dcsset": f"{_BASE}/data-composition-system/settings",
    "xmlns:ent": f"{_BASE}/data/enterprise",
    "xmlns:lf": "http://v8.1c.ru/8.2/managed-application/logform",
    "xmlns:mxl": "http://v8.1c.ru/8.2/data/spreadsheet",
    "xmlns:style": f"{_BASE}/data/ui/style",
    "xmlns:v8": f"{_BASE}/data/core",
    "xmlns:v8ui": f"{_BASE}/data/ui",
    "xmlns:xr": "http://v8.1c.ru/8.3/xcf/readable",
    "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "version": "2.17",
}


def form_body(owner: MetaObject, form: Part) -> str:
    """The text of ``Form.xml``."""
    model = read_form(owner, form)
    numbers = (str(number) for number in count(1))
    nodes = [localised("Title", model.title)] if model.title else []
    nodes.append(_command_bar(model, numbers))
    if model.events:
        nodes.append(_events(model.events))
    nodes.append(el("ChildItems", _items(model, numbers)))
    nodes.append(el("Attributes", [_attribute(one, str(i)) for i, one in enumerate(model.attributes, 1)]))
    if model.commands:
        nodes.append(el("Commands", [_command(one, str(i)) for i, one in enumerate(model.commands, 1)]))
    return render(el("Form", nodes, _NAMESPACES), "\t")


def _command_bar(model: FormModel, numbers: Iterator[str]) -> Node:
    buttons = [
        el(
            "Button",
            [el("Type", "CommandBarButton"), el("CommandName", f"Form.Command.{one.name}")],
            {"name": f"Форма{one.name}", "id": next(numbers)},
        )
        for one in model.commands
    ]
    children = [el("ChildItems", buttons)] if buttons else []
    return el("AutoCommandBar", children, {"name": "ФормаКоманднаяПанель", "id": "-1"})


def _events(events: tuple[tuple[str, str], ...]) -> Node:
    return el("Events", [el("Event", handler, {"name": name}) for name, handler in events])


def _items(model: FormModel, numbers: Iterator[str]) -> list[Node]:
    nodes = [_field(one, numbers) for one in model.fields]
    return nodes + [_table(one, numbers) for one in model.tables]


def _decoration(tag: str, owner: str, suffix: str, numbers: Iterator[str]) -> Node:
    return el(tag, "", {"name": owner + suffix, "id": next(numbers)})


def _field(element: Element, numbers: Iterator[str]) -> Node:
    attributes = {"name": element.name, "id": next(numbers)}
    nodes = [
        el("DataPath", element.path),
        _decoration("ContextMenu", element.name, "КонтекстноеМеню", numbers),
        _decoration("ExtendedTooltip", element.name, "РасширеннаяПодсказка", numbers),
    ]
    if element.events:
        nodes.append(_events(element.events))
    return el("InputField", nodes, attributes)


def _table(table: Table, numbers: Iterator[str]) -> Node:
    attributes = {"name": table.name, "id": next(numbers)}
    nodes = [
        el("DataPath", table.path),
        _decoration("ContextMenu", table.name, "КонтекстноеМеню", numbers),
        _decoration("AutoCommandBar", table.name, "КоманднаяПанель", numbers),
    ]
    if table.events:
        nodes.append(_events(table.events))
    nodes.append(el("ChildItems", [_field(one, numbers) for one in table.columns]))
    return el("Table", nodes, attributes)


def _attribute(one: Attribute, number: str) -> Node:
    nodes = [localised("Title", one.title)] if one.title else []
    nodes.append(type_node("Type", one.notation))
    if one.main:
        nodes.append(el("MainAttribute", "true"))
    if one.main and not one.main_table:
        nodes.append(el("SavedData", "true"))
    if one.columns:
        nodes.append(el("Columns", [_column(part, str(i)) for i, part in enumerate(one.columns, 1)]))
    if one.main_table:
        settings = [el("ManualQuery", "false"), el("DynamicDataRead", "true"), el("MainTable", one.main_table)]
        nodes.append(el("Settings", settings, {"xsi:type": "DynamicList"}))
    return el("Attribute", nodes, {"name": one.name, "id": number})


def _column(part: Part, number: str) -> Node:
    nodes = [localised("Title", part.synonym), type_node("Type", str(part.spec["type"]))]
    return el("Column", nodes, {"name": part.name, "id": number})


def _command(part: Part, number: str) -> Node:
    nodes = [localised("Title", part.synonym)]
    if "tip" in part.spec:
        nodes.append(localised("ToolTip", str(part.spec["tip"])))
    nodes.append(el("Action", str(part.spec.get("action", part.name))))
    return el("Command", nodes, {"name": part.name, "id": number})
