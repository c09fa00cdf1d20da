"""What the commands do that make, check, list, delete and watch indexes."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag_demo.adapt_wiring import ModelChoice
from rag_demo.console import ProgressBar, complain, say, spaces_as_text
from rag_demo.errors import IndexBroken, IndexMissing, InputError
from rag_demo.index.store import SpaceStore
from rag_demo.settings import Settings
from rag_demo.watch import changes, keep
from rag_demo.work import Done, Staying, Work, work

_MOST_PROBLEMS = 10


def index(
    folder: Path,
    space_id: str,
    *,
    docs: Sequence[Path] = (),
    full: bool = False,
    model: ModelChoice | None = None,
    settings: Settings,
) -> None:
    """Bring a space up to date with a dump and documents beside it, or make it anew.

    Files that were skipped or only partly read go to standard error.
    """
    with work(settings) as working:
        _report(working.index(folder, space_id, docs, full=full, model=model, progress=ProgressBar()))


def verify(space_ids: Sequence[str], *, settings: Settings) -> None:
    """Compare the parts of spaces, all of them if none is named, and mend what differs."""
    known = [manifest.space_id for manifest in SpaceStore(settings.data_path).manifests()]
    with work(settings) as working:
        for space_id in space_ids or known:
            say(working.verify(space_id, progress=ProgressBar()).text)


def spaces(*, settings: Settings) -> None:
    """List what is indexed."""
    manifests = SpaceStore(settings.data_path).manifests()
    say(spaces_as_text(manifests) if manifests else f"Nothing has been indexed in {settings.data_path}.")


def drop(space_id: str, *, yes: bool, settings: Settings) -> None:
    """Delete a space after the user has said yes.

    Raises:
        InputError: nobody can be asked.
    """
    SpaceStore(settings.data_path).require(space_id)
    if not yes:
        if not sys.stdin.isatty():
            raise InputError(f"Nobody can be asked here. Say --yes to delete the index of space {space_id!r}.")
        if input(f"Delete the index of space {space_id!r}? Its files stay. [y/N] ").strip().lower() not in {"y", "yes"}:
            say("Nothing was deleted.")
            return
    with work(settings) as working:
        say(working.drop(space_id).text)


def watch(folder: Path, space_id: str, *, docs: Sequence[Path] | None, settings: Settings) -> None:
    """Keep a space up to date until the user ends it.

    Args:
        folder: the dump.
        space_id: name of the space.
        docs: folders of documents beside it; None: those that the space was indexed with.
        settings: where the indexes are.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder, so it cannot be watched.")
    beside = _documents_folders(space_id, settings) if docs is None else docs
    stop = threading.Event()
    with contextlib.closing(Staying(settings, command="rag-demo watch")) as working, _ended_by_signals(stop):
        say(f"Watching {', '.join(map(str, [folder, *beside]))} for space {space_id!r}. Ctrl-C ends it.")
        keep(
            lambda: _update(working(), folder, space_id, beside),
            changes([folder, *beside], stop=stop),
            tell=lambda error: complain(f"{_clock()} not updated: {error}"),
            stop=stop,
        )


def _update(working: Work, folder: Path, space_id: str, docs: Sequence[Path]) -> None:
    done = working.index(folder, space_id, docs, full=False, progress=ProgressBar())
    if not done.unchanged:
        say(f"{_clock()} {done.text}")
        _complain_of(done)


def _documents_folders(space_id: str, settings: Settings) -> list[Path]:
    with contextlib.suppress(IndexMissing, IndexBroken):
        return [Path(folder) for folder in SpaceStore(settings.data_path).require(space_id)[0].documents_folders]
    return []


def _report(done: Done) -> None:
    _complain_of(done)
    say(done.text)


def _complain_of(done: Done) -> None:
    for path, message in done.problems[:_MOST_PROBLEMS]:
        complain(f"problem: {path}: {message}")
    if len(done.problems) > _MOST_PROBLEMS:
        complain(f"problem: {len(done.problems) - _MOST_PROBLEMS:,} more files")


def _clock() -> str:
    return time.strftime("%H:%M:%S")


@contextlib.contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    """Let a service manager end the watcher as Ctrl-C does: after the update that is being made."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
