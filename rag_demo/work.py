"""What the commands ask for, done by this process or handed over to the one that holds the indexes."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, cast

from rag_demo.adapt_wiring import ModelChoice
from rag_demo.chat.answer import turn_of
from rag_demo.chat.session import NEW, Conversation, Turn
from rag_demo.console import answer_as_json, answer_as_text, answer_tail, report_as_text
from rag_demo.errors import InputError
from rag_demo.index.build import Progress
from rag_demo.index.ports import Where
from rag_demo.library import Library
from rag_demo.owner import Endpoint, Handler, Owner, Send, find_owner
from rag_demo.settings import Settings
from rag_demo.speaking import OnText
from rag_demo.types import DocType


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as text and as one JSON object; what the conversation remembers of it.

    ``tail`` is what of the text follows the answer itself, for those who were shown that as it came.
    """

    text: str
    json: dict[str, Any]
    turn: Turn
    tail: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in a line, and what was wrong with files: path and message."""

    text: str
    problems: tuple[tuple[str, str], ...] = ()
    unchanged: bool = False


class Work(Protocol):
    """Everything that needs the indexes."""

    def ask(
        self,
        question: str,
        where: Where,
        top_k: int,
        *,
        conversation: Conversation = NEW,
        on_text: OnText | None = None,
    ) -> Answered:
        """Answer a question; see `Library.ask`."""

    def index(
        self,
        folder: Path,
        space_id: str,
        docs: Sequence[Path],
        *,
        full: bool,
        progress: Progress,
        model: ModelChoice | None = None,
    ) -> Done:
        """See `Library.index`."""

    def verify(self, space_id: str, *, progress: Progress) -> Done:
        """See `Library.verify`."""

    def drop(self, space_id: str) -> Done:
        """See `Library.drop`."""


class Here:
    """Work done by this process."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def ask(
        self,
        question: str,
        where: Where,
        top_k: int,
        *,
        conversation: Conversation = NEW,
        on_text: OnText | None = None,
    ) -> Answered:
        """See `Work`."""
        answer = self._library.ask(question, where, top_k, conversation=conversation, on_text=on_text)
        return Answered(answer_as_text(answer), answer_as_json(answer), turn_of(answer), answer_tail(answer))

    def index(
        self,
        folder: Path,
        space_id: str,
        docs: Sequence[Path],
        *,
        full: bool,
        progress: Progress,
        model: ModelChoice | None = None,
    ) -> Done:
        """See `Work`."""
        report = self._library.index(folder, space_id, docs=docs, full=full, model=model, progress=progress)
        problems = tuple((problem.path, problem.message) for problem in report.problems)
        return Done(report_as_text(report), problems, report.is_unchanged)

    def verify(self, space_id: str, *, progress: Progress) -> Done:
        """See `Work`."""
        found = [difference for difference in self._library.verify(space_id, progress=progress) if difference]
        if not found:
            return Done(f"Space {space_id!r}: words and vectors are as the catalogue says.", unchanged=True)
        told = [f"{len(one.missing):,} of {one.part} missing, {len(one.surplus):,} too many" for one in found]
        return Done(f"Space {space_id!r} was mended: {'; '.join(told)}.")

    def drop(self, space_id: str) -> Done:
        """See `Work`."""
        self._library.drop(space_id)
        return Done(f"Space {space_id!r} is gone.")


