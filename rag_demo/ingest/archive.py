"""Dumps in ZIP archives: unpacked into a temporary folder, without trusting anything that the archive says."""

from __future__ import annotations

import contextlib
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rag_demo.errors import NoRoom, NotADump
from rag_demo.ingest.detect import configurations_below
from rag_demo.ingest.files import MAX_DEPTH, MAX_FILE_BYTES
from rag_demo.ingest.records import Problem

# Whatever else lies in a dump (pictures, layouts, binary data) is not read, so it is not unpacked.
_READ = frozenset({".bsl", ".form", ".html", ".mdo", ".rights", ".schedule", ".xml"})
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_UNICODE_PATH = 0x7075  # extra field with the name in UTF-8
_PIECE_BYTES = 1024 * 1024
_UNPACK = "Unpack it yourself and give the folder"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may ask of the machine."""

    entries: int = 1_000_000
    total_bytes: int = 16 * 1024**3
    file_bytes: int = MAX_FILE_BYTES
    ratio: int = 200  # XML shrinks to a twentieth; hostile archives to a thousandth and less
    free_bytes: int = 256 * 1024**2  # below this total, the ratio does not matter


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder to read a dump from, and what of an archive could not be put there."""

    folder: Path
    problems: list[Problem] = field(default_factory=list)


@contextlib.contextmanager
def opened(root: Path, *, limits: ArchiveLimits | None = None) -> Iterator[Opened]:
    """``root`` itself where it is a folder; of a ZIP archive, a temporary folder that is gone on the way out.

    Raises:
        NotADump: the archive is damaged, encrypted, hostile, or holds no dump or several.
        NoRoom: the disk for temporary files is too full.
    """
    if not (root.is_file() and zipfile.is_zipfile(root)):
        yield Opened(root)
        return
    with tempfile.TemporaryDirectory(prefix="rag-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        problems = list(_unpack(root, folder, limits or ArchiveLimits()))
        yield Opened(_dump_in(folder, root), problems)


def _dump_in(folder: Path, archive: Path) -> Path:
    found = configurations_below(folder)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotADump(f"{archive} holds no configuration dump: there is neither Configuration.xml nor .mdo in it.")
    places = ", ".join(place.relative_to(folder).as_posix() for place in found[:5])
    raise NotADump(f"{archive} holds several configuration dumps: {places}. {_UNPACK} of one of them.")


def _unpack(archive: Path, folder: Path, limits: ArchiveLimits) -> Iterator[Problem]:
    try:
        with zipfile.ZipFile(archive) as opened_archive:
            entries = [entry for entry in opened_archive.infolist() if not entry.is_dir()]
            wanted = list(_wanted(entries, archive, limits))
            _check_size(wanted, archive, limits)
            for entry, path in wanted:
                try:
                    _check_entry(entry, limits)
                    _extract(opened_archive, entry, folder / path)
                except (_SkippedError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
                    yield Problem(path.as_posix(), f"skipped: it cannot be unpacked ({error})")
    except (zipfile.BadZipFile, OSError, struct.error, UnicodeError, ValueError) as error:
        raise NotADump(f"{archive} is damaged or no ZIP archive ({error}). {_UNPACK}.") from error


class _SkippedError(Exception):
    """One entry is not taken; the message says why."""


def _wanted(
    entries: list[zipfile.ZipInfo], archive: Path, limits: ArchiveLimits
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    if len(entries) > limits.entries:
        raise NotADump(f"{archive} holds {len(entries):,} files, the limit is {limits.entries:,}. {_UNPACK}.")
    for entry in entries:
        path = _checked_path(_name(entry), archive)
        if path.suffix.lower() in _READ:
            if entry.flag_bits & _ENCRYPTED_FLAG:
                raise NotADump(f"{archive} is encrypted. {_UNPACK}.")
            yield entry, path


def _check_size(wanted: list[tuple[zipfile.ZipInfo, PurePosixPath]], archive: Path, limits: ArchiveLimits) -> None:
    total = sum(entry.file_size for entry, _ in wanted)
    ratio = total / max(archive.stat().st_size, 1)
    if total > limits.total_bytes or (total > limits.free_bytes and ratio > limits.ratio):
        raise NotADump(
            f"{archive} would grow to {total / 1024**2:,.0f} MiB, {ratio:.0f} times its size; the limits are "
            f"{limits.total_bytes / 1024**2:,.0f} MiB and {limits.ratio} times. {_UNPACK} if you trust it."
        )
    disk = tempfile.gettempdir()
    room = shutil.disk_usage(disk).free
    if total > room:
        raise NoRoom(
            f"Unpacking {archive} takes {total / 1024**2:,.0f} MiB, but {disk} has {room / 1024**2:,.0f} MiB left. "
            "Free some room, or set TMPDIR to another disk."
        )


def _check_entry(entry: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _SkippedError("a link")
    if entry.file_size > limits.file_bytes:
        raise _SkippedError(
            f"{entry.file_size / 1024**2:.1f} MiB, the limit is {limits.file_bytes / 1024**2:.1f} MiB for one file"
        )


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # "x": two entries of one name are an error, not one file with the content of the last.
    with archive.open(entry) as packed, target.open("xb") as unpacked:
        left = entry.file_size
        while piece := packed.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:  # it says that it is small and is not
                raise _SkippedError("it is larger than it says")
            unpacked.write(piece)


def _checked_path(name: str, archive: Path) -> PurePosixPath:
    """The relative path of an entry.

    Raises:
        NotADump: it leads out of the archive, which no honest program writes.
    """
    path = PurePosixPath(name)
    parts = name.split("/")
    if path.is_absolute() or ".." in parts or ":" in parts[0] or "\0" in name:
        raise NotADump(f"{archive} holds a file that leads out of it: {name[:200]!r}. It was not unpacked.")
    if len(parts) > MAX_DEPTH:
        raise NotADump(f"{archive} holds folders nested more than {MAX_DEPTH} levels deep. It was not unpacked.")
    return path


def _name(entry: zipfile.ZipInfo) -> str:
    """The name with its Cyrillic letters: old archives do not say which code page it is in."""
    name = _unicode_path(entry.extra) or entry.orig_filename
    if name == entry.orig_filename and not entry.flag_bits & _UTF8_FLAG:
        raw = name.encode("cp437")  # as `zipfile` decoded it
        try:
            name = raw.decode()
        except UnicodeDecodeError:
            name = raw.decode("cp866")
    return name.replace("\\", "/").removeprefix("./")


def _unicode_path(extra: bytes) -> str:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == _UNICODE_PATH and size > 5:
            return extra[at + 9 : at + 4 + size].decode()
        at += 4 + size
    return ""
