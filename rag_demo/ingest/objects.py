"""What the XML file of a metadata object says, as units with their lines."""

from __future__ import annotations

from collections.abc import Iterator

from rag_demo.ingest.parts import Unit
from rag_demo.ingest.properties import property_units
from rag_demo.ingest.type_names import type_text
from rag_demo.ingest.xml_tree import Element

_CHILD_LABELS = {
    "AccountingFlag": "Признак учета",
    "AddressingAttribute": "Реквизит адресации",
    "Attribute": "Реквизит",
    "Channel": "Канал сервиса интеграции",
    "Column": "Графа",
    "Command": "Команда",
    "Dimension": "Измерение",
    "EnumValue": "Значение перечисления",
    "ExtDimensionAccountingFlag": "Признак учета субконто",
    "Field": "Поле",
    "Form": "Форма",
    "IntegrationServiceChannel": "Канал сервиса интеграции",
    "Method": "Метод",
    "Operation": "Операция",
    "Parameter": "Параметр",
    "Recalculation": "Перерасчет",
    "Resource": "Ресурс",
    "Subsystem": "Подсистема",
    "Table": "Таблица",
    "TabularSection": "Табличная часть",
    "Template": "Макет",
    "URLTemplate": "Шаблон URL",
}
_LIST_LABELS = {"Form": "Формы", "Template": "Макеты", "Subsystem": "Подчиненные подсистемы", "EnumValue": "Значения"}
_NAMED_PROPERTIES = (
    ("Template", "шаблон"),
    ("HTTPMethod", "HTTP-метод"),
    ("Handler", "обработчик"),
    ("ProcedureName", "обработчик"),
    ("XDTOReturningValueType", "возвращает"),
    ("XDTOValueType", "тип"),
)


def localised(element: Element | None) -> dict[str, str]:
    """Texts by language, Russian first."""
    if element is None:
        return {}
    texts = {item.value("lang"): " ".join(item.value("content").split()) for item in element.all("item")}
    return {language: texts[language] for language in sorted(texts, key=lambda name: name != "ru") if texts[language]}


def first_text(element: Element | None) -> str:
    """The Russian text, or else the first of another language."""
    return next(iter(localised(element).values()), "")


def object_units(item: Element, title: str, full_name: str) -> Iterator[Unit]:
    """Units of an object's root element. The first one is its card: name, synonym, comment."""
    properties = item.child("Properties")
    if properties is None:
        yield Unit(item.line, item.line_end, f"{title} ({full_name})")
        return
    yield _card(item, properties, title, full_name)
    yield from property_units(properties)
    if item.tag == "Configuration":
        return  # its children are the files that are read anyway
    children = item.child("ChildObjects")
    for child in children.children if children is not None else ():
        yield from _child_units(child, "")


def _card(item: Element, properties: Element, title: str, full_name: str) -> Unit:
    lines = [f"{title} ({full_name})"]
    end = properties.line
    for tag, label in (("Name", ""), ("Synonym", "Синоним"), ("Comment", "Комментарий")):
        element = properties.child(tag)
        if element is None:
            continue
        end = max(end, element.line_end)
        if tag == "Synonym":
            lines += [
                f"{label}{'' if lang == 'ru' else f' ({lang})'}: {text}" for lang, text in localised(element).items()
            ]
        elif tag == "Comment" and element.text:
            lines.append(f"{label}: {element.text}")
    return Unit(item.line, end, "\n".join(lines))


def _child_units(child: Element, owner: str) -> Iterator[Unit]:
    """A child object, and then what lies inside it: attributes of a tabular section, methods of a URL template."""
    properties = child.child("Properties")
    label = _CHILD_LABELS.get(child.tag, child.tag)
    group = _LIST_LABELS.get(child.tag, "")
    if properties is None:
        if child.text:
            yield Unit(child.line, child.line_end, child.text if group else f"{label} {child.text}", group)
        return
    name = properties.value("Name")
    inner = child.child("ChildObjects")
    inside = inner.children if inner is not None else []
    text = _described(properties, f"{owner}{name}")
    end = properties.line_end if inside else child.line_end
    yield Unit(child.line, end, text if group else f"{label} {text}", group)
    for grandchild in inside:
        yield from _child_units(grandchild, f"{owner}{name}.")


def _described(properties: Element, name: str) -> str:
    synonyms = localised(properties.child("Synonym"))
    text = f"{name} ({'; '.join(synonyms.values())})" if synonyms else name
    types = type_text(properties.child("Type"))
    if types:
        text = f"{text}: {types}"
    details = [f"{label} {value}" for tag, label in _NAMED_PROPERTIES if (value := properties.value(tag))]
    details += [f"подсказка: {tip}" for tip in localised(properties.child("ToolTip")).values()]
    if comment := properties.value("Comment"):
        details.append(f"комментарий: {comment}")
    return "; ".join([text, *details])
