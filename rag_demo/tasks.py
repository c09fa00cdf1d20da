"""Everything that commands need the indexes for, and how this process does it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from rag_demo.adapt_wiring import ModelChoice
from rag_demo.chat.answer import turn_of
from rag_demo.chat.session import NEW, Conversation, Turn
from rag_demo.console import answer_as_json, answer_as_text, answer_tail, report_as_text
from rag_demo.index.build import Progress
from rag_demo.index.ports import Scored, Where
from rag_demo.library import Library
from rag_demo.ports import Vectors
from rag_demo.speaking import OnText


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

    def nearest(self, folder: str, revision: int, vector: Vectors, limit: int, where: Where) -> list[Scored]:
        """The nearest vectors of a generation, for a process that reads all the rest of the index itself."""
        with contextlib.closing(self._library.vectors(folder, revision)) as reader:
            return reader.search(vector, limit, where=where)

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
