"""Files that accompany an object in a Designer dump: form bodies, templates, rights, schedules, predefined items."""

from __future__ import annotations

from collections.abc import Iterable

from .designer_forms import form_body
from .designer_values import type_node
from .model import Description, MetaObject, Part
from .templates import template_document
from .xml import Node, el, render

VERSION = "2.17"
_XS = "http://www.w3.org/2001/XMLSchema"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_EXTRA = "http://v8.1c.ru/8.3/xcf/extrnprops"


def companions(description: Description, item: MetaObject) -> dict[str, str]:
    """Path → text of the files under ``<folder>/Ext``, ``/Forms`` and ``/Templates``."""
    files = {}
    for form in item.parts("forms"):
        files[f"{item.folder}/Forms/{form.name}/Ext/Form.xml"] = form_body(item, form)
    if item.kind == "CommonForm":
        form = Part(item.name, item.spec["form"])
        files[f"{item.folder}/Ext/Form.xml"] = form_body(item, form)
    for template in item.parts("templates"):
        files[f"{item.folder}/Templates/{template.name}/Ext/Template.xml"] = template_document(template)
    if item.kind == "CommonTemplate":
        files[f"{item.folder}/Ext/Template.xml"] = template_document(item)
    if item.kind == "Role" and not item.adopted:
        files[f"{item.folder}/Ext/Rights.xml"] = rights_document(item)
    if item.kind == "ScheduledJob":
        files[f"{item.folder}/Ext/Schedule.xml"] = schedule_document(item)
    if item.spec.get("predefined"):
        files[f"{item.folder}/Ext/Predefined.xml"] = _predefined(description, item)
    return files


def help_document(languages: Iterable[str] = ("ru",)) -> str:
    """The list of help pages of an object."""
    namespaces = {"xmlns": _EXTRA, "xmlns:xs": _XS, "xmlns:xsi": _XSI, "version": VERSION}
    return render(el("Help", [el("Page", one) for one in languages], namespaces), "\t")


_RIGHT_SETS = {
    "read": "Read View InputByString",
    "edit": "Read Insert Update View InteractiveInsert Edit InteractiveSetDeletionMark "
    "InteractiveClearDeletionMark InputByString",
    "post": "Read Insert Update View InteractiveInsert Edit InteractiveSetDeletionMark InteractiveClearDeletionMark "
    "InputByString Posting UndoPosting InteractivePosting InteractivePostingRegular InteractiveUndoPosting "
    "InteractiveChangeOfPosted",
    "register": "Read Update View Edit TotalsControl",
    "use": "Use View",
    "all": "Read Insert Update Delete View InteractiveInsert Edit InteractiveDelete InputByString",
    "start": "Administration DataAdministration ActiveUsers EventLog ThinClient WebClient SaveUserData Output",
    "client": "ThinClient WebClient SaveUserData Output",
}


def rights_document(item: MetaObject) -> str:
    """``Rights.xml``; the same text is EDT's ``Rights.rights``."""
    nodes = [
        el("setForNewObjects", str(bool(item.spec.get("new_objects"))).lower()),
        el("setForAttributesByDefault", "true"),
        el("independentRightsOfChildObjects", "false"),
    ]
    nodes += [_object_rights(target, granted) for target, granted in (item.spec.get("rights") or {}).items()]
    namespaces = {
        "xmlns": "http://v8.1c.ru/8.2/roles",
        "xmlns:xs": _XS,
        "xmlns:xsi": _XSI,
        "xsi:type": "Rights",
        "version": VERSION,
    }
    return render(el("Rights", nodes, namespaces), "\t")


def _object_rights(target: str, granted: str | dict[str, str]) -> Node:
    """``granted`` is a set's name, or ``{set: name, where: condition on Read}``."""
    name, condition = (granted, "") if isinstance(granted, str) else (granted["set"], granted["where"])
    rights = []
    for right in _RIGHT_SETS[name].split():
        nodes = [el("name", right), el("value", "true")]
        if condition and right in ("Read", "Update"):
            nodes.append(el("restrictionByCondition", el("condition", condition)))
        rights.append(el("right", nodes))
    return el("object", [el("name", target), *rights])


def schedule_document(item: MetaObject) -> str:
    """``Schedule.xml``: every day at ``schedule.at``, or every ``schedule.every_s`` seconds."""
    schedule = item.spec["schedule"]
    attributes = {
        "BeginDate": "0001-01-01", "EndDate": "0001-01-01", "BeginTime": schedule.get("at", "00:00:00"),
        "EndTime": "00:00:00", "CompletionTime": "00:00:00", "CompletionInterval": "0",
        "RepeatPeriodInDay": str(schedule.get("every_s", 0)), "RepeatPause": "0", "WeekDayInMonth": "0",
        "DayInMonth": "0", "WeeksPeriod": "1", "DaysRepeatPeriod": "1",
    }  # fmt: skip
    days = [el("ent:WeekDays", schedule.get("days", "1 2 3 4 5 6 7"))]
    days.append(el("ent:Months", "1 2 3 4 5 6 7 8 9 10 11 12"))
    namespaces = {
        "xmlns": _EXTRA, "xmlns:ent": "http://v8.1c.ru/8.1/data/enterprise", "xmlns:xs": _XS, "xmlns:xsi": _XSI,
        "version": VERSION,
    }  # fmt: skip
    return render(el("JobSchedule", el("Schedule", days, attributes), namespaces), "\t")


_PREDEFINED_TYPES = {
    "Catalog": "CatalogPredefinedItems",
    "ChartOfCharacteristicTypes": "PlanOfCharacteristicKindPredefinedItems",
}


def _predefined(description: Description, item: MetaObject) -> str:
    namespaces = {
        "xmlns": "http://v8.1c.ru/8.3/xcf/predef", "xmlns:v8": "http://v8.1c.ru/8.1/data/core",
        "xmlns:xr": "http://v8.1c.ru/8.3/xcf/readable", "xmlns:xs": _XS, "xmlns:xsi": _XSI,
        "xmlns:cfg": "http://v8.1c.ru/8.1/data/enterprise/current-config",
        "xsi:type": _PREDEFINED_TYPES[item.kind], "version": VERSION,
    }  # fmt: skip
    items = [_predefined_item(description, item, part) for part in item.parts("predefined")]
    return render(el("PredefinedData", items, namespaces), "\t")


def _predefined_item(description: Description, item: MetaObject, part: Part) -> Node:
    folder = bool(part.spec.get("children"))
    nodes = [
        el("Name", part.name),
        el("Code", str(part.spec.get("code", ""))),
        el("Description", part.synonym),
    ]
    if item.kind == "ChartOfCharacteristicTypes":
        nodes.append(type_node("Type", part.spec["type"]))
    nodes.append(el("IsFolder", str(folder).lower()))
    if folder:
        nodes.append(el("ChildItems", [_predefined_item(description, item, child) for child in part.parts("children")]))
    return el("Item", nodes, {"id": description.uuid(item.full_name, "predefined", part.name)})
