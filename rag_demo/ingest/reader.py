"""The files of a dump: where they are, which of them decide each other, and in which order they are read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from rag_demo.ingest.configuration import Configuration
from rag_demo.ingest.file_reader import FileReader
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.layout import Content, Layout
from rag_demo.ingest.owners import Owner
from rag_demo.ingest.records import FileRead, Listed, Problem

Progress = Callable[[int, int], None]
_Located = tuple[DumpFile, Owner, Content]
_SHOWN_MISSING = 5


class Dump:
    """`SourceFolder` over a configuration dump."""

    def __init__(self, root: Path, layout: Layout, space_id: str) -> None:
        """Read what the configuration is called.

        Raises:
            NotADump: the file of the configuration itself cannot be read.
        """
        self._folder = DumpFolder(root, expects_utf8=True)
        self._layout = layout
        self.configuration = Configuration(self._folder, layout)
        self._reader = FileReader(self._folder, layout, space_id)
        self._objects: dict[str, _Located] = {}  # by the full name of the owner
        self._others: list[_Located] = []

    @property
    def problems(self) -> list[Problem]:
        """See `SourceFolder`."""
        return self._folder.problems

    def listing(self) -> list[Listed]:
        """See `SourceFolder`. Modules and forms carry the synonym of their object, a role tells of its rights."""
        self._locate()
        listed = [Listed(file.path, file.location) for file in self._reader.rights.values()]
        for file, owner, _ in [*self._objects.values(), *self._others]:
            needs = [object_.path for object_, _, _ in self._above(owner) if object_.path != file.path]
            if owner.full_name in self._reader.rights and file is self._objects[owner.full_name][0]:
                needs.append(self._reader.rights[owner.full_name].path)
            listed.append(Listed(file.path, file.location, tuple(needs)))
        return listed

    def read(self, paths: Collection[str] | None = None, *, on_progress: Progress | None = None) -> Iterator[FileRead]:
        """See `SourceFolder`. Objects come first, because of their synonyms."""
        chosen = [file for file in (*self._objects.values(), *self._others) if paths is None or file[0].path in paths]
        self._learn_synonyms(chosen)
        for done, located in enumerate(chosen, start=1):
            yield self._reader.read(*located)
            if on_progress is not None:
                on_progress(done, len(chosen))

    def _locate(self) -> None:
        self._objects, self._reader.rights, self._others = {}, {}, []
        for file in self._folder.walk():
            place = self._layout.place(file.path, self.configuration.name)
            if place is None:
                continue
            if place.content is Content.RIGHTS:
                self._reader.rights[place.owner.full_name] = file
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
            self._reader.learn_synonyms(file, owner)

    def _report_gaps(self, owners: Sequence[Owner]) -> None:
        configuration = self.configuration
        if missing := configuration.missing(owners):
            names = ", ".join(missing[:_SHOWN_MISSING]) + (" …" if len(missing) > _SHOWN_MISSING else "")
            self._folder.report(configuration.file.path, f"lists {len(missing)} objects without a file: {names}")
        if unknown := configuration.unknown_kinds:
            self._folder.report(
                configuration.file.path, f"lists objects of unknown kinds, not read: {', '.join(unknown)}"
            )
