"""Files of a dump: finding them without leaving its folder, and decoding them."""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rag_demo.ingest.records import Problem

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class DumpFile:
    """One file: where it is, and the name under which it is cited."""

    location: Path
    path: str  # relative to the root, forward slashes, Unicode NFC

    @property
    def parts(self) -> tuple[str, ...]:
        """The path, split at its slashes."""
        return tuple(self.path.split("/"))


@dataclass(slots=True)
class DumpFolder:
    """A folder that is read as a dump, and the problems met on the way."""

    root: Path
    max_file_bytes: int = MAX_FILE_BYTES
    expects_utf8: bool = False  # dumps are; people write anything
    problems: list[Problem] = field(default_factory=list)

    def report(self, path: str, message: str) -> None:
        """Note that a file was skipped or only partly read."""
        problem = Problem(path, message)
        if problem not in self.problems[-1:]:
            self.problems.append(problem)

    def walk(self) -> Iterator[DumpFile]:
        """Every file below the root by name, but hidden ones. Links that lead elsewhere are reported, not followed."""
        yield from self._walk(self.root, "", 0)

    def _walk(self, folder: Path, prefix: str, depth: int) -> Iterator[DumpFile]:
        if depth > MAX_DEPTH:
            self.report(prefix, f"skipped: folders are nested more than {MAX_DEPTH} levels deep")
            return
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self.report(prefix, f"skipped: the folder cannot be read ({error.strerror})")
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue  # of version control and editors
            path = prefix + unicodedata.normalize("NFC", entry.name)
            if not _is_printable(entry.name):
                self.report(ascii(path), "skipped: its name is not valid UTF-8")
            elif entry.is_symlink() and not self._stays_inside(entry):
                self.report(path, "skipped: a link to a folder, or to a file outside the dump")
            elif entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path), f"{path}/", depth + 1)
            elif entry.is_file():
                yield DumpFile(Path(entry.path), path)

    def _stays_inside(self, link: os.DirEntry[str]) -> bool:
        try:
            target = Path(link.path).resolve()
            return target.is_file() and target.is_relative_to(self.root.resolve())
        except (OSError, RuntimeError):  # links that lead to each other; a `RuntimeError` before Python 3.13
            return False

    def read_text(self, file: DumpFile) -> str | None:
        """Text of a file without BOM; nothing, and a problem, where it cannot be read."""
        try:
            size = file.location.stat().st_size
            if size > self.max_file_bytes:
                limit = self.max_file_bytes / 1024**2
                self.report(file.path, f"skipped: {size / 1024**2:.1f} MiB, the limit is {limit:.1f} MiB for one file")
                return None
            content = file.location.read_bytes()
        except OSError as error:
            self.report(file.path, f"skipped: the file cannot be read ({error.strerror})")
            return None
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            if self.expects_utf8:
                self.report(file.path, "not UTF-8: read as UTF-16, please check the text")
            return content.decode("utf-16", errors="replace")
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self.report(file.path, f"not UTF-8 (byte {error.start}): read as Windows-1251, please check the text")
            return content.decode("cp1251", errors="replace")


def _is_printable(name: str) -> bool:
    """File systems hand out undecodable bytes as lone surrogates, which no index can store."""
    return not any("\ud800" <= character <= "\udfff" for character in name)
