"""Facts of the file of a metadata object: itself, its members, and what it is related to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rag_demo.ingest.events import EVENT_NAMES
from rag_demo.ingest.facts import Fact, MemberFact, MemberKind, ObjectFact, Origin, Relation, RelationKind
from rag_demo.ingest.objects import first_text
from rag_demo.ingest.owners import Owner
from rag_demo.ingest.properties import property_units
from rag_demo.ingest.rights import denied, granted
from rag_demo.ingest.standard import STANDARD_ATTRIBUTES, standard_attributes
from rag_demo.ingest.type_names import referenced, type_text
from rag_demo.ingest.xml_tree import Element

_KINDS: dict[str, MemberKind] = {
    "AccountingFlag": "accounting_flag",
    "AddressingAttribute": "addressing_attribute",
    "Attribute": "attribute",
    "Column": "column",
    "Command": "command",
    "Dimension": "dimension",
    "EnumValue": "enum_value",
    "ExtDimensionAccountingFlag": "accounting_flag",
    "Form": "form",
    "Method": "http_method",
    "Operation": "operation",
    "Parameter": "parameter",
    "Resource": "resource",
    "TabularSection": "tabular_section",
    "Template": "template",
    "URLTemplate": "url_template",
}
_LISTS: dict[str, tuple[RelationKind, str]] = {
    "BasedOn": ("based_on", "Вводится на основании"),
    "Content": ("content", "Состав"),
    "Documents": ("content", "Документы"),
    "Owners": ("owner", "Владельцы"),
    "RegisterRecords": ("movement", "Движения"),
    "RegisteredDocuments": ("content", "Документы журнала"),
}
_TEXTS = ("Explanation", "BriefInformation", "ToolTip")
_SCHEDULED = "Регламентное задание"


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """Reads the facts of one file; ``owner`` is the object that the file describes."""

    owner: Owner
    space_id: str
    path: str

    def facts(self, item: Element) -> Iterator[Fact]:
        """Facts of an object's root element; of the file of a form, the form as a member of its object."""
        properties = item.child("Properties")
        if properties is None:
            return
        if not self.owner.is_top_level:
            top = self.owner.top_name
            yield self._member(item, properties, self.owner.full_name, top, "")
            return
        yield self._object(item, properties)
        yield from self._relations(properties)
        yield from self._standard_attributes(properties)
        children = item.child("ChildObjects")
        if children is not None and item.tag != "Configuration":
            for child in children.children:
                yield from self._children(child, self.owner.full_name, "")

    def predefined(self, data: Element) -> Iterator[Fact]:
        """Predefined items, wherever the format keeps them."""
        name = self.owner.full_name
        for item in data.walk():
            if item.tag == "Item" and (own := item.value("Name")):
                full_name, synonym = f"{name}.Predefined.{own}", item.value("Description")
                origin = self._origin(item.line, _head_end(item))
                types = type_text(item.child("Type"))
                yield MemberFact(full_name, "predefined", own, name, origin, "", synonym, types=types)
                yield from self._types(item.child("Type"), full_name)

    def content(self, data: Element) -> Iterator[Fact]:
        """The content of an exchange plan."""
        yield from self._list(data, "content", "Состав плана обмена")

    def rights(self, item: Element, rights: str) -> Iterator[Fact]:
        """What a role may do with each object; its rights stand in a file of their own, the lines are the role's."""
        for target, said in granted(rights):
            yield self._relation("right", self.owner.full_name, target, item, said)
        for target, said in denied(rights):
            yield self._relation("denial", self.owner.full_name, target, item, said)

    def _object(self, item: Element, properties: Element) -> ObjectFact:
        return ObjectFact(
            full_name=self.owner.full_name,
            kind=self.owner.kind.name,
            name=self.owner.name,
            origin=self._origin(item.line, item.line_end),
            synonym=first_text(properties.child("Synonym")),
            comment=properties.value("Comment"),
            tooltip=next(filter(None, (first_text(properties.child(tag)) for tag in _TEXTS)), ""),
            types=type_text(properties.child("Type")),
            adopted=properties.value("ObjectBelonging") == "Adopted",
            properties=tuple(unit.text for unit in property_units(properties) if not unit.group),
        )

    def _relations(self, properties: Element) -> Iterator[Relation]:
        name = self.owner.full_name
        for element in properties.children:
            if element.tag in _LISTS:
                yield from self._list(element, *_LISTS[element.tag])
            elif element.tag == "Type":
                yield from self._types(element, name)
            elif element.tag == "MethodName" and element.text:
                yield self._relation("handler", name, element.text, element, _SCHEDULED)
            elif element.tag == "Handler" and element.text:
                event = properties.value("Event")
                yield self._relation("handler", name, element.text, element, EVENT_NAMES.get(event, event))
        source = properties.child("Source")
        if source is not None and self.owner.kind.name == "EventSubscription":
            event = properties.value("Event")
            for child, target, _ in referenced(source):
                yield self._relation("subject", name, target, child, EVENT_NAMES.get(event, event))

    def _list(self, element: Element, kind: RelationKind, label: str) -> Iterator[Relation]:
        for item in element.children:
            if target := item.value("Metadata") or item.text:
                yield self._relation(kind, self.owner.full_name, target, item, label)

    def _types(self, element: Element | None, source: str) -> Iterator[Relation]:
        for child, target, form in referenced(element):
            yield self._relation("type", source, target, child, form)

    def _standard_attributes(self, properties: Element) -> Iterator[MemberFact]:
        described = properties.child("StandardAttributes")
        own = {one.attributes.get("name", ""): one for one in described.children} if described is not None else {}

        def setting(name: str) -> str:
            element = properties.child(name)
            return (element.text or ("+" if element.children else "")) if element is not None else ""

        for name in standard_attributes(self.owner.kind.name, setting):
            element = own.get(name)
            yield MemberFact(
                full_name=f"{self.owner.full_name}.StandardAttribute.{name}",
                kind="standard_attribute",
                name=STANDARD_ATTRIBUTES[name],
                owner=self.owner.full_name,
                origin=self._origin(*((element.line, element.line_end) if element else (properties.line,) * 2)),
                synonym=first_text(element.child("Synonym")) if element else "",
                tooltip=first_text(element.child("ToolTip")) if element else "",
            )

    def _children(self, child: Element, above: str, parent: str) -> Iterator[Fact]:
        """A child object, and what lies inside it."""
        properties = child.child("Properties")
        if child.tag == "Subsystem" or (child.tag == "Form" and properties is None):
            return  # they have files of their own, which say more
        name = properties.value("Name") if properties is not None else child.text
        full_name = f"{above}.{child.tag}.{name}"
        yield self._member(child, properties, full_name, self.owner.full_name, parent)
        if properties is None:
            return
        yield from self._types(properties.child("Type"), full_name)
        handler = properties.value("Handler") or properties.value("ProcedureName")
        if handler:
            event = properties.value("HTTPMethod") or "Операция"
            yield self._relation("handler", full_name, f"{self.owner.full_name}.{handler}", properties, event)
        inner = child.child("ChildObjects")
        for grandchild in inner.children if inner is not None else ():
            yield from self._children(grandchild, full_name, name)

    def _member(
        self, element: Element, properties: Element | None, full_name: str, owner: str, parent: str
    ) -> MemberFact:
        kind = _KINDS.get(element.tag, "other")
        if properties is None:
            origin = self._origin(element.line, element.line_end)
            return MemberFact(full_name, kind, element.text, owner, origin, parent)
        url = " ".join(filter(None, (properties.value("HTTPMethod"), properties.value("Template"))))
        return MemberFact(
            full_name=full_name,
            kind="tabular_section_attribute" if kind == "attribute" and parent else kind,
            name=properties.value("Name"),
            owner=owner,
            origin=self._origin(element.line, _head_end(element)),
            parent=parent,
            synonym=first_text(properties.child("Synonym")),
            comment=properties.value("Comment"),
            tooltip=first_text(properties.child("ToolTip")),
            types=url or type_text(properties.child("Type")),
            adopted=properties.value("ObjectBelonging") == "Adopted",
        )

    def _relation(self, kind: RelationKind, source: str, target: str, element: Element, detail: str) -> Relation:
        return Relation(kind, source, target.strip(), self._origin(element.line, element.line_end), detail)

    def _origin(self, first: int, last: int) -> Origin:
        return Origin(self.space_id, self.path, first, last)


def _head_end(element: Element) -> int:
    """The last line of an element without what lies inside it: attributes of a tabular section, items of a group."""
    inner = element.child("ChildObjects") or element.child("ChildItems")
    return inner.line if inner is not None and inner.children else element.line_end
