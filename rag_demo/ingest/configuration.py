"""The root object of a dump: what the configuration is called, and what it should consist of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rag_demo.errors import NotADump
from rag_demo.ingest.bsl import Source
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.ingest.layout import Layout
from rag_demo.ingest.objects import first_text
from rag_demo.ingest.owners import Owner
from rag_demo.ingest.xml_tree import Element, XmlError, parse_xml

_ADVICE = "Dump the configuration again."
_UPDATE = "Open the project in a current EDT, which converts it, or export it to XML files."


class Configuration:
    """The description of the configuration itself.

    Raises:
        NotADump: its file cannot be read, so that nothing can be said about the dump.
    """

    def __init__(self, folder: DumpFolder, layout: Layout) -> None:
        self.file = DumpFile(folder.root / layout.configuration_path, layout.configuration_path)
        text = folder.read_text(self.file)
        if text is None:
            raise NotADump(f"{self.file.location}: {folder.problems[-1].message}. {_ADVICE}")
        try:
            document = parse_xml(Source(text).text)
        except XmlError as error:
            raise NotADump(f"{self.file.location}: {error}. {_ADVICE}") from error
        if "name" in document.attributes:
            raise NotADump(f"{self.file.location} was written by an EDT of 2017 or 2018. {_UPDATE}")
        item = layout.object_of(document)
        properties = item.child("Properties") if item is not None else None
        if item is None or properties is None or item.tag != "Configuration":
            raise NotADump(f"{self.file.location} does not describe a configuration. {_ADVICE}")
        self.name = properties.value("Name")
        self.version = properties.value("Version")
        self.synonym = first_text(properties.child("Synonym"))
        kind = "extension" if properties.value("ConfigurationExtensionPurpose") else ""
        self.format = " ".join(filter(None, (layout.name, document.attributes.get("version", ""), kind)))
        self._children = item.child("ChildObjects")

    @property
    def unknown_kinds(self) -> list[str]:
        """Kinds of objects that the configuration lists, but that are not known here."""
        listed = self._children.children if self._children is not None else []
        return sorted({child.tag for child in listed} - KIND_BY_NAME.keys())

    def missing(self, owners: Iterable[Owner]) -> list[str]:
        """Objects that the configuration lists, but for which the dump has no file."""
        found = {owner.top_name for owner in owners}
        listed: list[Element] = self._children.children if self._children is not None else []
        names = [f"{child.tag}.{unicodedata.normalize('NFC', child.text)}" for child in listed]
        return [
            name for child, name in zip(listed, names, strict=True) if child.tag in KIND_BY_NAME and name not in found
        ]
