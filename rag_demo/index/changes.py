"""Which files have to be read again: those whose content changed, and those that depend on one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rag_demo.index.states import FileState
from rag_demo.ingest import Listed

# A file system may give two changes within its tick the same time, FAT one of 2 seconds: time proves nothing so soon.
_SETTLED_NS = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different between two looks at the same folders."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    touched: tuple[FileState, ...]  # same content, other time
    states: Mapping[str, FileState]  # of all files as they are now

    @property
    def to_read(self) -> frozenset[str]:
        """Paths of files that are new or different."""
        return frozenset(self.added) | frozenset(self.changed)

    def __bool__(self) -> bool:
        """Whether any file says something else than before."""
        return bool(self.added or self.changed or self.removed)


def compare(
    listing: Sequence[Listed],
    known: Mapping[str, FileState],
    *,
    now_ns: int,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Changes:
    """Find the differences. Only files with another size or time are opened.

    Args:
        listing: the files as they are now.
        known: what is remembered of those that were read, by path.
        now_ns: nanoseconds since the epoch.
        on_progress: called with the number of files looked at and of all.
    """
    states: dict[str, FileState] = {}
    for done, listed in enumerate(listing, start=1):
        states[listed.path] = _state(listed, known.get(listed.path), now_ns)
        on_progress(done, len(listing))
    for listed in listing:
        if listed.needs:
            states[listed.path] = replace(states[listed.path], needs=_joined(listed.needs, states))
    same = {path for path, state in states.items() if path in known and _says_the_same(state, known[path])}
    return Changes(
        added=tuple(path for path in states if path not in known),
        changed=tuple(path for path in states if path in known and path not in same),
        removed=tuple(path for path in known if path not in states),
        touched=tuple(states[path] for path in states if path in same and states[path] != known[path]),
        states=states,
    )


def still_as_read(listed: Listed, state: FileState) -> FileState:
    """The state to remember after a file was read: one that was written meanwhile is read again next time."""
    try:
        status = listed.location.stat()
    except OSError:
        return replace(state, digest="", mtime_ns=0)
    unchanged = status.st_size == state.size_bytes and (status.st_mtime_ns == state.mtime_ns or not state.mtime_ns)
    return state if unchanged else replace(state, digest="", mtime_ns=0)


def _state(listed: Listed, known: FileState | None, now_ns: int) -> FileState:
    try:
        status = listed.location.stat()
        size, mtime_ns = status.st_size, status.st_mtime_ns
        if known is not None and known.digest and (size, mtime_ns) == (known.size_bytes, known.mtime_ns):
            return known
        with listed.location.open("rb") as stream:
            digest = _digest_of(stream.read)
    except OSError:
        return FileState(listed.path)  # reading it will tell why
    return FileState(listed.path, size, mtime_ns if now_ns - mtime_ns > _SETTLED_NS else 0, digest)


def _digest_of(read: Callable[[int], bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    while block := read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _joined(paths: Sequence[str], states: Mapping[str, FileState]) -> str:
    digests = [states[path].digest if path in states else "" for path in paths]
    return hashlib.blake2b("\n".join(digests).encode(), digest_size=16).hexdigest()


def _says_the_same(state: FileState, known: FileState) -> bool:
    return bool(state.digest) and (state.digest, state.needs) == (known.digest, known.needs)
