"""The hierarchical XML format that Designer writes."""

from __future__ import annotations

from rag_demo.ingest.kinds import CONFIGURATION
from rag_demo.ingest.layout import Content, Place
from rag_demo.ingest.owners import Owner, nested_owner
from rag_demo.ingest.xml_tree import Element

_BODIES: dict[tuple[str, ...], Content] = {
    ("Ext", "Form.xml"): Content.FORM,
    ("Ext", "Predefined.xml"): Content.PREDEFINED,
    ("Ext", "Rights.xml"): Content.RIGHTS,
    ("Ext", "Schedule.xml"): Content.SCHEDULE,
    ("Ext", "Content.xml"): Content.EXCHANGE,
}


class DesignerLayout:
    """Files of an object stand in ``Ext`` folders, its own XML file beside its folder."""

    name = "designer"
    configuration_path = "Configuration.xml"

    def place(self, path: str, configuration: str) -> Place | None:
        """Modules, objects, form bodies, predefined items, rights and help; no layouts and pictures."""
        parts = tuple(path.split("/"))
        root = Owner(((CONFIGURATION, configuration),))
        if path == self.configuration_path:
            return Place(root, Content.OBJECT)
        if parts[0] == "Ext":
            owner, rest = root, parts
        else:
            owned = nested_owner(parts)
            if owned is None:
                return None
            owner, rest = owned
        content = _content(rest)
        is_layout = owner.chain[-1][0].name == "Template"
        return Place(owner, content) if content is not None and not is_layout else None

    def object_of(self, document: Element) -> Element | None:
        """The one child of the root element."""
        return document.children[0] if document.children else None

    def predefined_of(self, document: Element) -> Element | None:  # noqa: ARG002 - they have a file of their own
        """Nothing: predefined items have a file of their own."""
        return None

    def form_of(self, document: Element) -> Element:
        """The root element itself."""
        return document


def _content(rest: tuple[str, ...]) -> Content | None:
    if len(rest) == 1 and rest[0].endswith(".xml"):
        return Content.OBJECT
    if rest and rest[-1].endswith(".bsl"):
        return Content.MODULE
    if rest[:2] == ("Ext", "Help") and rest[-1].endswith(".html"):
        return Content.HELP
    return _BODIES.get(rest)
