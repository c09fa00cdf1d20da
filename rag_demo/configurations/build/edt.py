"""The EDT form: one ``.mdo`` inside the folder of each object, UTF-8 without a byte order mark."""

from __future__ import annotations

from .designer import property_key
from .designer_parts import rights_document, schedule_document
from .edt_forms import form_document
from .edt_types import camel, property_nodes, text_nodes, type_node
from .model import Description, MetaObject, Part
from .names import KIND_FOLDERS, stable_uuid
from .properties import GENERATED_TYPES
from .templates import template_document
from .xml import Node, el, render

_NAMESPACES = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:core": "http://g5.1c.ru/v8/dt/mcore",
    "xmlns:mdclass": "http://g5.1c.ru/v8/dt/metadata/mdclass",
}
# key in the description, tag in the .mdo, kind of the part
_CHILDREN = (
    ("dimensions", "dimensions", "Dimension"), ("resources", "resources", "Resource"),
    ("attributes", "attributes", "Attribute"), ("values", "enumValues", "EnumValue"),
    ("columns", "columns", "Column"), ("tabular", "tabularSections", "TabularSection"),
    ("urls", "urlTemplates", "URLTemplate"), ("methods", "methods", "Method"),
    ("forms", "forms", "Form"), ("commands", "commands", "Command"), ("templates", "templates", "Template"),
)  # fmt: skip
_ROOT_TAGS = {"ChartOfCharacteristicTypes": "chartsOfCharacteristicTypes", "HTTPService": "httpServices"}


def edt_files(description: Description) -> dict[str, str]:
    """Path → text of every file of the project except modules and help pages."""
    files = {
        ".project": _project(description),
        "DT-INF/PROJECT.PMF": "Manifest-Version: 1.0\nRuntime-Version: 8.3.24\n",
        "src/Configuration/Configuration.mdo": _mdo(_configuration(description)),
    }
    for item in description.everything():
        if item.kind == "Language":
            continue
        files[f"src/{item.folder}/{item.name}.mdo"] = _mdo(_object(description, item))
        files.update(_companions(item))
    return files


def _mdo(node: Node) -> str:
    return render(node, "  ") + "\n"


def _project(description: Description) -> str:
    nature = "V8ExtensionNature" if description.is_extension else "V8ConfigurationNature"
    nodes = [
        el("name", description.name),
        el("comment"),
        el("natures", [el("nature", f"com._1c.g5.v8.dt.core.{nature}")]),
    ]
    return render(el("projectDescription", nodes), "\t") + "\n"


def _object(description: Description, item: MetaObject) -> Node:
    nodes = [] if item.adopted else _produced_types(description, item)
    nodes.append(el("name", item.name))
    if item.adopted:
        nodes.append(el("objectBelonging", "Adopted"))
        nodes.append(el("extendedConfigurationObject", stable_uuid(description.base_name, item.full_name)))
    else:
        nodes += text_nodes("synonym", item.synonym)
    nodes += _comment(item)
    if item.owner:
        nodes.append(el("parentSubsystem", item.owner))
    nodes += property_nodes(item, item.kind, item.full_name) if not item.adopted else _adopted_flags(item)
    nodes += _children(description, item.full_name, item.kind, item)
    nodes += [el("subsystems", child.name) for child in item.nested()] if item.kind == "Subsystem" else []
    if item.folder in _helped(description):
        nodes.append(el("help", el("pages", el("lang", "ru"))))
    if item.spec.get("predefined"):
        items = [_predefined(description, item, part) for part in item.parts("predefined")]
        nodes.append(el("predefined", items))
    attributes = _NAMESPACES | {"uuid": description.uuid(item.full_name)}
    return el(f"mdclass:{item.kind}", nodes, attributes)


def _adopted_flags(item: MetaObject) -> list[Node]:
    """A borrowed object repeats nothing but the flags of a common module."""
    return property_nodes(item, item.kind) if item.kind == "CommonModule" else []


def _helped(description: Description) -> set[str]:
    return {path.rpartition("/")[0] for path in description.help}


def _comment(part: Part) -> list[Node]:
    return [el("comment", part.comment)] if part.comment else []


