"""Keeping a space up to date while people work on its files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from hybrid_embeddings.errors import HybridEmbeddingsError, MissingDependencyError
from rag_demo.errors import RagDemoError

# A dump writes thousands of files: it is over when nothing has changed for a moment.
QUIET_S = 0.4
_LONGEST_S = 60.0
LOOK_S = 0.5
# After an error (a dump that is half written, an index in use) nothing may change any more.
_AGAIN_LOOKS = 30


def changes(folders: Sequence[Path], *, stop: threading.Event, quiet_s: float = QUIET_S) -> Iterator[int]:
    """How many files changed, each time that the folders have been quiet for a moment; 0 where none did for `LOOK_S`.

    From the first number on, no change is missed.

    Raises:
        MissingDependencyError: watchfiles is not installed.
    """
    try:
        import watchfiles
    except ImportError as error:
        raise MissingDependencyError(
            'watching a folder needs watchfiles: pip install "hybrid-embeddings[rag]"'
        ) from error
    for found in watchfiles.watch(
        *folders,
        debounce=int(_LONGEST_S * 1000),
        step=int(quiet_s * 1000),
        rust_timeout=int(LOOK_S * 1000),
        yield_on_timeout=True,
        stop_event=stop,
        raise_interrupt=True,
    ):
        yield len(found)


def keep(
    update: Callable[[], None],
    changed: Iterable[int],
    *,
    tell: Callable[[str], None],
    stop: threading.Event,
    again_looks: int = _AGAIN_LOOKS,
) -> None:
    """Call ``update`` at the first look and after every change, and go on after errors.

    Args:
        update: brings the space up to date.
        changed: as `changes` gives it.
        tell: told of errors.
        stop: ends it.
        again_looks: after so many looks without a change, what failed is tried again.
    """
    failed, looks = True, again_looks
    for number in changed:
        if stop.is_set():
            return
        looks += 1
        if number or (failed and looks >= again_looks):
            failed, looks = not _tried(update, tell), 0


def _tried(update: Callable[[], None], tell: Callable[[str], None]) -> bool:
    try:
        update()
    except (RagDemoError, HybridEmbeddingsError, OSError) as error:
        tell(str(error))
        return False
    return True
