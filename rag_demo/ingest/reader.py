"""Reading the files of a dump into documents, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_demo.ingest.bsl import Source
from rag_demo.ingest.configuration import Configuration
from rag_demo.ingest.documents import DocumentFactory, Passage
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.forms import predefined_units
from rag_demo.ingest.help_pages import help_units
from rag_demo.ingest.layout import Content, Layout
from rag_demo.ingest.modules import ModuleReader, module_kind
from rag_demo.ingest.objects import first_text, object_units
from rag_demo.ingest.owners import Owner
from rag_demo.ingest.parts import MAX_PART_LINES, Part, Unit, pack
from rag_demo.ingest.records import Ingested
from rag_demo.ingest.schedules import exchange_units, schedule_units
from rag_demo.ingest.xml_tree import Element, XmlError, parse_xml
from rag_demo.types import DocType, Document

Progress = Callable[[int, int], None]
_Located = tuple[DumpFile, Owner, Content]
_SHOWN_MISSING = 5
_PREDEFINED = "Предопределенные элементы"
_ADDITIONS: dict[Content, tuple[str, Callable[[Element], Iterator[Unit]]]] = {
    Content.EXCHANGE: ("Состав", exchange_units),
    Content.PREDEFINED: (_PREDEFINED, predefined_units),
    Content.SCHEDULE: ("Расписание", schedule_units),
}


def read_dump(root: Path, layout: Layout, space_id: str, on_progress: Progress | None) -> Ingested:
    """Read the dump below ``root``.

    Raises:
        NotADump: the file of the configuration itself cannot be read.
    """
    folder = DumpFolder(root, expects_utf8=True)
    configuration = Configuration(folder, layout)
    reader = _Reader(folder, layout, DocumentFactory(space_id), configuration)
    documents = list(reader.documents(on_progress))
    documents.sort(key=lambda document: (document.path, document.line_start))
    return Ingested(documents, folder.problems, configuration.name, configuration.version, configuration.format)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is being read."""

    path: str
    owner: Owner
    source: Source


