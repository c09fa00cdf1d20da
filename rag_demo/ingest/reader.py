"""Reading the files of a dump into documents, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_demo.ingest.bsl import Source, scan
from rag_demo.ingest.configuration import Configuration
from rag_demo.ingest.documents import DocumentFactory, Passage
from rag_demo.ingest.facts import Fact
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.form_facts import FormFacts
from rag_demo.ingest.forms import form_units, predefined_units
from rag_demo.ingest.help_pages import help_units
from rag_demo.ingest.layout import Content, Layout
from rag_demo.ingest.method_facts import module_facts
from rag_demo.ingest.modules import ModuleReader, module_kind
from rag_demo.ingest.object_facts import ObjectFacts
from rag_demo.ingest.objects import first_text, object_units
from rag_demo.ingest.owners import Owner
from rag_demo.ingest.parts import MAX_PART_LINES, Part, Unit, pack
from rag_demo.ingest.records import FileRead, Ingested
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
    reader = _Reader(folder, layout, space_id, configuration)
    documents: list[Document] = []
    facts: list[Fact] = []
    for read in reader.files(on_progress):
        documents += read.documents
        facts += read.facts
    documents.sort(key=lambda document: (document.path, document.line_start))
    return Ingested(documents, folder.problems, configuration.name, configuration.version, configuration.format, facts)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is being read, and the facts found in it so far."""

    path: str
    owner: Owner
    source: Source
    facts: list[Fact]


class _Reader:
    def __init__(self, folder: DumpFolder, layout: Layout, space_id: str, configuration: Configuration) -> None:
        self._folder = folder
        self._layout = layout
        self._space_id = space_id
        self._configuration = configuration
        self._synonyms: dict[str, str] = {}
        self._rights: dict[str, DumpFile] = {}

    def files(self, on_progress: Progress | None) -> Iterator[FileRead]:
        """All files: first those of the objects, because modules and forms carry their synonyms."""
        objects, others = self._located()
        count = len(objects) + len(others)
        for done, located in enumerate(objects + others, start=1):
            yield self._read(*located)
            if on_progress is not None:
                on_progress(done, count)

    def _read(self, file: DumpFile, owner: Owner, content: Content) -> FileRead:
        text = self._folder.read_text(file)
        if text is None:
            return FileRead(file.path, [], [])
        opened = _File(file.path, owner, Source(text), [])
        factory = DocumentFactory(self._space_id)
        documents = [factory.make(passage) for passage in self._passages(opened, content)]
        return FileRead(file.path, documents, opened.facts)

    def _located(self) -> tuple[list[_Located], list[_Located]]:
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
            kind, module = module_kind(file.owner, file.path), scan(file.source)
            file.facts.extend(module_facts(module, file.owner, kind, self._space_id, file.path))
            return ModuleReader(file.owner, kind, file.path, synonym).passages(module)
        if content is Content.HELP:
            return self._packed(file, "help", help_units(file.source), "Справка")
        try:
            return self._xml_passages(file, content, parse_xml(file.source.text))
        except XmlError as error:
            self._folder.report(file.path, f"skipped: {error}")
            return ()

    def _xml_passages(self, file: _File, content: Content, document: Element) -> Iterable[Passage]:
        if content is Content.FORM:
            form = self._layout.form_of(document)
            file.facts.extend(FormFacts(file.owner.full_name, self._space_id, file.path).facts(form))
            return self._packed(file, "form", list(form_units(form)))
        if content in _ADDITIONS:
            file.facts.extend(self._added_facts(file, content, document))
            section, units_of = _ADDITIONS[content]
            return self._packed(file, "metadata_object", list(units_of(document)), section)
        return self._object(file, document)

    def _added_facts(self, file: _File, content: Content, document: Element) -> Iterator[Fact]:
        facts = ObjectFacts(file.owner, self._space_id, file.path)
        if content is Content.PREDEFINED:
            yield from facts.predefined(document)
        elif content is Content.EXCHANGE:
            yield from facts.content(document)

    def _object(self, file: _File, document: Element) -> Iterator[Passage]:
        owner, item = file.owner, self._layout.object_of(document)
        expected = owner.chain[-1][0].name
        if item is None or item.tag != expected:
            self._folder.report(file.path, f"skipped: the file does not describe an object of the kind {expected}")
            return
        self._remember_synonyms(item, owner)
        facts = ObjectFacts(owner, self._space_id, file.path)
        file.facts.extend(facts.facts(item))
        if not owner.is_top_level:
            return
        units = list(object_units(item, owner.title, owner.full_name))
        units += self._rights_units(owner, item)
        yield from self._packed(file, "metadata_object", units, whole=item)
        predefined = self._layout.predefined_of(document)
        if predefined is not None:
            file.facts.extend(facts.predefined(predefined))
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