class There:
    """Work handed over to the process that holds the indexes."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def ask(
        self,
        question: str,
        where: Where,
        top_k: int,
        *,
        conversation: Conversation = NEW,
        on_text: OnText | None = None,
    ) -> Answered:
        """See `Work`."""
        arguments = {
            "question": question,
            "spaces": where.space_ids,
            "doc_types": where.doc_types,
            "kinds": where.kinds,
            "top_k": top_k,
            "turns": [dataclasses.asdict(turn) for turn in conversation.turns],
        }
        told = on_text or (lambda _: None)
        given = self._owner.call("ask", arguments, on_message=lambda message: told(str(message["text"])))
        return Answered(given["text"], given["json"], _turn(given["turn"]), given["tail"])

    def index(
        self,
        folder: Path,
        space_id: str,
        docs: Sequence[Path],
        *,
        full: bool,
        progress: Progress,
        model: ModelChoice | None = None,
    ) -> Done:
        """See `Work`."""
        arguments = {
            "folder": str(folder.absolute()),
            "space": space_id,
            "docs": [str(one.absolute()) for one in docs],
            "full": full,
            "model": None if model is None else [model.name, str(model.base.absolute()) if model.base else ""],
        }
        return self._done("index", arguments, progress)

    def verify(self, space_id: str, *, progress: Progress) -> Done:
        """See `Work`."""
        return self._done("verify", {"space": space_id}, progress)

    def drop(self, space_id: str) -> Done:
        """See `Work`."""
        return self._done("drop", {"space": space_id}, lambda *_: None)

    def _done(self, operation: str, arguments: dict[str, Any], progress: Progress) -> Done:
        told = self._owner.call(operation, arguments, on_message=lambda message: progress(*message["progress"]))
        problems = tuple((str(path), str(message)) for path, message in told["problems"])
        return Done(str(told["text"]), problems, bool(told["unchanged"]))


def check_workers(workers: int, settings: Settings) -> None:
    """Raise InputError unless that many processes can answer from the indexes at once."""
    if workers > 1 and not settings.qdrant_url:
        raise InputError(
            f"{workers} workers need a Qdrant server: indexes in a folder belong to one process. Set QDRANT_URL and "
            "index again, or use one worker."
        )


@contextlib.contextmanager
def holding(settings: Settings, *, command: str) -> Iterator[Library]:
    """The library of a process that stays, a server or one of its workers.

    Indexes in a folder belong to one process: this one holds them and works for others too. With a Qdrant server
    nobody holds anything, and any number of processes may do this at once.

    Raises:
        IndexBusy: another process holds the indexes.
    """
    with contextlib.closing(Library(settings)) as library:
        if settings.qdrant_url:
            yield library
            return
        endpoint = Endpoint(handlers(Here(library)), command=command, version=version())
        with endpoint.serving(settings.data_path):
            yield library


@contextlib.contextmanager
def work(settings: Settings) -> Iterator[Work]:
    """Work by the process that holds the indexes, or by this one where there is none."""
    owner = _owner(settings)
    if owner is not None:
        yield There(owner)
        return
    with contextlib.closing(Library(settings)) as library:
        yield Here(library)


class Staying:
    """Chooses who works for a process that stays; call it each time.

    Where another process holds the indexes, that one. Where there is none, or it has ended, this process: from then on
    it holds them, and works for others too.
    """

    def __init__(self, settings: Settings, *, command: str) -> None:
        """Take where the indexes are, and what runs in this process, for messages of others."""
        self._settings = settings
        self._command = command
        self._here: Here | None = None
        self._opened = contextlib.ExitStack()

    def __call__(self) -> Work:
        """Who works now.

        Raises:
            IndexBusy: another process is just taking the indexes.
        """
        if self._here is not None:
            return self._here
        owner = _owner(self._settings)
        return There(owner) if owner is not None else self._claimed()

    def close(self) -> None:
        """Let go of the indexes, after what others have asked for is done."""
        self._here = None
        self._opened.close()

    def _claimed(self) -> Here:
        with contextlib.ExitStack() as opening:
            library = opening.enter_context(holding(self._settings, command=self._command))
            self._opened = opening.pop_all()
        self._here = Here(library)
        return self._here


def _owner(settings: Settings) -> Owner | None:
    """Who holds the indexes; None, too, where a server keeps the vectors: then nobody needs to."""
    return None if settings.qdrant_url else find_owner(settings.data_path)


def handlers(here: Here) -> dict[str, Handler]:
    """The operations that other processes can ask for."""

    def ask(given: Mapping[str, Any], send: Send) -> dict[str, Any]:
        sorts = cast("tuple[DocType, ...]", tuple(given["doc_types"]))
        where = Where(tuple(given["spaces"]), sorts, tuple(given.get("kinds", ())))
        conversation = Conversation(tuple(_turn(turn) for turn in given["turns"]))
        asked = (str(given["question"]), where, int(given["top_k"]))
        return dataclasses.asdict(
            here.ask(*asked, conversation=conversation, on_text=lambda text: send({"text": text}))
        )

    def index(given: Mapping[str, Any], send: Send) -> dict[str, Any]:
        docs = [Path(folder) for folder in given["docs"]]
        folder, space, full = Path(given["folder"]), str(given["space"]), bool(given["full"])
        model = given.get("model")
        choice = None if model is None else ModelChoice(str(model[0]), Path(model[1]) if model[1] else None)
        return _told(here.index(folder, space, docs, full=full, model=choice, progress=_sending(send)))

    def verify(given: Mapping[str, Any], send: Send) -> dict[str, Any]:
        return _told(here.verify(str(given["space"]), progress=_sending(send)))

    def drop(given: Mapping[str, Any], _: Send) -> dict[str, Any]:
        return _told(here.drop(str(given["space"])))

    return {"ask": ask, "index": index, "verify": verify, "drop": drop}


def _turn(given: Mapping[str, Any]) -> Turn:
    return Turn(**{**given, "names": tuple(given["names"])})


def version() -> str:
    """The version of this program."""
    try:
        return metadata.version("hybrid-embeddings")
    except metadata.PackageNotFoundError:
        return "0"


def _told(done: Done) -> dict[str, Any]:
    return {"text": done.text, "problems": [list(problem) for problem in done.problems], "unchanged": done.unchanged}


def _sending(send: Send) -> Progress:
    """Progress told to the caller, not more often than a terminal shows it."""
    last_percent: dict[str, int] = {}
    lock = threading.Lock()

    def progress(stage: str, done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        with lock:
            if last_percent.get(stage) == percent and done < total:
                return
            last_percent[stage] = percent
        send({"progress": [stage, done, total]})

    return progress
