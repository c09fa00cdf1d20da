"""EDT's form bodies in the shape that Designer gives them."""

from __future__ import annotations

from rag_demo.ingest.edt_tree import localised_item, type_element
from rag_demo.ingest.xml_tree import Element

_PARTS = {"items", "autoCommandBar", "contextMenu", "extendedTooltip", "searchStringAddition"}
_TAGS = {"extendedTooltip": "ExtendedTooltip", "Label": "LabelDecoration", "Picture": "PictureDecoration"}


def form_element(source: Element) -> Element:
    """A form: title, events, items, attributes and commands."""
    form = Element("Form", {}, source.line, source.line_end, children=_described(source))
    form.children += [_item(part) for part in source.children if part.tag in _PARTS]
    attributes = [_attribute(element) for element in source.all("attributes")]
    commands = [_command(element) for element in source.all("formCommands")]
    form.children += [Element("Attributes", {}, source.line, source.line_end, children=attributes)]
    form.children += [Element("Commands", {}, source.line, source.line_end, children=commands)]
    return form


def _item(source: Element) -> Element:
    kind = source.value("type") or source.attributes.get("xsi:type", source.tag).rpartition(":")[2]
    tag = _TAGS.get(source.tag) or _TAGS.get(kind, kind)
    children = _described(source) + [_item(part) for part in source.children if part.tag in _PARTS]
    return _named(source, tag, children)


def _described(source: Element) -> list[Element]:
    """Title, tooltip and events of a form, an item, an attribute or a command."""
    children = []
    for name, tag in (("title", "Title"), ("toolTip", "ToolTip")):
        run = source.all(name)
        if run:
            items = [localised_item(element) for element in run]
            children.append(Element(tag, {}, run[0].line, run[-1].line_end, children=items))
    events = [_event(element) for element in source.all("handlers")]
    if events:
        children.append(Element("Events", {}, events[0].line, events[-1].line_end, children=events))
    return children


def _event(source: Element) -> Element:
    event = Element("Event", {}, source.line, source.line_end, source.value("name"))
    event.attributes = {"name": source.value("event")}
    return event


def _attribute(source: Element) -> Element:
    value = source.child("valueType")
    return _named(source, "Attribute", _described(source) + ([type_element(value, "Type")] if value else []))


def _command(source: Element) -> Element:
    action = source.child("action")
    handler = action.child("handler") if action is not None else None
    children = _described(source)
    if handler is not None:
        children.append(Element("Action", {}, handler.line, handler.line_end, handler.value("name")))
    return _named(source, "Command", children)


def _named(source: Element, tag: str, children: list[Element]) -> Element:
    return Element(tag, {"name": source.value("name")}, source.line, source.line_end, children=children)
