"""How EDT writes values: texts with a language key, types without prefixes, defaults left out."""

from __future__ import annotations

from typing import Any

from .model import Part
from .properties import STANDARD_ATTRIBUTES, input_fields, properties_of
from .types import Type, parse_type
from .xml import Node, el

# Properties that EDT writes even where they have the default value.
_ALWAYS = {"CodeLength", "DescriptionLength", "NumberLength", "InformationRegisterPeriodicity", "WriteMode", "Handler"}
_NAMES = {"ToolTip": "toolTip", "HTTPMethod": "httpMethod", "RootURL": "rootURL"}
_LISTS = {"*refs", "*objects"}


def camel(name: str) -> str:
    """``CodeLength`` → ``codeLength``."""
    return _NAMES.get(name, name[:1].lower() + name[1:])


def text_nodes(tag: str, text: str) -> list[Node]:
    """A localised text, nothing where it is empty."""
    return [el(tag, [el("key", "ru"), el("value", text)])] if text else []


def type_node(tag: str, notation: str) -> Node:
    """A type from the short notation."""
    types = parse_type(notation)
    nodes = [el("types", one.edt) for one in types]
    return el(tag, nodes + [node for one in types for node in _qualifiers(one)])


def _qualifiers(one: Type) -> list[Node]:
    if one.base == "Строка":
        return [el("stringQualifiers", [el("length", one.arguments[0])] if one.arguments else [])]
    if one.base == "Число":
        nodes = [el("precision", one.arguments[0])]
        if len(one.arguments) > 1 and one.arguments[1] not in ("0", "+"):
            nodes.append(el("scale", one.arguments[1]))
        if "+" in one.arguments:
            nodes.append(el("nonNegative", "true"))
        return [el("numberQualifiers", nodes)]
    if one.base in ("Дата", "ДатаВремя"):
        return [el("dateQualifiers", [el("dateFractions", "Date")] if one.base == "Дата" else [])]
    return []


def property_nodes(part: Part, kind: str, path: str = "") -> list[Node]:
    """Everything of a part that differs from the defaults of its kind; ``path`` is the full name of an object."""
    nodes: list[Node] = []
    values = part.props
    for name, default in properties_of(kind):
        if name == "*standard":
            nodes.extend(_standard_attributes(part, kind))
        elif default == "*fields":
            fields = values.get(name) or input_fields(path)
            nodes.extend(el(camel(name), f"{path}.{field}") for field in fields)
        else:
            nodes.extend(_property(part, name, default, values.get(name)))
    return nodes


def _standard_attributes(part: Part, kind: str) -> list[Node]:
    changed = part.spec.get("standard") or {}
    names = STANDARD_ATTRIBUTES[kind] if changed else ()
    return [el("standardAttributes", _standard(name, changed.get(name, {}))) for name in names]


def _standard(name: str, changed: dict[str, Any]) -> list[Node]:
    undefined = {"xsi:type": "core:UndefinedValue"}
    return [
        el("dataHistory", "Use"),
        el("name", name),
        *text_nodes("synonym", str(changed.get("synonym", ""))),
        el("fillValue", "", undefined),
        el("fullTextSearch", "Use"),
        el("minValue", "", undefined),
        el("maxValue", "", undefined),
        *text_nodes("toolTip", str(changed.get("tip", ""))),
    ]


def _property(part: Part, name: str, default: str, value: Any) -> list[Node]:
    tag = camel(name)
    if default == "*type":
        notation = str(value or part.spec.get("type", ""))
        return [type_node(tag, notation)] if notation else []
    if default == "*text":
        return text_nodes(tag, str(value or ""))
    if default in _LISTS:
        return [el(tag, str(target)) for target in value or ()]
    if default == "*purposes":
        return [el(tag, "PersonalComputer")]
    if default == "*nil":
        return []
    text = default if value is None else (str(value).lower() if isinstance(value, bool) else str(value))
    return [el(tag, text)] if text not in ("", "false") and (text != default or name in _ALWAYS) else []
