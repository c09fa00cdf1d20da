"""Reading a folder of documents, whatever is in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rag_demo.errors import InputError
from rag_demo.ingest.bsl import Source
from rag_demo.ingest.documents import DocumentFactory, Passage
from rag_demo.ingest.files import DumpFile, DumpFolder
from rag_demo.ingest.notes.blocks import Block, html_blocks, markdown_blocks, text_blocks
from rag_demo.ingest.notes.sections import sections
from rag_demo.ingest.records import FileRead, Ingested, Listed, Problem

OBJECT_KIND = "Text"
MAX_FILE_BYTES = 8 * 1024 * 1024
# A citation is whole lines. Longer ones are machine-made (pictures in the text, pages without line ends).
MAX_LINE = 20_000
_READERS: dict[str, Callable[[Source], Iterator[Block]]] = {
    ".md": markdown_blocks,
    ".markdown": markdown_blocks,
    ".html": html_blocks,
    ".htm": html_blocks,
    ".txt": text_blocks,
}
_OTHER_DOCUMENTS = {".doc", ".docx", ".odt", ".pdf", ".rtf", ".mht", ".chm", ".rst", ".adoc"}


def read_documents(
    root: Path,
    *,
    space_id: str,
    name: str = "",
    max_file_bytes: int = MAX_FILE_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> Ingested:
    """Read the Markdown, HTML and plain-text files below ``root`` into passages by heading.

    Every document is a "note" at first: what sort it is, `rag_demo.classify` tells.

    Args:
        root: the folder.
        space_id: space that the documents belong to.
        name: first part of the cited paths; default: the name of the folder.
        max_file_bytes: larger files are reported and skipped.
        on_progress: called with the number of files done and of all files.

    Raises:
        InputError: there is no such folder.
    """
    folder = NotesFolder(root, space_id=space_id, name=name, max_file_bytes=max_file_bytes)
    folder.listing()
    problems, documents = list(folder.problems), []
    for read in folder.read(on_progress=on_progress):
        documents += read.documents
        problems += read.problems
    documents.sort(key=lambda document: (document.path, document.line_start))
    return Ingested(documents, problems, "", "", "documents")


class NotesFolder:
    """`SourceFolder` over a folder of documents."""

    def __init__(self, root: Path, *, space_id: str, name: str = "", max_file_bytes: int = MAX_FILE_BYTES) -> None:
        """Take a folder; the arguments are those of `read_documents`.

        Raises:
            InputError: there is no such folder.
        """
        if not root.is_dir():
            raise InputError(f"{root} is not a folder. --docs takes a folder of Markdown, HTML or text files.")
        self._folder = DumpFolder(root, max_file_bytes=max_file_bytes)
        self._prefix = unicodedata.normalize("NFC", name or root.resolve().name)
        self._space_id = space_id
        self._files: list[DumpFile] = []

    @property
    def problems(self) -> list[Problem]:
        """See `SourceFolder`."""
        return [self._cited(problem) for problem in self._folder.problems]

    def listing(self) -> list[Listed]:
        """See `SourceFolder`."""
        self._files = [file for file in self._folder.walk() if _is_read(file, self._folder)]
        return [Listed(f"{self._prefix}/{file.path}", file.location) for file in self._files]

    def read(
        self, paths: Collection[str] | None = None, *, on_progress: Callable[[int, int], None] | None = None
    ) -> Iterator[FileRead]:
        """See `SourceFolder`."""
        chosen = [file for file in self._files if paths is None or f"{self._prefix}/{file.path}" in paths]
        for done, file in enumerate(chosen, start=1):
            before = len(self._folder.problems)
            factory = DocumentFactory(self._space_id)
            documents = [factory.make(passage) for passage in _passages(file, self._folder, self._prefix)]
            problems = [self._cited(problem) for problem in self._folder.problems[before:]]
            del self._folder.problems[before:]
            yield FileRead(f"{self._prefix}/{file.path}", documents, [], problems)
            if on_progress is not None:
                on_progress(done, len(chosen))

    def _cited(self, problem: Problem) -> Problem:
        return replace(problem, path=f"{self._prefix}/{problem.path}")


def _is_read(file: DumpFile, folder: DumpFolder) -> bool:
    suffix = PurePosixPath(file.path).suffix.lower()
    if suffix in _OTHER_DOCUMENTS:
        folder.report(file.path, f"skipped: {suffix} is not read; save it as Markdown, HTML or plain text")
    return suffix in _READERS


def _passages(file: DumpFile, folder: DumpFolder, prefix: str) -> Iterator[Passage]:
    source = _source(file, folder)
    if source is None:
        return
    path = PurePosixPath(prefix, file.path)
    for section in sections(_READERS[path.suffix.lower()](source), path.stem.replace("_", " ").strip()):
        part = section.part
        full_name = " › ".join(section.headings)
        yield Passage(
            doc_type="note",
            object_kind=OBJECT_KIND,
            object_name=section.headings[0],
            full_name=full_name,
            name=section.headings[-1],
            path=str(path),
            line_start=part.line_start,
            line_end=part.line_end,
            text=source.lines(part.line_start, part.line_end),
            header=full_name,
            doc=part.body,
            part=str(section.number),
        )


def _source(file: DumpFile, folder: DumpFolder) -> Source | None:
    text = folder.read_text(file)
    if text is None:
        return None
    if "\0" in text:
        folder.report(file.path, "skipped: it holds zero bytes, so it is not a text")
        return None
    source = Source(text)
    long = next((number for number, line in enumerate(source.text.split("\n"), 1) if len(line) > MAX_LINE), None)
    if long is not None:
        folder.report(file.path, f"skipped: line {long} has more than {MAX_LINE:,} characters and cannot be cited")
        return None
    return source
