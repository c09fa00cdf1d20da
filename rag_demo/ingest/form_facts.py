"""Facts of the body of a form: its attributes and commands, and which method handles which event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rag_demo.ingest.events import EVENT_NAMES
from rag_demo.ingest.facts import Fact, MemberFact, Origin, Relation
from rag_demo.ingest.objects import first_text
from rag_demo.ingest.type_names import referenced, type_text
from rag_demo.ingest.xml_tree import Element

_CALL_TYPES = {"Before": "Перед", "After": "После", "Override": "Вместо"}  # of handlers that an extension adds


@dataclass(frozen=True, slots=True)
class FormFacts:
    """Reads the facts of a form's body; ``form`` is its full name."""

    form: str
    space_id: str
    path: str

    def facts(self, body: Element) -> Iterator[Fact]:
        """Facts in the order of the file."""
        for section in body.children:
            if section.tag == "Attributes":
                yield from self._attributes(section)
            elif section.tag == "Commands":
                yield from self._commands(section)
            elif section.tag == "Events":
                yield from self._events(section, self.form)
            else:
                yield from self._items(section)

    def _attributes(self, section: Element) -> Iterator[Fact]:
        for attribute in section.all("Attribute"):
            title, kind = attribute.child("Title"), attribute.child("Type")
            # What follows the type may be hundreds of lines of list settings.
            end = max(element.line_end if element else attribute.line for element in (title, kind))
            name = attribute.attributes.get("name", "")
            full_name, origin = f"{self.form}.FormAttribute.{name}", self._origin(attribute.line, end)
            synonym, types = first_text(title), type_text(kind)
            yield MemberFact(full_name, "form_attribute", name, self.form, origin, "", synonym, types=types)
            for child, target, form in referenced(kind):
                yield Relation("type", full_name, target, self._origin(child.line, child.line_end), form)

    def _commands(self, section: Element) -> Iterator[Fact]:
        for command in section.all("Command"):
            name = command.attributes.get("name", "")
            full_name, origin = f"{self.form}.FormCommand.{name}", self._origin(command.line, command.line_end)
            synonym, tip = first_text(command.child("Title")), first_text(command.child("ToolTip"))
            yield MemberFact(full_name, "form_command", name, self.form, origin, "", synonym, tooltip=tip)
            for action in command.all("Action"):
                yield from self._handler(full_name, action, "Действие")

    def _items(self, section: Element) -> Iterator[Fact]:
        for item in section.walk():
            events = item.child("Events") if "name" in item.attributes else None
            if events is not None:
                yield from self._events(events, f"{self.form}.Item.{item.attributes['name']}")

    def _events(self, events: Element, source: str) -> Iterator[Fact]:
        for event in events.all("Event"):
            name = event.attributes.get("name", "")
            yield from self._handler(source, event, EVENT_NAMES.get(name, name))

    def _handler(self, source: str, element: Element, event: str) -> Iterator[Relation]:
        if element.text:
            called = _CALL_TYPES.get(element.attributes.get("callType", ""))
            detail = f"{event} ({called})" if called else event
            origin = self._origin(element.line, element.line_end)
            yield Relation("handler", source, f"{self.form}.{element.text}", origin, detail)

    def _origin(self, first: int, last: int) -> Origin:
        return Origin(self.space_id, self.path, first, last)