def _produced_types(description: Description, item: MetaObject) -> list[Node]:
    nodes = []
    for category in GENERATED_TYPES.get(item.kind, ()):
        prefix = item.kind + category if category not in ("Characteristic", "DefinedType") else category
        name = f"{prefix}.{item.name}"
        ids = {"typeId": description.uuid("type", name), "valueTypeId": description.uuid("value", name)}
        nodes.append(el(f"{camel(category)}Type", "", ids))
    return [el("producedTypes", nodes)] if nodes else []


def _children(description: Description, path: str, kind: str, owner: Part) -> list[Node]:
    nodes = []
    for key, tag, part_kind in _CHILDREN:
        for part in owner.parts(key):
            own_path = f"{path}.{part_kind}.{part.name}"
            inner = [el("name", part.name), *text_nodes("synonym", part.synonym), *_comment(part)]
            inner += property_nodes(part, property_key(kind, part_kind, path))
            if part_kind in ("TabularSection", "URLTemplate"):
                inner += _children(description, own_path, part_kind, part)
            nodes.append(el(tag, inner, {"uuid": description.uuid(own_path)}))
    return nodes


def _predefined(description: Description, item: MetaObject, part: Part) -> Node:
    nodes = [el("name", part.name), el("description", part.synonym)]
    if "code" in part.spec:
        value = el("value", str(part.spec["code"]))
        nodes.append(el("code", value, {"xsi:type": "core:StringValue"}))
    if item.kind == "ChartOfCharacteristicTypes":
        nodes.append(type_node("type", str(part.spec["type"])))
    return el("items", nodes, {"id": description.uuid(item.full_name, "predefined", part.name)})


def _configuration(description: Description) -> Node:
    root = description.root
    nodes = [el("name", description.name), *text_nodes("synonym", root["synonym"])]
    if description.is_extension:
        nodes += [el("objectBelonging", "Adopted"), el("configurationExtensionPurpose", "Customization")]
        nodes.append(el("namePrefix", root["prefix"]))
    nodes += [el("defaultRunMode", "ManagedApplication"), el("scriptVariant", "Russian")]
    nodes += [el("defaultRoles", role) for role in root.get("roles", ())]
    nodes += [el("vendor", root["vendor"]), el("version", str(root["version"]))]
    nodes += [el("defaultLanguage", root["language"]), *text_nodes("briefInformation", root["brief"])]
    nodes += text_nodes("detailedInformation", root["detailed"]) + text_nodes("copyright", root["copyright"])
    nodes.append(el("compatibilityMode", "8.3.24"))
    nodes += [_language(description, one) for one in description.objects if one.kind == "Language"]
    nodes += [el(_list_tag(one.kind), one.full_name) for one in description.objects if one.kind != "Language"]
    attributes = _NAMESPACES | {"uuid": description.uuid("Configuration")}
    return el("mdclass:Configuration", nodes, attributes)


def _language(description: Description, item: MetaObject) -> Node:
    nodes = [el("name", item.name), *text_nodes("synonym", item.synonym), *property_nodes(item, item.kind)]
    if item.adopted:
        nodes.insert(1, el("objectBelonging", "Adopted"))
    return el("languages", nodes, {"uuid": description.uuid(item.full_name)})


def _list_tag(kind: str) -> str:
    return _ROOT_TAGS.get(kind, camel(KIND_FOLDERS[kind]))


def _companions(item: MetaObject) -> dict[str, str]:
    folder = f"src/{item.folder}"
    files = {f"{folder}/Forms/{one.name}/Form.form": form_document(item, one) + "\n" for one in item.parts("forms")}
    if item.kind == "CommonForm":
        files[f"{folder}/Form.form"] = form_document(item, Part(item.name, item.spec["form"])) + "\n"
    templates = [(f"{folder}/Templates/{one.name}", one) for one in item.parts("templates")]
    if item.kind == "CommonTemplate":
        templates.append((folder, item))
    for path, template in templates:
        suffix = "dcs" if "query" in template.spec else "mxlx"
        files[f"{path}/Template.{suffix}"] = template_document(template) + "\n"
    if item.kind == "Role" and not item.adopted:
        files[f"{folder}/Rights.rights"] = rights_document(item) + "\n"
    if item.kind == "ScheduledJob":
        files[f"{folder}/Schedule.schedule"] = schedule_document(item) + "\n"
    return files