class _Reader:
    def __init__(
        self, folder: DumpFolder, layout: Layout, factory: DocumentFactory, configuration: Configuration
    ) -> None:
        self._folder = folder
        self._layout = layout
        self._factory = factory
        self._configuration = configuration
        self._synonyms: dict[str, str] = {}
        self._rights: dict[str, DumpFile] = {}

    def documents(self, on_progress: Progress | None) -> Iterator[Document]:
        """All documents: first those of the objects, because modules and forms carry their synonyms."""
        objects, others = self._files()
        count = len(objects) + len(others)
        for done, (file, owner, content) in enumerate(objects + others, start=1):
            text = self._folder.read_text(file)
            if text is not None:
                for passage in self._passages(_File(file.path, owner, Source(text)), content):
                    yield self._factory.make(passage)
            if on_progress is not None:
                on_progress(done, count)

    def _files(self) -> tuple[list[_Located], list[_Located]]:
        objects: list[_Located] = []
        others: list[_Located] = []
        for file in self._folder.walk():
            place = self._layout.place(file.path, self._configuration.name)
            if place is None:
                continue
            if place.content is Content.RIGHTS:
                self._rights[place.owner.full_name] = file
            else:
                chosen = objects if place.content is Content.OBJECT else others
                chosen.append((file, place.owner, place.content))
        self._report_gaps([owner for _, owner, _ in objects])
        return objects, others

    def _report_gaps(self, owners: Sequence[Owner]) -> None:
        configuration = self._configuration
        if missing := configuration.missing(owners):
            names = ", ".join(missing[:_SHOWN_MISSING]) + (" …" if len(missing) > _SHOWN_MISSING else "")
            self._folder.report(configuration.file.path, f"lists {len(missing)} objects without a file: {names}")
        if unknown := configuration.unknown_kinds:
            self._folder.report(
                configuration.file.path, f"lists objects of unknown kinds, not read: {', '.join(unknown)}"
            )

    def _passages(self, file: _File, content: Content) -> Iterable[Passage]:
        if content is Content.MODULE:
            if "\n" not in file.source.text and "\r" in file.source.text.rstrip():
                self._folder.report(file.path, "its lines end with CR alone: read as one line, without methods")
            synonym = self._synonyms.get(file.owner.full_name) or self._synonyms.get(file.owner.top_name, "")
            kind = module_kind(file.owner, file.path)
            return ModuleReader(file.owner, kind, file.path, synonym).passages(file.source)
        if content is Content.HELP:
            return self._packed(file, "help", help_units(file.source), "Справка")
        try:
            return self._xml_passages(file, content, parse_xml(file.source.text))
        except XmlError as error:
            self._folder.report(file.path, f"skipped: {error}")
            return ()

    def _xml_passages(self, file: _File, content: Content, document: Element) -> Iterable[Passage]:
        if content is Content.FORM:
            return self._packed(file, "form", list(self._layout.form_units(document)))
        if content in _ADDITIONS:
            section, units_of = _ADDITIONS[content]
            return self._packed(file, "metadata_object", list(units_of(document)), section)
        return self._object(file, document)

    def _object(self, file: _File, document: Element) -> Iterator[Passage]:
        owner, item = file.owner, self._layout.object_of(document)
        expected = owner.chain[-1][0].name
        if item is None or item.tag != expected:
            self._folder.report(file.path, f"skipped: the file does not describe an object of the kind {expected}")
            return
        self._remember_synonyms(item, owner)
        if not owner.is_top_level:
            return
        units = list(object_units(item, owner.title, owner.full_name))
        units += self._rights_units(owner, item)
        yield from self._packed(file, "metadata_object", units, whole=item)
        predefined = self._layout.predefined_of(document)
        if predefined is not None:
            yield from self._packed(file, "metadata_object", list(predefined_units(predefined)), _PREDEFINED)

    def _rights_units(self, owner: Owner, item: Element) -> Iterator[Unit]:
        """A summary only: the rights of one role are thousands of lines that answer no question."""
        file = self._rights.get(owner.full_name)
        text = self._folder.read_text(file) if file is not None else None
        if text is not None:
            said = f"Права на объекты: {text.count('<object>')}"
            if limited := text.count("<restrictionByCondition>"):
                said += f"; ограничений доступа к записям: {limited}"
            yield Unit(item.line_end, item.line_end, said)

    def _remember_synonyms(self, item: Element, owner: Owner) -> None:
        properties, children = item.child("Properties"), item.child("ChildObjects")
        if properties is not None:
            self._synonyms[owner.full_name] = first_text(properties.child("Synonym"))
        for child in children.children if children is not None else ():
            named = child.child("Properties") if child.tag in {"Command", "Form"} else None
            if named is not None:
                name = f"{owner.full_name}.{child.tag}.{named.value('Name')}"
                self._synonyms[name] = first_text(named.child("Synonym"))

    def _packed(
        self, file: _File, doc_type: DocType, units: Sequence[Unit], section: str = "", whole: Element | None = None
    ) -> Iterator[Passage]:
        parts = list(pack(units))
        if whole is not None and len(parts) == 1 and whole.line_end - whole.line < MAX_PART_LINES:
            parts = [Part(whole.line, whole.line_end, parts[0].body)]
        owner = file.owner
        for number, part in enumerate(parts):
            yield Passage(
                doc_type=doc_type,
                object_kind=owner.kind.name,
                object_name=owner.name,
                full_name=owner.full_name,
                path=file.path,
                line_start=part.line_start,
                line_end=part.line_end,
                text=file.source.lines(part.line_start, part.line_end),
                synonym=self._synonyms.get(owner.full_name, ""),
                header=f"{owner.title} › {section}" if section else owner.title,
                body=part.body,
                part=f"{section} {number}".strip(),
            )
