"""What a format of dumps must tell: where its files are, and how to read them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from rag_demo.ingest.owners import Owner
from rag_demo.ingest.xml_tree import Element


class Content(Enum):
    """What a file of a dump holds."""

    OBJECT = "object"
    MODULE = "module"
    FORM = "form"
    PREDEFINED = "predefined"
    HELP = "help"
    RIGHTS = "rights"
    SCHEDULE = "schedule"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Place:
    """The object that a file belongs to, and what the file holds."""

    owner: Owner
    content: Content


class Layout(Protocol):
    """One format. Elements of objects are handed on in the shape that Designer gives them."""

    @property
    def name(self) -> str:
        """``designer`` or ``edt``."""

    @property
    def configuration_path(self) -> str:
        """Path of the file that describes the configuration itself."""

    def place(self, path: str, configuration: str) -> Place | None:
        """What lies at ``path``, or nothing for files that are not read."""

    def object_of(self, document: Element) -> Element | None:
        """The object that a file describes: an element with ``Properties`` and ``ChildObjects``."""

    def predefined_of(self, document: Element) -> Element | None:
        """The predefined items that stand in an object's own file, if the format keeps them there."""

    def form_of(self, document: Element) -> Element:
        """The body of a form: an element with ``Attributes``, ``Commands``, ``Events`` and items."""
