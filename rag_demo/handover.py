"""Work that goes to the process that holds the indexes: what is sent, and what that one does with it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from rag_demo.adapt_wiring import ModelChoice
from rag_demo.chat.session import NEW, Conversation, Turn
from rag_demo.dense_wiring import open_dense
from rag_demo.index.build import Progress
from rag_demo.index.ports import EVERYWHERE, DenseReader, DocKey, Scored, Where
from rag_demo.lending import OpenVectors
from rag_demo.owner import Handler, Owner, Send, find_owner
from rag_demo.ports import Vectors
from rag_demo.settings import Settings
from rag_demo.speaking import OnText
from rag_demo.tasks import Answered, Done, Here
from rag_demo.types import DocType


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
            **_plain(where),
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


class LentVectors:
    """`DenseReader` of a process that never keeps vectors open, so that others can.

    The process that holds them is asked for each search; where there is none, they are opened for that search alone.
    """

    def __init__(self, settings: Settings, folder: Path, revision: int) -> None:
        """Take the folder of a generation and a revision of it; nothing is opened."""
        self._settings = settings
        self._folder = folder
        self._revision = revision

    def search(self, vector: Vectors, limit: int, *, where: Where = EVERYWHERE) -> list[Scored]:
        """See `DenseReader`; raises IndexBusy where another process keeps them without answering for them."""
        owner = find_owner(self._settings.data_path)
        if owner is None:
            with self._opened() as reader:
                return reader.search(vector, limit, where=where)
        asked = {
            "folder": "/".join(self._folder.parts[-2:]),
            "revision": self._revision,
            "vector": [float(value) for value in vector],
            "limit": limit,
            **_plain(where),
        }
        found = owner.call("nearest", asked)["found"]
        return [Scored(DocKey(str(space_id), str(doc_id)), float(score)) for space_id, doc_id, score in found]

    def count(self, where: Where = EVERYWHERE) -> int:
        """See `DenseReader`."""
        with self._opened() as reader:
            return reader.count(where)

    def close(self) -> None:
        """Nothing is open."""

    @contextlib.contextmanager
    def _opened(self) -> Iterator[DenseReader]:
        with (
            contextlib.closing(OpenVectors(partial(open_dense, settings=self._settings))) as vectors,
            contextlib.closing(vectors.read(self._folder, self._revision)) as reader,
        ):
            yield reader


def handlers(here: Here) -> dict[str, Handler]:
    """The operations that other processes can ask for."""

    def ask(given: Mapping[str, Any], send: Send) -> dict[str, Any]:
        conversation = Conversation(tuple(_turn(turn) for turn in given["turns"]))
        asked = (str(given["question"]), _where(given), int(given["top_k"]))
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

    def nearest(given: Mapping[str, Any], _: Send) -> dict[str, Any]:
        vector = np.array(given["vector"], dtype=np.float32)
        asked = (str(given["folder"]), int(given["revision"]), vector, int(given["limit"]), _where(given))
        return {"found": [[*hit.key, hit.score] for hit in here.nearest(*asked)]}

    return {"ask": ask, "nearest": nearest, "index": index, "verify": verify, "drop": drop}


def _turn(given: Mapping[str, Any]) -> Turn:
    return Turn(**{**given, "names": tuple(given["names"])})


def _plain(where: Where) -> dict[str, Any]:
    return {"spaces": where.space_ids, "doc_types": where.doc_types, "kinds": where.kinds}


def _where(given: Mapping[str, Any]) -> Where:
    sorts = cast("tuple[DocType, ...]", tuple(given["doc_types"]))
    return Where(tuple(given["spaces"]), sorts, tuple(given["kinds"]))


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
