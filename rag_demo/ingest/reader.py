"""Reading the files of a dump into documents, whatever its format."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
from rag_demo.ingest.records import FileRead, Listed, Problem
from rag_demo.ingest.schedules import exchange_units, schedule_units
from rag_demo.ingest.xml_tree import Element, XmlError, parse_xml
from rag_demo.types import DocType

Progress = Callable[[int, int], None]
_Located = tuple[DumpFile, Owner, Content]
_SHOWN_MISSING = 5
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


class Dump:
    """`SourceFolder` over a configuration dump."""

    def __init__(self, root: Path, layout: Layout, space_id: str) -> None:
        """Read what the configuration is called.

        Raises:
            NotADump: the file of the configuration itself cannot be read.
        """
        self._folder = DumpFolder(root, expects_utf8=True)
        self._layout = layout
        self._space_id = space_id
        self.configuration = Configuration(self._folder, layout)
        self._synonyms: dict[str, str] = {}
        self._objects: dict[str, _Located] = {}  # by the full name of the owner
        self._rights: dict[str, DumpFile] = {}  # by the full name of the role
        self._others: list[_Located] = []

    @property
    def problems(self) -> list[Problem]:
        """See `SourceFolder`."""
        return self._folder.problems

    def listing(self) -> list[Listed]:
        """See `SourceFolder`. Modules and forms carry the synonym of their object, a role tells of its rights."""
        self._locate()
        listed = [Listed(file.path, file.location) for file in self._rights.values()]
        for file, owner, _ in [*self._objects.values(), *self._others]:
            needs = [object_.path for object_, _, _ in self._above(owner) if object_.path != file.path]
            if owner.full_name in self._rights and file is self._objects[owner.full_name][0]:
                needs.append(self._rights[owner.full_name].path)
            listed.append(Listed(file.path, file.location, tuple(needs)))
        return listed

    def read(self, paths: Collection[str] | None = None, *, on_progress: Progress | None = None) -> Iterator[FileRead]:
        """See `SourceFolder`. Objects come first, because of their synonyms."""
        chosen = [file for file in (*self._objects.values(), *self._others) if paths is None or file[0].path in paths]
        self._learn_synonyms(chosen)
        for done, located in enumerate(chosen, start=1):
            yield self._read(*located)
            if on_progress is not None:
                on_progress(done, len(chosen))

    def _read(self, file: DumpFile, owner: Owner, content: Content) -> FileRead:
        before = len(self._folder.problems)
        text = self._folder.read_text(file)
        opened = _File(file.path, owner, Source(text or ""), [])
        factory = DocumentFactory(self._space_id)
        passages = self._passages(opened, content) if text is not None else ()
        documents = [factory.make(passage) for passage in self._bounded(passages, opened)]
        problems = self._folder.problems[before:]
        del self._folder.problems[before:]
        return FileRead(file.path, documents, opened.facts, problems)

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

    def _locate(self) -> None:
        self._objects, self._rights, self._others = {}, {}, []
        for file in self._folder.walk():
            place = self._layout.place(file.path, self.configuration.name)
            if place is None:
                continue
            if place.content is Content.RIGHTS:
                self._rights[place.owner.full_name] = file
            elif place.content is Content.OBJECT:
                self._objects[place.owner.full_name] = (file, place.owner, place.content)
            else:
                self._others.append((file, place.owner, place.content))
        self._report_gaps([owner for _, owner, _ in self._objects.values()])

    def _above(self, owner: Owner) -> Iterator[_Located]:
        """The files of the object itself and of those that it lies in."""
        for depth in range(1, len(owner.chain) + 1):
            located = self._objects.get(Owner(owner.chain[:depth]).full_name)
            if located is not None:
                yield located

    def _learn_synonyms(self, chosen: Sequence[_Located]) -> None:
        """Where only some files are read, those of the objects above them are looked into."""
        read = {file.path for file, _, _ in chosen}
        above = {near[0].path: near for _, owner, _ in chosen for near in self._above(owner)}
        for file, owner, _ in (near for path, near in above.items() if path not in read):
            before = len(self._folder.problems)
            text = self._folder.read_text(file)
            with contextlib.suppress(XmlError):
                item = self._layout.object_of(parse_xml(Source(text or "").text))
                if item is not None and item.tag == owner.chain[-1][0].name:
                    self._remember_synonyms(item, owner)
            del self._folder.problems[before:]  # they are told where the file itself is read

    def _report_gaps(self, owners: Sequence[Owner]) -> None:
        configuration = self.configuration
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
