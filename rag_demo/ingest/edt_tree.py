"""EDT's elements in the shape that Designer gives them, with the lines of the EDT file.

Everything behind the layouts reads one shape only: ``Properties`` and ``ChildObjects`` with capital names.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.ingest.xml_tree import Element

_CHILDREN = {
    "accountingFlags": "AccountingFlag",
    "addressingAttributes": "AddressingAttribute",
    "attributes": "Attribute",
    "columns": "Column",
    "commands": "Command",
    "dimensions": "Dimension",
    "enumValues": "EnumValue",
    "extDimensionAccountingFlags": "ExtDimensionAccountingFlag",
    "fields": "Field",
    "forms": "Form",
    "integrationServiceChannels": "IntegrationServiceChannel",
    "methods": "Method",
    "operations": "Operation",
    "parameters": "Parameter",
    "recalculations": "Recalculation",
    "resources": "Resource",
    "subsystems": "Subsystem",
    "tables": "Table",
    "tabularSections": "TabularSection",
    "templates": "Template",
    "urlTemplates": "URLTemplate",
}
_REFERENCE_LISTS = {"basedOn", "content", "documents", "owners", "registerRecords", "registeredDocuments"}
_LEFT_OUT = {"predefined", "producedTypes", "containedObjects", "extension"}
_RENAMED = {
    "httpMethod": "HTTPMethod",
    "rootURL": "RootURL",
    "xdtoReturningValueType": "XDTOReturningValueType",
    "xdtoValueType": "XDTOValueType",
}
# What an answer needs and EDT leaves out; an adopted object leaves it to the configuration.
_DEFAULTS = {
    "AccumulationRegister": {"RegisterType": "Balance"},
    "InformationRegister": {"InformationRegisterPeriodicity": "Nonperiodical", "WriteMode": "Independent"},
}
_PRIMITIVE_TYPES = {"String": "string", "Number": "decimal", "Date": "dateTime"}
_TYPE_DETAILS = {
    "dateFractions": "DateFractions",
    "dateQualifiers": "DateQualifiers",
    "length": "Length",
    "numberQualifiers": "NumberQualifiers",
    "precision": "Digits",
    "scale": "FractionDigits",
    "stringQualifiers": "StringQualifiers",
}


def object_element(source: Element, tag: str) -> Element:
    """An object with ``Properties`` and ``ChildObjects``."""
    properties = Element("Properties", {}, source.line, source.line)
    children = Element("ChildObjects", {}, source.line, source.line_end)
    for name, found in groupby(source.children, key=lambda element: element.tag):
        run = list(found)
        if tag == "Configuration" and _is_kind(name, run[0].text):
            children.children += [_named(element) for element in run]
        elif name in _CHILDREN and tag != "Configuration":
            children.children += [_child(element, _CHILDREN[name]) for element in run]
        elif name not in _LEFT_OUT:
            properties.children.append(_property(run))
            properties.line_end = run[-1].line_end
    if properties.value("ObjectBelonging") != "Adopted":
        said = {element.tag for element in properties.children}
        left_out = (item for item in _DEFAULTS.get(tag, {}).items() if item[0] not in said)
        properties.children += [Element(name, {}, source.line, source.line, value) for name, value in left_out]
    return _like(source, tag, children=[properties, children])


def predefined_element(source: Element) -> Element | None:
    """The predefined items of an object's file."""
    predefined = source.child("predefined")
    if predefined is None:
        return None
    return _like(predefined, "PredefinedData", children=[_item(item) for item in predefined.all("items")])


def _item(source: Element) -> Element:
    code = source.child("code")
    children = [_property([element]) for element in source.children if element.tag in {"name", "description", "type"}]
    if code is not None:
        children.append(_like(code, "Code", text=code.value("value") or code.text))
    inner = source.all("content")
    if inner:
        items = [_item(element) for element in inner]
        children.append(Element("ChildItems", {}, inner[0].line, inner[-1].line_end, children=items))
    return _like(source, "Item", children=children)


def _is_kind(tag: str, reference: str) -> bool:
    kind = KIND_BY_NAME.get(reference.partition(".")[0])
    return kind is not None and kind.folder.lower() == tag.lower()


def _named(source: Element) -> Element:
    kind, _, name = source.text.partition(".")
    return _like(source, kind, text=name)


def _child(source: Element, tag: str) -> Element:
    if source.children:
        return object_element(source, tag)
    return _like(source, tag, text=source.text.rpartition(".")[2])


def _property(run: list[Element]) -> Element:
    first = run[0]
    tag = _RENAMED.get(first.tag, first.tag[:1].upper() + first.tag[1:])
    if first.child("key") is not None:
        return _spanning(run, tag, [localised_item(element) for element in run])
    if any(child.tag == "types" for child in first.children):
        return type_element(first, tag)
    if first.tag == "standardAttributes":
        return _spanning(run, tag, [_standard_attribute(element) for element in run])
    if first.tag in _REFERENCE_LISTS:
        items = [_like(element, "Item", text=_first_text(element)) for element in run]
        return _spanning(run, tag, items)
    return _like(first, tag, text=_first_text(first))


def localised_item(source: Element) -> Element:
    """A text in one language."""
    texts = [_like(source, "lang", text=source.value("key")), _like(source, "content", text=source.value("value"))]
    return _like(source, "item", children=texts)


def type_element(source: Element, tag: str) -> Element:
    """A type with its qualifiers."""
    children = []
    for element in source.children:
        if element.tag == "types":
            children.append(_like(element, "Type", text=_PRIMITIVE_TYPES.get(element.text, element.text)))
        elif element.tag in _TYPE_DETAILS:
            children.append(_qualifiers(element))
    return _like(source, tag, children=children)


def _qualifiers(source: Element) -> Element:
    details = [
        _like(element, _TYPE_DETAILS[element.tag], text=element.text)
        for element in source.children
        if element.tag in _TYPE_DETAILS
    ]
    if source.value("nonNegative") == "true":
        details.append(_like(source, "AllowedSign", text="Nonnegative"))
    return _like(source, _TYPE_DETAILS[source.tag], children=details)


def _standard_attribute(source: Element) -> Element:
    texts = [
        _spanning(run, tag, [localised_item(element) for element in run])
        for name, tag in (("synonym", "Synonym"), ("toolTip", "ToolTip"))
        if (run := source.all(name))
    ]
    element = _like(source, "StandardAttribute", children=texts)
    element.attributes = {"name": source.value("name")}
    return element


def _first_text(source: Element) -> str:
    return next((element.text for element in source.walk() if element.text), "")


def _like(source: Element, tag: str, text: str = "", children: Iterable[Element] = ()) -> Element:
    return Element(tag, {}, source.line, source.line_end, text, list(children))


def _spanning(run: list[Element], tag: str, children: list[Element]) -> Element:
    return Element(tag[:1].upper() + tag[1:], {}, run[0].line, run[-1].line_end, children=children)
