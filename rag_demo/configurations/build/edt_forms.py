"""``Form.form``: a managed form as EDT keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from .edt_types import text_nodes, type_node
from .forms import Attribute, Element, FormModel, Table, read_form
from .model import MetaObject, Part
from .xml import Node, el, render

_NAMESPACES = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:core": "http://g5.1c.ru/v8/dt/mcore",
    "xmlns:form": "http://g5.1c.ru/v8/dt/form",
}
_ALL = el("common", "true")


def form_document(owner: MetaObject, form: Part) -> str:
    """The text of ``Form.form``."""
    model = read_form(owner, form)
    numbers = (str(number) for number in count(1))
    nodes = text_nodes("title", model.title)
    nodes += [_field(one, numbers) for one in model.fields]
    nodes += [_table(one, numbers) for one in model.tables]
    nodes.append(_command_bar(model, numbers))
    nodes += _handlers(model.events)
    nodes += [_attribute(one, str(i)) for i, one in enumerate(model.attributes, 1)]
    nodes += [_command(one, str(i)) for i, one in enumerate(model.commands, 1)]
    return render(el("form:Form", nodes, _NAMESPACES), "  ")


def _handlers(events: tuple[tuple[str, str], ...]) -> list[Node]:
    return [el("handlers", [el("event", name), el("name", handler)]) for name, handler in events]


def _path(path: str) -> Node:
    return el("dataPath", el("segments", path), {"xsi:type": "form:DataPath"})


def _field(element: Element, numbers: Iterator[str]) -> Node:
    nodes = [el("name", element.name), el("id", next(numbers)), _path(element.path)]
    nodes += [el("type", "InputField"), *_handlers(element.events)]
    return el("items", nodes, {"xsi:type": "form:FormField"})


def _table(table: Table, numbers: Iterator[str]) -> Node:
    nodes = [el("name", table.name), el("id", next(numbers)), _path(table.path)]
    nodes += _handlers(table.events)
    nodes += [_field(one, numbers) for one in table.columns]
    return el("items", nodes, {"xsi:type": "form:Table"})


def _command_bar(model: FormModel, numbers: Iterator[str]) -> Node:
    nodes = [el("name", "ФормаКоманднаяПанель"), el("id", "-1")]
    for one in model.commands:
        button = [el("name", f"Форма{one.name}"), el("id", next(numbers)), el("type", "CommandBarButton")]
        button.append(el("commandName", f"Form.Command.{one.name}"))
        nodes.append(el("items", button, {"xsi:type": "form:Button"}))
    return el("autoCommandBar", [*nodes, el("autoFill", "true")])


def _attribute(one: Attribute, number: str) -> Node:
    nodes = [el("name", one.name), *text_nodes("title", one.title), el("id", number)]
    nodes += [type_node("valueType", one.notation), el("view", _ALL), el("edit", _ALL)]
    if one.main:
        nodes.append(el("main", "true"))
    if one.main and not one.main_table:
        nodes.append(el("savedData", "true"))
    if one.main_table:
        settings = [el("mainTable", one.main_table), el("dynamicDataRead", "true")]
        nodes.append(el("extInfo", settings, {"xsi:type": "form:DynamicListExtInfo"}))
    return el("attributes", nodes)


def _command(part: Part, number: str) -> Node:
    handler = el("handler", el("name", str(part.spec.get("action", part.name))))
    nodes = [el("name", part.name), *text_nodes("title", part.synonym), el("id", number)]
    nodes += text_nodes("toolTip", str(part.spec.get("tip", "")))
    nodes.append(el("action", handler, {"xsi:type": "form:FormCommandHandlerContainer"}))
    return el("formCommands", nodes)
