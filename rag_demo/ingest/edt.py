"""The format of 1C:EDT projects."""

from __future__ import annotations

from dataclasses import dataclass

from rag_demo.ingest.edt_forms import form_element
from rag_demo.ingest.edt_tree import object_element, predefined_element
from rag_demo.ingest.kinds import CONFIGURATION
from rag_demo.ingest.layout import Content, Place
from rag_demo.ingest.owners import Owner, nested_owner
from rag_demo.ingest.xml_tree import Element


@dataclass(frozen=True, slots=True)
class EdtLayout:
    """Files of an object stand in its own folder; ``source`` is ``src/`` where the project's folder was given."""

    source: str

    @property
    def name(self) -> str:
        """The format."""
        return "edt"

    @property
    def configuration_path(self) -> str:
        """Path of the file that describes the configuration itself."""
        return f"{self.source}Configuration/Configuration.mdo"

    def place(self, path: str, configuration: str) -> Place | None:
        """Modules, objects, form bodies, rights and help; no layouts and pictures."""
        if not path.startswith(self.source):
            return None
        parts = tuple(path.removeprefix(self.source).split("/"))
        if parts[0] == "Configuration" and len(parts) > 1:
            owned: tuple[Owner, tuple[str, ...]] | None = Owner(((CONFIGURATION, configuration),)), parts[1:]
        else:
            owned = nested_owner(parts)
        if owned is None or owned[0].chain[-1][0].name == "Template":
            return None
        content = _content(owned[1])
        return Place(owned[0], content) if content is not None else None

    def object_of(self, document: Element) -> Element | None:
        """The root element itself."""
        return object_element(document, document.tag) if document.child("name") is not None else None

    def predefined_of(self, document: Element) -> Element | None:
        """The items under ``predefined``."""
        return predefined_element(document)

    def form_of(self, document: Element) -> Element:
        """What ``Form.form`` says, in the shape of ``Form.xml``."""
        return form_element(document)


def _content(rest: tuple[str, ...]) -> Content | None:
    if len(rest) == 1:
        _, _, ending = rest[0].rpartition(".")
        named = {"mdo": Content.OBJECT, "bsl": Content.MODULE, "rights": Content.RIGHTS, "schedule": Content.SCHEDULE}
        return Content.FORM if rest[0] == "Form.form" else named.get(ending)
    return Content.HELP if rest[:1] == ("Help",) and rest[-1].endswith(".html") else None
