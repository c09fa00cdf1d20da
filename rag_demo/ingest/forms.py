"""What the XML body of a form says: title, fields, commands, and which handler serves which event."""

from __future__ import annotations

from collections.abc import Iterator

from rag_demo.ingest.events import EVENT_NAMES
from rag_demo.ingest.objects import first_text
from rag_demo.ingest.parts import Unit
from rag_demo.ingest.type_names import type_text
from rag_demo.ingest.xml_tree import Element

_ITEM_LABELS = {
    "Button": "Кнопка",
    "ButtonGroup": "Группа кнопок",
    "CalendarField": "Поле календаря",
    "ChartField": "Поле диаграммы",
    "CheckBoxField": "Флажок",
    "CommandBar": "Командная панель",
    "ColumnGroup": "Группа колонок",
    "ExtendedTooltip": "Пояснение",
    "FormattedDocumentField": "Поле форматированного документа",
    "HTMLDocumentField": "Поле HTML-документа",
    "InputField": "Поле ввода",
    "LabelDecoration": "Надпись",
    "LabelField": "Поле надписи",
    "Page": "Страница",
    "Pages": "Страницы",
    "PictureDecoration": "Картинка",
    "PictureField": "Поле картинки",
    "Popup": "Подменю",
    "ProgressBarField": "Индикатор",
    "RadioButtonField": "Переключатель",
    "SpreadSheetDocumentField": "Поле табличного документа",
    "SearchStringAddition": "Строка поиска",
    "Table": "Таблица",
    "TextDocumentField": "Поле текстового документа",
    "UsualGroup": "Группа",
}
_TOP_LEVEL = {"Attributes", "Commands", "Parameters", "CommandInterface"}


def form_units(form: Element) -> Iterator[Unit]:
    """Units of a form in the order of its file."""
    title = form.child("Title")
    if title is not None and (text := first_text(title)):
        yield Unit(title.line, title.line_end, f"Заголовок: {text}")
    for section in form.children:
        if section.tag == "Attributes":
            yield from _attributes(section)
        elif section.tag == "Commands":
            yield from _commands(section)
        elif section.tag == "Events":
            yield from _events(section, "Событие формы")
        elif section.tag not in _TOP_LEVEL:
            for item in section.walk():
                if "name" in item.attributes:
                    yield from _item(item)


def _item(item: Element) -> Iterator[Unit]:
    label, name = _ITEM_LABELS.get(item.tag, ""), item.attributes["name"]
    title = item.child("Title")
    text = first_text(title)
    if title is not None and text:
        said = (
            f"{label or item.tag}: {text}" if item.tag == "ExtendedTooltip" else f"{label or item.tag} {name}: {text}"
        )
        yield Unit(item.line, title.line_end, said)
    events = item.child("Events")
    if events is not None:
        yield from _events(events, f"{label or item.tag} {name}")


def _events(events: Element, label: str) -> Iterator[Unit]:
    for event in events.all("Event"):
        if event.text:
            name = event.attributes.get("name", "")
            yield Unit(event.line, event.line_end, f"{label}: {EVENT_NAMES.get(name, name)} → {event.text}")


def _attributes(section: Element) -> Iterator[Unit]:
    for attribute in section.all("Attribute"):
        title, kind = attribute.child("Title"), attribute.child("Type")
        name, text, types = attribute.attributes.get("name", ""), first_text(title), type_text(kind)
        said = f"{name} ({text})" if text else name
        # What follows the type may be hundreds of lines of list settings.
        end = max(element.line_end if element else attribute.line for element in (title, kind))
        yield Unit(attribute.line, end, f"Реквизит формы {said}{': ' if types else ''}{types}")


def _commands(section: Element) -> Iterator[Unit]:
    for command in section.all("Command"):
        name = command.attributes.get("name", "")
        texts = [first_text(command.child("Title")), first_text(command.child("ToolTip"))]
        said = ". ".join(dict.fromkeys(filter(None, texts)))
        action = command.value("Action")
        yield Unit(
            command.line,
            command.line_end,
            f"Команда формы {name}{f' ({said})' if said else ''}{f' → {action}' if action else ''}",
        )


def predefined_units(data: Element) -> Iterator[Unit]:
    """Predefined items of a catalogue or chart, groups before their members."""
    for item in data.walk():
        if item.tag == "Item" and (name := item.value("Name")):
            details = [text for text in (item.value("Description"), item.value("Code")) if text]
            types = type_text(item.child("Type"))
            said = f"{name} ({'; '.join(details)})" if details else name
            inner = item.child("ChildItems")
            end = inner.line if inner is not None else item.line_end
            yield Unit(item.line, end, f"{said}{': ' if types else ''}{types}", "Предопределенные элементы")
