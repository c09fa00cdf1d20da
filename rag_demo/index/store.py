"""Where indexes lie, and how a new one takes the place of the old one at once.

    <data folder>/spaces/<space>/current.json       the manifest of the generation in use
                                 lock.sqlite        held by the process that builds
                                 <generation>/      dense/  lexical/  sketches/  catalogue.sqlite  facts.sqlite

A generation is built in its own folder. Writing ``current.json`` by one atomic rename is the switch: whatever
stops the build before it, the old generation stays in use; what a dead build left is removed by the next one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import re
import shutil
import sqlite3
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag_demo.errors import IndexBroken, IndexBusy, IndexMissing, InputError, RagDemoError
from rag_demo.index.ports import FIRST_REVISION
from rag_demo.index.retired import write_atomically

# Raised when files of an older version cannot be read any more; they are then built anew.
FORMAT = 4
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "list[str]": (list,),
    "dict[str, int]": (dict,),
}
_log = logging.getLogger(__name__)
_NAME = re.compile(r"[\w][\w .-]{0,62}[\w]|[\w]")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is known of one generation of a space without opening it."""

    space_id: str
    generation: str
    source: str  # folder it was read from
    source_format: str
    configuration_name: str
    configuration_version: str
    model_name: str
    model_fingerprint: str
    dimension: int
    created: str  # ISO 8601, UTC
    counts: dict[str, int] = field(default_factory=dict)  # documents per doc_type
    kinds: dict[str, int] = field(default_factory=dict)  # documents per kind of object
    problems: int = 0  # files that could not be read
    revision: int = FIRST_REVISION  # what is visible of the generation
    recipe: str = ""  # of everything that makes an index anew when it changes: analyser, version, choice of the model
    model_folder: str = ""  # of a model that lies in the generation; empty: ``model_name`` is one of the engine
    dense_weight: float = -1.0  # of the vector search in the fusion, chosen with the model; below 0: of the settings
    model_choice: str = ""  # what was asked for: "adapted", a name, or the model of the engine's settings if empty
    changed: int = 0  # documents that changed since the generation was made
    documents_folders: list[str] = field(default_factory=list)  # folders of documents beside the dump
    format: int = FORMAT


