"""Reading a hierarchical Designer dump."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_demo.errors import NotADump
from rag_demo.ingest.bsl import Source
from rag_demo.ingest.documents import DocumentFactory, Passage
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.forms import form_units, predefined_units
from rag_demo.ingest.help_pages import help_units
from rag_demo.ingest.kinds import CONFIGURATION
from rag_demo.ingest.modules import ModuleReader, module_kind
from rag_demo.ingest.objects import first_text, object_units
from rag_demo.ingest.owners import Owner, owner_of
from rag_demo.ingest.parts import MAX_PART_LINES, Part, Unit, pack
from rag_demo.ingest.records import Ingested
from rag_demo.ingest.xml_tree import Element, XmlError, parse_xml
from rag_demo.types import DocType, Document

Progress = Callable[[int, int], None]


def read_designer(root: Path, space_id: str, on_progress: Progress | None) -> Ingested:
    """Read a dump whose root holds ``Configuration.xml``.

    Raises:
        NotADump: ``Configuration.xml`` itself cannot be read.
    """
    folder = DumpFolder(root)
    configuration = _Configuration(folder)
    reader = _Reader(folder, DocumentFactory(space_id), configuration)
    documents = list(reader.documents(on_progress))
    documents.sort(key=lambda document: (document.path, document.line_start))
    return Ingested(documents, folder.problems, configuration.name, configuration.version, configuration.format)


class _Configuration:
    """The root object: what the configuration is called."""

    def __init__(self, folder: DumpFolder) -> None:
        self.file = DumpFile(folder.root / "Configuration.xml", "Configuration.xml")
        text = folder.read_text(self.file)
        if text is None:
            raise NotADump(f"{self.file.location}: {folder.problems[-1].message}. Dump the configuration again.")
        self.source = Source(text)
        try:
            document = parse_xml(self.source.text)
        except XmlError as error:
            raise NotADump(f"{self.file.location}: {error}. Dump the configuration again.") from error
        item = document.child("Configuration")
        properties = item.child("Properties") if item is not None else None
        if item is None or properties is None:
            raise NotADump(f"{self.file.location} does not describe a configuration: <Configuration> is missing.")
        self.item = item
        self.name = properties.value("Name")
        self.version = properties.value("Version")
        self.synonym = first_text(properties.child("Synonym"))
        self.format = f"designer {document.attributes.get('version', '')}".strip()


@dataclass(frozen=True, slots=True)
class _Place:
    """A file that is being read."""

    path: str
    owner: Owner
    source: Source


class _Reader:
    def __init__(self, folder: DumpFolder, factory: DocumentFactory, configuration: _Configuration) -> None:
        self._folder = folder
        self._factory = factory
        self._configuration = configuration
        self._synonyms = {"Configuration": configuration.synonym}

    def documents(self, on_progress: Progress | None) -> Iterator[Document]:
        """All documents: first those of the objects, because modules and forms carry their synonyms."""
        files = self._files()
        done = 0
        for stage in (_is_object, lambda rest: not _is_object(rest)):
            for file, owner, rest in files:
                if stage(rest):
                    for passage in self._passages(file, owner, rest):
                        yield self._factory.make(passage)
                    done += 1
                    if on_progress is not None:
                        on_progress(done, len(files))

    def _files(self) -> list[tuple[DumpFile, Owner, tuple[str, ...]]]:
        root = Owner(((CONFIGURATION, self._configuration.name),))
        files: list[tuple[DumpFile, Owner, tuple[str, ...]]] = [(self._configuration.file, root, ())]
        for file in self._folder.walk():
            owned = owner_of(file.parts, self._configuration.name)
            if owned is not None and _is_read(*owned):
                files.append((file, *owned))
        return files

    def _passages(self, file: DumpFile, owner: Owner, rest: tuple[str, ...]) -> Iterable[Passage]:
        text = self._folder.read_text(file)
        if text is None:
            return ()
        if file.path.endswith(".bsl"):
            synonym = self._synonyms.get(owner.full_name) or self._synonyms.get(_top(owner), "")
            return ModuleReader(owner, module_kind(owner, rest), file.path, synonym).passages(text)
        place = _Place(file.path, owner, Source(text))
        if file.path.endswith(".html"):
            return self._packed(place, "help", help_units(place.source.text), "Справка")
        try:
            return self._xml_passages(place, rest[-1:], parse_xml(place.source.text))
        except XmlError as error:
            self._folder.report(file.path, f"skipped: {error}")
            return ()

    def _xml_passages(self, place: _Place, name: tuple[str, ...], document: Element) -> Iterable[Passage]:
        if name == ("Form.xml",):
            return self._packed(place, "form", list(form_units(document)))
        if name == ("Predefined.xml",):
            return self._packed(place, "metadata_object", list(predefined_units(document)), "Предопределенные элементы")
        return self._object(place, document)

    def _object(self, place: _Place, document: Element) -> Iterable[Passage]:
        owner = place.owner
        if not document.children:
            self._folder.report(place.path, "skipped: the file describes no object")
            return ()
        item = document.children[0]
        self._remember_synonyms(item, owner)
        if not owner.is_top_level:
            return ()
        units = list(object_units(item, owner.title, owner.full_name))
        return self._packed(place, "metadata_object", units, whole=item)

    def _remember_synonyms(self, item: Element, owner: Owner) -> None:
        properties, children = item.child("Properties"), item.child("ChildObjects")
        if properties is not None:
            self._synonyms[owner.full_name] = first_text(properties.child("Synonym"))
        for command in children.all("Command") if children is not None else ():
            named = command.child("Properties")
            if named is not None:
                name = f"{owner.full_name}.Command.{named.value('Name')}"
                self._synonyms[name] = first_text(named.child("Synonym"))

    def _packed(
        self,
        place: _Place,
        doc_type: DocType,
        units: Sequence[Unit],
        section: str = "",
        whole: Element | None = None,
    ) -> Iterator[Passage]:
        parts = list(pack(units))
        if whole is not None and len(parts) == 1 and whole.line_end - whole.line < MAX_PART_LINES:
            parts = [Part(whole.line, whole.line_end, parts[0].body)]
        owner = place.owner
        for number, part in enumerate(parts):
            yield Passage(
                doc_type=doc_type,
                object_kind=owner.kind.name,
                object_name=owner.name,
                full_name=owner.full_name,
                path=place.path,
                line_start=part.line_start,
                line_end=part.line_end,
                text=place.source.lines(part.line_start, part.line_end),
                synonym=self._synonyms.get(owner.full_name, ""),
                header=f"{owner.title} › {section}" if section else owner.title,
                body=part.body,
                part=f"{section} {number}".strip(),
            )


def _top(owner: Owner) -> str:
    kind, name = owner.chain[0]
    return f"{kind.name}.{name}"


def _is_object(rest: tuple[str, ...]) -> bool:
    return not rest


def _is_read(owner: Owner, rest: tuple[str, ...]) -> bool:
    """Modules, object files, form bodies, predefined items and help; no layouts, pictures or rights."""
    if owner.chain[-1][0].name == "Template":
        return False
    if not rest:
        return True
    name = rest[-1]
    if name.endswith(".bsl"):
        return True
    if rest[:2] == ("Ext", "Help"):
        return name.endswith(".html")
    return rest in {("Ext", "Form.xml"), ("Ext", "Predefined.xml")}
