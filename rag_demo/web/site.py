"""What the web layer asks of the rest: searches, answers and look-ups that do not block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TypeVar

from rag_demo.chat.answer import Assistant
from rag_demo.chat.session import NEW, Conversation
from rag_demo.chat.stream import ChatEvent
from rag_demo.errors import IndexMissing, InputError, LlmError
from rag_demo.index.facts import Facts
from rag_demo.index.ports import Where
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.ingest.facts import MethodFact
from rag_demo.ingest.kinds import KINDS
from rag_demo.library import Library
from rag_demo.retrieve.search import Found
from rag_demo.settings import Settings
from rag_demo.types import DOC_TYPES, Document
from rag_demo.web import schemas, shown

Result = TypeVar("Result")
MOST_LINES = 2_000
NOTHING = "Nothing is indexed for you yet. Run `rag-demo index DIR --space NAME`."
_AROUND = 6  # lines shown before and after those that are cited
_MOST_USAGES = 50
_CANDIDATES = 200
_REMEMBERED = 3  # names of an answer
EXAMPLES = {
    "ru": [
        "Как получить курс валюты на дату?",
        "Какие реквизиты у справочника Контрагенты?",
        "Что происходит при проведении реализации?",
        "Где проверяется лимит задолженности?",
    ],
    "en": [
        "Which attributes does the catalog Контрагенты have?",
        "Which documents write to the register ТоварыНаСкладах?",
    ],
}


@dataclass(frozen=True, slots=True)
class Usage:
    """A line that mentions a name."""

    document: Document
    line: int
    text: str


class Site:
    """One library behind the web. Methods that take ``spaces`` trust them: the caller checked who may see what."""

    def __init__(self, library: Library, settings: Settings) -> None:
        self._library = library
        self._settings = settings
        self._store = SpaceStore(settings.data_path)

    def spaces(self) -> list[Manifest]:
        """What is indexed, by name."""
        return self._store.manifests()

    @contextlib.asynccontextmanager
    async def chat(
        self, question: str, *, where: Where, top_k: int, conversation: Conversation = NEW
    ) -> AsyncGenerator[AsyncGenerator[ChatEvent, None], None]:
        """The events of an answer; leaving the context stops it.

        Raises:
            IndexMissing, IndexBroken: as `Library.assistant`.
        """
        speaker = await asyncio.to_thread(self._library.speaker)
        lent = self._library.assistant(where.space_ids)
        assistant = await asyncio.to_thread(lent.__enter__)
        try:
            asked = {"where": where, "top_k": top_k, "conversation": conversation}
            events = (
                assistant.stream(question, **asked)  # type: ignore[arg-type]
                if speaker is None
                else speaker.stream(assistant, question, **asked)  # type: ignore[arg-type]
            )
            async with contextlib.aclosing(events):
                yield events
        finally:
            lent.__exit__(None, None, None)

    async def search(self, question: str, *, where: Where, limit: int) -> Found:
        """The best documents for a question."""
        return await self._with(where.space_ids, lambda one: one.search(question, where=where, limit=limit))

    async def names(self, question: str, answer: str, where: Where) -> tuple[str, ...]:
        """Full names that an earlier answer rested on, as far as they can still be told; those that it says first."""
        found = await self.search(question, where=where, limit=_REMEMBERED)
        names = [hit.document.full_name for hit in found.hits]
        return tuple(sorted(names, key=lambda name: name.rpartition(".")[2] not in answer))

    async def describe(self, name: str, spaces: Sequence[str]) -> schemas.ObjectOut | None:
        """An object or module under any of its names; None: there is none."""
        return await self._with(spaces, lambda one: shown.described(_facts(one), name))

    async def methods(self, name: str, spaces: Sequence[str]) -> list[tuple[MethodFact, Document | None]]:
        """The methods that a name means, with their documents."""

        def look_up(one: Assistant) -> list[tuple[MethodFact, Document | None]]:
            found = [fact for fact in _facts(one).find(name) if isinstance(fact, MethodFact)]
            return [(fact, one.shelves.within([fact.origin.space_id]).named(fact.full_name)) for fact in found]

        return await self._with(spaces, look_up)

    async def usages(self, name: str, spaces: Sequence[str], *, limit: int = _MOST_USAGES) -> list[Usage]:
        """Lines of methods and modules that mention the last part of a name, but for its own declaration."""

        def look_up(one: Assistant) -> list[Usage]:
            word = name.rpartition(".")[2]
            where = Where(tuple(spaces), ("method", "module"))
            found = one.search(word, where=where, limit=_CANDIDATES)
            return list(_mentions(name, [hit.document for hit in found.hits]))[:limit]

        return await self._with(spaces, look_up)

    async def lines(self, space_id: str, path: str, start: int, end: int) -> schemas.LinesOut | None:
        """Lines of an indexed file with some around them; None: this file is not indexed."""
        return await self._with([space_id], lambda one: _lines(one, space_id, path, start, end))

    async def about(self, spaces: Sequence[str]) -> schemas.AboutOut:
        """What the system knows about itself, as far as somebody may see it."""
        manifests = [manifest for manifest in self.spaces() if manifest.space_id in spaces]
        counted = sum((Counter(manifest.counts) for manifest in manifests), Counter[str]())
        kinds = sum((Counter(manifest.kinds) for manifest in manifests), Counter[str]())
        llm, degraded = await self._language_model()
        return schemas.AboutOut(
            version=metadata.version("hybrid-embeddings"),
            spaces=[shown.space(manifest) for manifest in manifests],
            doc_types=[kind for kind in DOC_TYPES if counted.get(kind)],
            kinds=[shown.kind(kind, kinds[kind.name]) for kind in KINDS if kinds[kind.name]],
            llm=llm,
            degraded=degraded,
            examples=EXAMPLES if any(manifest.space_id == "demo" for manifest in manifests) else {},
        )

    async def ready(self) -> list[str]:
        """What keeps this server from answering; empty: nothing."""
        spaces = [manifest.space_id for manifest in self.spaces()]
        if not spaces:
            return ["index"]
        try:
            found = await self.search("проверка", where=Where(tuple(spaces)), limit=1)
        except (IndexMissing, OSError, RuntimeError, ValueError):
            return ["index"]
        return list(found.degraded)

    async def _language_model(self) -> tuple[schemas.LlmOut | None, list[str]]:
        speaker = await asyncio.to_thread(self._library.speaker)
        if speaker is None:
            return None, []
        try:
            info = await asyncio.to_thread(speaker.describe)
        except LlmError:
            return None, ["llm"]
        return schemas.LlmOut(backend=info.backend, model=info.model), []

    async def _with(self, spaces: Sequence[str], work: Callable[[Assistant], Result]) -> Result:
        """Work with an assistant on another thread."""
        if not spaces:
            raise IndexMissing(NOTHING)

        def run() -> Result:
            with self._library.assistant(tuple(spaces)) as assistant:
                return work(assistant)

        return await asyncio.to_thread(run)


def _facts(assistant: Assistant) -> Facts:
    facts = assistant.knowledge
    if not isinstance(facts, Facts):
        raise TypeError("an assistant of the library knows facts")
    return facts


def _mentions(name: str, documents: Sequence[Document]) -> list[Usage]:
    word = name.rpartition(".")[2]
    pattern = re.compile(rf"(?<![\w]){re.escape(word)}(?![\w])", re.IGNORECASE)
    declared = re.compile(
        rf"^\s*(?:(?:асинх|async)\s+)?(?:процедура|функция|procedure|function)\s+{re.escape(word)}\b", re.IGNORECASE
    )
    return [
        Usage(document, document.line_start + offset, line.strip())
        for document in documents
        for offset, line in enumerate(document.text.split("\n"))
        if pattern.search(line) and not declared.search(line) and not line.lstrip().startswith("//")
    ]


def _lines(assistant: Assistant, space_id: str, path: str, start: int, end: int) -> schemas.LinesOut | None:
    documents = assistant.shelves.in_file(space_id, path)
    if not documents:
        return None
    if not 1 <= start <= end or end - start >= MOST_LINES:
        raise InputError(f"Lines {start} to {end} cannot be shown: start at 1 or later, at most {MOST_LINES} lines.")
    first = max(1, start - _AROUND)
    last = min(end + _AROUND, max(document.line_end for document in documents))
    lines: list[str | None] = [None] * max(last - first + 1, 0)
    for document in documents:
        for number, text in enumerate(document.text.split("\n"), start=document.line_start):
            if first <= number <= last:
                lines[number - first] = text
    return schemas.LinesOut(space_id=space_id, path=path, start=first, lines=lines)
