"""The Designer XML form: one file per object beside its folder, UTF-8 with a byte order mark."""

from __future__ import annotations

from collections.abc import Iterable

from .designer_parts import companions
from .designer_root import configuration
from .designer_values import localised, plain, property_nodes
from .model import Description, MetaObject, Part
from .names import stable_uuid
from .properties import GENERATED_TYPES, properties_of
from .xml import Node, el, render

VERSION = "2.17"
_ENTERPRISE = "http://v8.1c.ru/8.1/data"
_ROOT_NAMESPACES = {
    "xmlns": "http://v8.1c.ru/8.3/MDClasses",
    "xmlns:app": "http://v8.1c.ru/8.2/managed-application/core",
    "xmlns:cfg": f"{_ENTERPRISE}/enterprise/current-config",
    "xmlns:cmi": "http://v8.1c.ru/8.2/managed-application/cmi",
    "xmlns:ent": f"{_ENTERPRISE}/enterprise",
    "xmlns:lf": "http://v8.1c.ru/8.2/managed-application/logform",
    "xmlns:style": f"{_ENTERPRISE}/ui/style",
    "xmlns:sys": f"{_ENTERPRISE}/ui/fonts/system",
    "xmlns:v8": f"{_ENTERPRISE}/core",
    "xmlns:v8ui": f"{_ENTERPRISE}/ui",
    "xmlns:web": f"{_ENTERPRISE}/ui/colors/web",
    "xmlns:win": f"{_ENTERPRISE}/ui/colors/windows",
    "xmlns:xen": "http://v8.1c.ru/8.3/xcf/enums",
    "xmlns:xpr": "http://v8.1c.ru/8.3/xcf/predef",
    "xmlns:xr": "http://v8.1c.ru/8.3/xcf/readable",
    "xmlns:xs": "http://www.w3.org/2001/XMLSchema",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


def designer_files(description: Description) -> dict[str, str]:
    """Path → text (bare line feeds) of every XML file of the dump, modules and help excepted."""
    files = {"Configuration.xml": _document(configuration(description))}
    for item in description.everything():
        files[f"{item.folder}.xml"] = _document(_object(description, item))
        for path, node in form_headers(description, item).items():
            files[path] = _document(node)
        files.update(companions(description, item))
    return files


def _document(node: Node) -> str:
    return render(el("MetaDataObject", node, _ROOT_NAMESPACES | {"version": VERSION}), "\t")


def _object(description: Description, item: MetaObject) -> Node:
    sections = []
    generated = GENERATED_TYPES.get(item.kind, ())
    if generated and not item.adopted:
        sections.append(_internal_info(description, item, generated))
    sections.append(_properties(description, item, item.kind, item.full_name))
    children = _children(description, item)
    if children or item.kind in _WITH_CHILDREN:
        sections.append(el("ChildObjects", children))
    return el(item.kind, sections, {"uuid": description.uuid(item.full_name)})


_WITH_CHILDREN = {
    "Catalog", "Document", "InformationRegister", "AccumulationRegister", "Enum", "Report", "DataProcessor",
    "ChartOfCharacteristicTypes", "Subsystem", "HTTPService", "DocumentJournal",
}  # fmt: skip


def _internal_info(description: Description, item: MetaObject, categories: Iterable[str]) -> Node:
    def generated(category: str) -> Node:
        prefix = item.kind + category if category not in ("Characteristic", "DefinedType") else category
        name = f"{prefix}.{item.name}"
        ids = [
            el("xr:TypeId", description.uuid("type", name)),
            el("xr:ValueId", description.uuid("value", name)),
        ]
        return el("xr:GeneratedType", ids, {"name": name, "category": category})

    return el("InternalInfo", [generated(category) for category in categories])


def _properties(description: Description, part: Part, kind: str, path: str) -> Node:
    if isinstance(part, MetaObject) and part.adopted:
        return el("Properties", _adopted(description, part))
    nodes = [el("Name", part.name), localised("Synonym", part.synonym), el("Comment", part.comment)]
    values = part.props
    for name, default in properties_of(kind):
        nodes.extend(property_nodes(part, path, name, default, values.pop(name, None)))
    if values:
        raise KeyError(f"{path}: {kind} has no properties {sorted(values)}")
    return el("Properties", nodes)


def _adopted(description: Description, part: MetaObject) -> list[Node]:
    nodes = [
        el("ObjectBelonging", "Adopted"),
        el("Name", part.name),
        el("Comment"),
        el("ExtendedConfigurationObject", stable_uuid(description.base_name, part.full_name)),
    ]
    if part.kind == "CommonModule":
        flags = part.props
        nodes += [el(name, plain(flags.get(name, value))) for name, value in properties_of(part.kind)[:7]]
    return nodes


_CHILD_LISTS = (
    ("resources", "Resource"), ("attributes", "Attribute"), ("dimensions", "Dimension"), ("values", "EnumValue"),
    ("columns", "Column"), ("tabular", "TabularSection"), ("urls", "URLTemplate"), ("methods", "Method"),
    ("commands", "Command"),
)  # fmt: skip


def _children(description: Description, item: MetaObject) -> list[Node]:
    nodes = [el("Subsystem", child.name) for child in item.nested()] if item.kind == "Subsystem" else []
    for key, tag in _CHILD_LISTS:
        nodes += [_child(description, item.full_name, item.kind, tag, part) for part in item.parts(key)]
    nodes += [el("Form", part.name) for part in item.parts("forms")]
    nodes += [el("Template", part.name) for part in item.parts("templates")]
    return nodes


def _child(description: Description, path: str, owner_kind: str, tag: str, part: Part) -> Node:
    own_path = f"{path}.{tag}.{part.name}"
    key = property_key(owner_kind, tag, path)
    sections = []
    if tag == "TabularSection":
        sections.append(_section_types(description, path, part))
    sections.append(_properties(description, part, key, own_path))
    inner = [
        _child(description, own_path, tag, inner_tag, child)
        for inner_key, inner_tag in _CHILD_LISTS
        for child in part.parts(inner_key)
        if inner_key in ("attributes", "methods")
    ]
    if tag in ("TabularSection", "URLTemplate"):
        sections.append(el("ChildObjects", inner))
    return el(tag, sections, {"uuid": description.uuid(own_path)})


def property_key(owner_kind: str, tag: str, path: str = "") -> str:
    """Which table of properties describes a part ``tag`` of an ``owner_kind`` that stands at ``path``."""
    if tag == "Attribute" and path.startswith(("DataProcessor.", "Report.")):
        return f"DataProcessor.{tag}" if owner_kind != "TabularSection" else "DataProcessor.Row.Attribute"
    if tag == "Attribute" and owner_kind in ("Catalog", "TabularSection", "AccumulationRegister"):
        return f"{owner_kind}.{tag}"
    if tag == "Resource" and owner_kind == "InformationRegister":
        return "Attribute"
    if tag in ("Dimension", "Resource"):
        return f"{owner_kind}.{tag}"
    return tag


def _section_types(description: Description, path: str, part: Part) -> Node:
    kind, name = path.split(".")[:2]
    nodes = []
    for category, prefix in (("TabularSection", "TabularSection"), ("TabularSectionRow", "TabularSectionRow")):
        full = f"{kind}{prefix}.{name}.{part.name}"
        ids = [el("xr:TypeId", description.uuid("type", full)), el("xr:ValueId", description.uuid("value", full))]
        nodes.append(el("xr:GeneratedType", ids, {"name": full, "category": category}))
    return el("InternalInfo", nodes)


def form_headers(description: Description, item: MetaObject) -> dict[str, Node]:
    """Forms and templates have a small file of their own beside their folder."""
    headers = {}
    for key, tag, folder in (("forms", "Form", "Forms"), ("templates", "Template", "Templates")):
        for part in item.parts(key):
            path = f"{item.full_name}.{tag}.{part.name}"
            node = el(tag, _properties(description, part, tag, path), {"uuid": description.uuid(path)})
            headers[f"{item.folder}/{folder}/{part.name}.xml"] = node
    return headers
