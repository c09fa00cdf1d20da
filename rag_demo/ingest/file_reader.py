"""What one file of a dump says: passages to search and facts to look up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rag_demo.ingest.bsl import Source, scan
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
from rag_demo.ingest.records import FileRead
from rag_demo.ingest.rights import rights_text
from rag_demo.ingest.schedules import exchange_units, schedule_units
from rag_demo.ingest.xml_tree import Element, XmlError, parse_xml
from rag_demo.types import DocType

_MOST_CITED = 20  # times the length of a file; files with ordinary lines need two
_ALWAYS_CITED = 1_000_000  # characters
_PREDEFINED = "Предопределенные элементы"
_ADDITIONS: dict[Content, tuple[str, Callable[[Element], Iterator[Unit]]]] = {
    Content.EXCHANGE: ("Состав", exchange_units),
    Content.PREDEFINED: (_PREDEFINED, predefined_units),
    Content.SCHEDULE: ("Расписание", schedule_units),
}


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is being read, and the facts found in it so far."""

    path: str
    owner: Owner
    source: Source
    facts: list[Fact]


class FileReader:
    """Reads the files of one dump. Those of objects come first: modules and forms carry their synonyms."""

    def __init__(self, folder: DumpFolder, layout: Layout, space_id: str) -> None:
        self.rights: dict[str, DumpFile] = {}  # by the full name of the role
        self._folder = folder
        self._layout = layout
        self._space_id = space_id
        self._synonyms: dict[str, str] = {}

    def read(self, file: DumpFile, owner: Owner, content: Content) -> FileRead:
        """All that a file says, and what was wrong with it."""
        before = len(self._folder.problems)
        text = self._folder.read_text(file)
        opened = _File(file.path, owner, Source(text or ""), [])
        factory = DocumentFactory(self._space_id)
        passages = self._passages(opened, content) if text is not None else ()
        documents = [factory.make(passage) for passage in self._bounded(passages, opened)]
        problems = self._folder.problems[before:]
        del self._folder.problems[before:]
        return FileRead(file.path, documents, opened.facts, problems)

    def learn_synonyms(self, file: DumpFile, owner: Owner) -> None:
        """Look into the file of an object that is not read itself, so nothing is told of it."""
        before = len(self._folder.problems)
        text = self._folder.read_text(file)
        with contextlib.suppress(XmlError):
            item = self._layout.object_of(parse_xml(Source(text or "").text))
            if item is not None and item.tag == owner.chain[-1][0].name:
                self._remember_synonyms(item, owner)
        del self._folder.problems[before:]

    def _bounded(self, passages: Iterable[Passage], file: _File) -> Iterator[Passage]:
        """As many passages as cite a file a bounded number of times: of one long line, each would cite all of it."""
        room, left_out = _MOST_CITED * len(file.source.text) + _ALWAYS_CITED, 0
        for passage in passages:
            room -= len(passage.text)
            if room >= 0:
                yield passage
            else:
                left_out += 1
        if left_out:
            self._folder.report(file.path, f"its lines are too long: {left_out} passages of it are left out")

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
        if rights := self._rights_of(owner):
            units.append(Unit(item.line_end, item.line_end, rights_text(rights)))
            file.facts.extend(facts.rights(item, rights))
        yield from self._packed(file, "metadata_object", units, whole=item)
        predefined = self._layout.predefined_of(document)
        if predefined is not None:
            file.facts.extend(facts.predefined(predefined))
            yield from self._packed(file, "metadata_object", list(predefined_units(predefined)), _PREDEFINED)

    def _rights_of(self, owner: Owner) -> str:
        """The text of a role's file of rights. As passages, its thousands of lines would answer no question."""
        file = self.rights.get(owner.full_name)
        return (self._folder.read_text(file) if file is not None else None) or ""

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
        parts = list(pack(units, file.source.length))
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
