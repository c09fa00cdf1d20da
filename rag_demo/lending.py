"""What one process holds open: models, the vectors of each space, and assistants over the revisions in use."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hybrid_embeddings.events import Subscriber
from rag_demo import wiring
from rag_demo.adapt_wiring import ADAPTED, ModelChoice, open_adapted
from rag_demo.chat.answer import Assistant
from rag_demo.errors import IndexBusy
from rag_demo.index.ports import DenseIndex, DenseReader
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.ports import Embedder, Observable

_BUSY_S = 10.0  # another process reads the vectors for one question, or writes a small update
_LOOK_S = 0.1
_LET_GO_S = 120.0
_Revisions = tuple[tuple[str, int], ...]


class OpenVectors:
    """Indexes of vectors by the folder of their generation: the engine opens each only once."""

    def __init__(self, open_index: Callable[[Path], DenseIndex]) -> None:
        self._open_index = open_index
        self._open: dict[Path, DenseIndex] = {}
        self._lock = threading.RLock()

    def index(self, folder: Path) -> DenseIndex:
        """The vectors of a generation, to write; they stay open.

        Raises:
            IndexBroken: they cannot be used.
            IndexBusy: another process keeps them open.
        """
        with self._lock:
            if folder not in self._open:
                self._open[folder] = self._patiently(folder)
            return self._open[folder]

    def read(self, folder: Path, revision: int) -> DenseReader:
        """The vectors of a generation at a revision; raises as `index`."""
        with self._lock:
            return self.index(folder).at(revision)

    def put(self, folder: Path, index: DenseIndex) -> None:
        """Take an index that was opened elsewhere."""
        with self._lock:
            self._open[folder] = index

    def close_below(self, folder: Path, *, but: Path | None = None) -> None:
        """Close the vectors of all generations in the folder of a space but one, once their readers have gone."""
        with self._lock:
            for generation in [one for one in self._open if one.parent == folder and one != but]:
                self._open.pop(generation).close()

    def close(self) -> None:
        """Close all, once their readers have gone."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _patiently(self, folder: Path) -> DenseIndex:
        end = time.monotonic() + _BUSY_S
        while True:
            try:
                return self._open_index(folder)
            except IndexBusy:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOOK_S)


class OpenModels:
    """Models by what they are the model of, each loaded once, on first use."""

    def __init__(self) -> None:
        self._open: dict[Path | str, Embedder] = {}
        self._subscribers: list[Subscriber] = []
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call ``subscriber`` with the events of every model, those too that are opened later."""
        with self._lock:
            self._subscribers.append(subscriber)
            for model in self._open.values():
                _subscribe(model, subscriber)

    def of(self, manifest: Manifest, folder: Path) -> Embedder:
        """The model of a generation."""
        if manifest.model_folder:
            return self._loaded(folder, lambda: open_adapted(folder / manifest.model_folder))
        return self.chosen(ModelChoice(manifest.model_choice))

    def chosen(self, model: ModelChoice) -> Embedder:
        """The model that a choice names; where one is to be adapted, that of the settings of the engine."""
        name = "" if model.name == ADAPTED else model.name
        return self._loaded(name, lambda: wiring.build_embedder(name) if name else wiring.build_embedder())

    def close_below(self, folder: Path, *, but: Path | None = None) -> None:
        """Close the adapted models of all generations in the folder of a space but one."""
        with self._lock:
            for key in [key for key in self._open if isinstance(key, Path) and key.parent == folder and key != but]:
                self._open.pop(key).close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _loaded(self, key: Path | str, load: Callable[[], Embedder]) -> Embedder:
        with self._lock:
            if key not in self._open:
                self._open[key] = load()
                for subscriber in self._subscribers:
                    _subscribe(self._open[key], subscriber)
            return self._open[key]


def _subscribe(model: Embedder, subscriber: Subscriber) -> None:
    if isinstance(model, Observable):
        model.events.subscribe(subscriber)


@dataclass(slots=True)
class _Lent:
    """An assistant, how to close it, and how many use it."""

    assistant: Assistant
    opened: contextlib.ExitStack
    revisions: _Revisions
    users: int = 0


class Assistants:
    """Assistants by the spaces that they answer from. One that is lent stays at its revisions to the end."""

    def __init__(
        self,
        store: SpaceStore,
        open_assistant: Callable[[tuple[str, ...]], contextlib.AbstractContextManager[Assistant]],
    ) -> None:
        self._store = store
        self._open_assistant = open_assistant
        self._current: dict[tuple[str, ...], _Lent] = {}
        self._given: list[_Lent] = []
        self._changed = threading.Condition(threading.RLock())

    @contextlib.contextmanager
    def lend(self, spaces: tuple[str, ...]) -> Iterator[Assistant]:
        """The assistant over what the manifests of the spaces name now."""
        with self._changed:
            lent = self._up_to_date(spaces)
            lent.users += 1
        try:
            yield lent.assistant
        finally:
            with self._changed:
                lent.users -= 1
                self._close_unused()

    def forget(self, space_id: str) -> None:
        """Lend no assistant of this space again, and wait until those that are lent have come back."""
        with self._changed:
            concerned = [lent for spaces, lent in self._current.items() if space_id in spaces]
            for spaces in [spaces for spaces in self._current if space_id in spaces]:
                self._retire(spaces)
            self._changed.wait_for(lambda: not any(lent.users for lent in concerned), timeout=_LET_GO_S)

    def close(self) -> None:
        """Close all that are not lent; the others are closed when they come back."""
        with self._changed:
            for spaces in list(self._current):
                self._retire(spaces)

    def _up_to_date(self, spaces: tuple[str, ...]) -> _Lent:
        manifests = [self._store.require(space)[0] for space in spaces]
        revisions = tuple((manifest.generation, manifest.revision) for manifest in manifests)
        lent = self._current.get(spaces)
        if lent is None or lent.revisions != revisions:
            self._retire(spaces)
            with contextlib.ExitStack() as opening:
                assistant = opening.enter_context(self._open_assistant(spaces))
                lent = self._current[spaces] = _Lent(assistant, opening.pop_all(), revisions)
        return lent

    def _retire(self, spaces: tuple[str, ...]) -> None:
        lent = self._current.pop(spaces, None)
        if lent is not None:
            self._given.append(lent)
            self._close_unused()

    def _close_unused(self) -> None:
        for lent in [lent for lent in self._given if not lent.users]:
            self._given.remove(lent)
            lent.opened.close()
        self._changed.notify_all()
