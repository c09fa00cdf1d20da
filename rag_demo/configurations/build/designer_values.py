"""How a Designer dump writes values: localised texts, types, references, properties."""

from __future__ import annotations

from functools import partial
from typing import Any

from .model import Part
from .properties import STANDARD_ATTRIBUTES, input_fields
from .types import Type, parse_type
from .xml import Node, el

_NIL = {"xsi:nil": "true"}


def localised(tag: str, text: str) -> Node:
    """A text for the only language of the configuration; empty stays empty."""
    if not text:
        return el(tag)
    return el(tag, el("v8:item", [el("v8:lang", "ru"), el("v8:content", text)]))


def type_node(tag: str, notation: str) -> Node:
    """A ``Type`` (or ``Source``) element from the short notation."""
    types = parse_type(notation) if notation else ()
    names = [el("v8:TypeSet" if one.is_set else "v8:Type", one.designer) for one in types]
    return el(tag, names + [node for one in types for node in _qualifiers(one)])


def _qualifiers(one: Type) -> list[Node]:
    if one.base == "Строка":
        length = one.arguments[0] if one.arguments else "0"
        return [el("v8:StringQualifiers", [el("v8:Length", length), el("v8:AllowedLength", "Variable")])]
    if one.base == "Число":
        digits, fraction = (*one.arguments, "0", "0")[:2]
        sign = "Nonnegative" if "+" in one.arguments else "Any"
        return [
            el(
                "v8:NumberQualifiers",
                [
                    el("v8:Digits", digits),
                    el("v8:FractionDigits", "0" if fraction == "+" else fraction),
                    el("v8:AllowedSign", sign),
                ],
            )
        ]
    if one.base in ("Дата", "ДатаВремя"):
        fractions = "Date" if one.base == "Дата" else "DateTime"
        return [el("v8:DateQualifiers", el("v8:DateFractions", fractions))]
    return []


def property_nodes(part: Part, path: str, name: str, default: str, value: Any) -> list[Node]:
    """One property of an object or part, ``value`` is None where the default holds."""
    if name == "*standard":
        return _standard_attributes(part, path.partition(".")[0])
    if default == "*type":
        return [type_node(name, str(value or part.spec.get("type", "")))]
    if default == "*text":
        return [localised(name, str(value or ""))]
    if default == "*nil":
        return [el(name, "", _NIL) if value is None else _typed_value(name, value)]
    if default.startswith("*"):
        return [el(name, _listed(default, path, value))]
    return [el(name, default if value is None else plain(value))]


def _listed(default: str, path: str, value: Any) -> list[Node]:
    """The items of a list property; ``default`` says how they are written."""
    if default == "*purposes":
        return [el("v8:Value", "PlatformApplication", {"xsi:type": "app:ApplicationUsePurpose"})]
    if default == "*fields":
        return [el("xr:Field", f"{path}.{target}") for target in value or input_fields(path)]
    make = reference if default == "*refs" else partial(el, "xr:Object")
    return [make(str(target)) for target in value or ()]


def reference(target: str) -> Node:
    """An item of a list of references."""
    return el("xr:Item", target, {"xsi:type": "xr:MDObjectRef"})


def plain(value: Any) -> str:
    """Booleans the way XML writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed_value(name: str, value: Any) -> Node:
    if isinstance(value, bool):
        return el(name, plain(value), {"xsi:type": "xs:boolean"})
    if isinstance(value, (int, float)):
        return el(name, str(value), {"xsi:type": "xs:decimal"})
    kind = "xr:DesignTimeRef" if "." in value else "xs:string"
    return el(name, value, {"xsi:type": kind})


_STANDARD_DEFAULTS = [
    "LinkByType",
    "FillChecking=DontCheck",
    "MultiLine=false",
    "FillFromFillingValue=false",
    "CreateOnInput=Auto",
    "MaxValue=nil",
    "ToolTip",
    "ExtendedEdit=false",
    "Format",
    "ChoiceForm",
    "QuickChoice=Auto",
    "ChoiceHistoryOnInput=Auto",
    "EditFormat",
    "PasswordMode=false",
    "DataHistory=Use",
    "MarkNegatives=false",
    "MinValue=nil",
    "Synonym",
    "Comment",
    "FullTextSearch=Use",
    "ChoiceParameterLinks",
    "FillValue=nil",
    "Mask",
    "ChoiceParameters",
]


def _standard_attributes(part: Part, kind: str) -> list[Node]:
    changed = part.spec.get("standard") or {}
    if not changed:
        return []
    return [el("StandardAttributes", [_standard(name, changed.get(name, {})) for name in STANDARD_ATTRIBUTES[kind]])]


def _standard(name: str, changed: dict[str, Any]) -> Node:
    texts = {"Synonym": changed.get("synonym", ""), "ToolTip": changed.get("tip", "")}
    nodes = []
    for line in _STANDARD_DEFAULTS:
        key, _, value = line.partition("=")
        if key in texts:
            nodes.append(localised(f"xr:{key}", texts[key]))
        else:
            value = str(changed.get(key, value))
            nodes.append(el(f"xr:{key}", "", _NIL) if value == "nil" else el(f"xr:{key}", value))
    return el("xr:StandardAttribute", nodes, {"name": name})
