"""Templates: spreadsheets of printed forms and data composition schemas of reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .model import Part
from .xml import Node, el, render

_PARAMETER = re.compile(r"^\[(\w+)\]$")
_SPREADSHEET = {
    "xmlns": "http://v8.1c.ru/8.2/data/spreadsheet",
    "xmlns:style": "http://v8.1c.ru/8.1/data/ui/style",
    "xmlns:v8": "http://v8.1c.ru/8.1/data/core",
    "xmlns:v8ui": "http://v8.1c.ru/8.1/data/ui",
    "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_SCHEMA = {
    "xmlns": "http://v8.1c.ru/8.1/data-composition-system/schema",
    "xmlns:dcscom": "http://v8.1c.ru/8.1/data-composition-system/common",
    "xmlns:dcscor": "http://v8.1c.ru/8.1/data-composition-system/core",
    "xmlns:dcsset": "http://v8.1c.ru/8.1/data-composition-system/settings",
    "xmlns:v8": "http://v8.1c.ru/8.1/data/core",
    "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


def template_document(part: Part) -> str:
    """The body of a template; both dump formats store the same text."""
    return schema_document(part.spec) if "query" in part.spec else spreadsheet_document(part.spec)


def spreadsheet_document(spec: Mapping[str, Any]) -> str:
    """``areas`` maps a name to rows of cells; ``[Имя]`` in a cell is a parameter."""
    rows: list[Node] = []
    named: list[Node] = []
    for name, lines in spec["areas"].items():
        first = len(rows)
        rows += [_row(first + offset, cells) for offset, cells in enumerate(lines)]
        named.append(_named_rows(name, first, len(rows) - 1))
    language = el("languageSettings", [el("currentLanguage", "ru"), el("defaultLanguage", "ru")])
    height = el("height", str(len(rows)))
    return render(el("document", [language, *rows, height, *named], _SPREADSHEET), "\t")


def _row(index: int, cells: list[str]) -> Node:
    nodes = []
    for text in cells:
        match = _PARAMETER.match(text)
        value = el("parameter", match[1]) if match else _text(text)
        nodes.append(el("c", el("c", value)))
    return el("rowsItem", [el("index", str(index)), el("row", nodes)])


def _text(text: str) -> Node:
    return el("tl", el("v8:item", [el("v8:lang", "ru"), el("v8:content", text)]) if text else "")


def _named_rows(name: str, first: int, last: int) -> Node:
    area = el("area", [el("type", "Rows"), el("beginRow", str(first)), el("endRow", str(last))])
    return el("namedItem", [el("name", name), area], {"xsi:type": "NamedItemCells"})


def schema_document(spec: Mapping[str, Any]) -> str:
    """A schema with one query, its fields, totals and parameters."""
    source = el("dataSource", [el("name", "ИсточникДанных1"), el("dataSourceType", "Local")])
    fields = [_field(name, title) for name, title in spec["fields"].items()]
    query = str(spec["query"]).strip()
    data_set = [el("name", "Набор"), *fields, el("dataSource", "ИсточникДанных1"), el("query", query)]
    nodes = [source, el("dataSet", data_set, {"xsi:type": "DataSetQuery"})]
    nodes += [
        el("totalField", [el("dataPath", name), el("expression", text)])
        for name, text in (spec.get("totals") or {}).items()
    ]
    nodes += [_parameter(name, title) for name, title in (spec.get("parameters") or {}).items()]
    return render(el("DataCompositionSchema", nodes, _SCHEMA), "\t")


def _title(text: str) -> Node:
    item = el("v8:item", [el("v8:lang", "ru"), el("v8:content", text)])
    return el("title", item, {"xsi:type": "v8:LocalStringType"})


def _field(name: str, title: str) -> Node:
    nodes = [el("dataPath", name), el("field", name), _title(title)]
    return el("field", nodes, {"xsi:type": "DataSetFieldField"})


def _parameter(name: str, title: str) -> Node:
    return el("parameter", [el("name", name), _title(title), el("useRestriction", "false")])