class SpaceStore:
    """All spaces below one data folder."""

    def __init__(
        self, data_folder: Path, *, discard: Callable[[Path], None] = lambda _: None, shared: bool = False
    ) -> None:
        """Look at nothing yet.

        Args:
            data_folder: of the user.
            discard: deletes what a generation has outside its folder; raises VectorsAway where that is not possible
                now, and the folder is then kept for the next time.
            shared: other processes read the generation in use at any time, so the one before is kept until the next
                change.
        """
        self._root = data_folder / "spaces"
        self._discard = discard
        self._shared = shared

    def manifests(self) -> list[Manifest]:
        """The spaces that can be asked, by name; a damaged one is told of and left out."""
        found = []
        for file in self._root.glob("*/current.json"):
            try:
                found.append(_read_manifest(file))
            except IndexBroken as error:
                _log.warning("A space is left out. %s", error)
        return sorted(found, key=lambda manifest: manifest.space_id)

    def manifest(self, space_id: str) -> Manifest | None:
        """The generation in use of a space, or None if it has not been indexed."""
        file = self._folder(space_id) / "current.json"
        return _read_manifest(file) if file.is_file() else None

    def require(self, space_id: str) -> tuple[Manifest, Path]:
        """Manifest and folder of the generation in use.

        Raises:
            InputError: no space can be called so.
            IndexMissing: nothing has been indexed, or not this space.
            IndexBroken: its manifest is damaged, or it was written by another version of this program.
        """
        check_space_name(space_id)
        manifest = self.manifest(space_id)
        if manifest is None:
            raise IndexMissing(self._missing(space_id))
        if manifest.format != FORMAT:
            raise IndexBroken(
                f"The index of space {space_id!r} has format {manifest.format}, this program reads {FORMAT}. "
                f"Run `rag-demo index {manifest.source} --space {space_id}`."
            )
        return manifest, self._folder(space_id) / manifest.generation

    def folder_of(self, space_id: str, generation: str) -> Path:
        """The folder of a generation, whether it is there or not."""
        return self._folder(space_id) / generation

    def folder_called(self, name: str) -> Path:
        """The folder of a generation by the last two steps of its path.

        Raises:
            InputError: there is none.
        """
        folder = self._root / name
        if folder.resolve().parent.parent != self._root.resolve() or not folder.is_dir():
            raise InputError(f"There is no index {name!r:.200}.")
        return folder

    @contextlib.contextmanager
    def building(self, space_id: str) -> Iterator[Path]:
        """A folder for a new generation, removed again on the way out unless it was published.

        Raises:
            InputError: the name cannot be one of a space.
            IndexBusy: another process builds this space.
        """
        check_space_name(space_id)
        folder = self._folder(space_id)
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock.sqlite", space_id):
            self._remove_unused(space_id)
            generation = folder / uuid.uuid4().hex
            generation.mkdir()
            try:
                yield generation
            finally:
                if not (self._shared and self._is_used(space_id, generation)):
                    self._remove_unused(space_id, built=generation)

    @contextlib.contextmanager
    def writing(self, space_id: str) -> Iterator[None]:
        """Keep others from building or changing this space, which must exist; what dead builds left is removed.

        Raises:
            IndexBusy: another process does so now.
        """
        with _locked(self._folder(space_id) / "lock.sqlite", space_id):
            self._remove_unused(space_id)
            yield

    def drop(self, space_id: str) -> None:
        """Forget a space and delete its files.

        Raises:
            InputError, IndexMissing: there is none.
            IndexBusy: another process builds or changes it.
        VectorsAway: its vectors cannot be deleted now; nothing is.
        """
        check_space_name(space_id)
        folder = self._folder(space_id)
        if not folder.is_dir():
            raise IndexMissing(self._missing(space_id))
        with self.writing(space_id):
            generations = [entry for entry in folder.iterdir() if entry.is_dir()]
            for generation in generations:
                self._discard(generation)
            # Without it the space is gone, whatever stops the rest; the next build of that name cleans up.
            (folder / "current.json").unlink(missing_ok=True)
            for generation in generations:
                shutil.rmtree(generation, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)

    def publish(self, manifest: Manifest) -> None:
        """Make a built generation the one in use."""
        file = self._folder(manifest.space_id) / "current.json"
        write_atomically(file, json.dumps(dataclasses.asdict(manifest), ensure_ascii=False, indent=1))

    def _remove_unused(self, space_id: str, *, built: Path | None = None) -> None:
        try:
            manifest = self.manifest(space_id)
        except IndexBroken as error:
            # Which generation it named is unknown: none but our own is removed until a new manifest is published.
            _log.warning("The manifest will be replaced. %s", error)
            if built is not None:
                self._remove(built)
            return
        for entry in self._folder(space_id).iterdir():
            if entry.is_dir() and (manifest is None or entry.name != manifest.generation):
                self._remove(entry)

    def _remove(self, generation: Path) -> None:
        try:
            self._discard(generation)
        except RagDemoError as error:
            _log.warning("An index that is not used any more stays until the next time. %s", error)
            return
        # On Windows a process that still reads the old generation holds its files: next time.
        shutil.rmtree(generation, ignore_errors=True)

    def _is_used(self, space_id: str, generation: Path) -> bool:
        try:
            manifest = self.manifest(space_id)
        except IndexBroken:
            return False
        return manifest is not None and manifest.generation == generation.name

    def _folder(self, space_id: str) -> Path:
        # The digest keeps names apart that a file system takes for equal ("Demo", "demo").
        digest = hashlib.blake2b(_normal(space_id).encode(), digest_size=4).hexdigest()
        return self._root / f"{re.sub(r'[^0-9A-Za-z]+', '-', space_id)[:24].strip('-')}-{digest}"

    def _missing(self, space_id: str) -> str:
        known = [manifest.space_id for manifest in self.manifests()]
        if not known:
            return f"Nothing has been indexed in {self._root.parent}. Run `rag-demo index DIR --space NAME` first."
        return f"There is no space {space_id!r}. Known spaces: {', '.join(known)}."


def check_space_name(space_id: str) -> None:
    """Raise InputError unless ``space_id`` is 1–64 letters, digits, spaces and ``._-``."""
    if not _NAME.fullmatch(space_id):
        raise InputError(
            f"{space_id[:80]!r} cannot be the name of a space: use 1 to 64 letters, digits, spaces, '.', '_' and '-'."
        )


def _normal(space_id: str) -> str:
    return unicodedata.normalize("NFC", space_id)


def _read_manifest(file: Path) -> Manifest:
    try:
        values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        types = {field.name: _TYPES[str(field.type)] for field in dataclasses.fields(Manifest)}
        return Manifest(**{name: _checked(name, value, types[name]) for name, value in values.items() if name in types})
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IndexBroken(f"{file} cannot be read: {error}. Index this space again.") from error


def _checked(name: str, value: Any, expected: tuple[type, ...]) -> Any:
    if not isinstance(value, expected):
        raise TypeError(f"{name} is {value!r:.80}")
    return value


@contextlib.contextmanager
def _locked(file: Path, space_id: str) -> Iterator[None]:
    """Hold an exclusive lock that works on every platform and ends with the process, whatever ends it."""
    connection = sqlite3.connect(file, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise IndexBusy(f"Another process is indexing space {space_id!r}. Wait for it or end it.") from error
    try:
        yield
    finally:
        connection.close()
