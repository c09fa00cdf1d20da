"""What the chat adds to retrieval and the language model: time before the first token, and a cached answer.

Both sides run in one process: the assistant with a search and a model that take no time, and the same without a cache.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common import arguments, median, report

from rag_demo.chat.answer import Assistant, turn_of
from rag_demo.chat.cache.answers import AnswerCache
from rag_demo.chat.cache.sqlite_store import SqliteStore
from rag_demo.chat.cache.stores import MemoryStore
from rag_demo.chat.generate import Writer
from rag_demo.chat.session import NEW, Conversation
from rag_demo.chat.stream import Done, TextDelta
from rag_demo.configurations import bundled
from rag_demo.configurations.golden import load_golden
from rag_demo.events import Events
from rag_demo.index.ports import Where
from rag_demo.ingest import read_configuration
from rag_demo.llm import types as llm
from rag_demo.llm.tokens import estimate_tokens
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.search import Found
from rag_demo.types import Hit, LegRank

WHERE = Where(("demo",))
TARGETS_MS = {"first_token": 10.0, "cached_answer": 5.0}


class Instant:
    """A search and a language model that take no time; texts and numbers of tokens are those of the demo."""

    def __init__(self) -> None:
        documents = read_configuration(bundled(), space_id="demo").documents
        methods = sorted((d for d in documents if d.doc_type == "method"), key=lambda d: -len(d.text))
        self.hits = [Hit(document, 1.0, {"exact": LegRank(1, 1.0)}) for document in methods[:250]]

    def search(self, text: str, limit: int, *, where: Where) -> Found:  # noqa: ARG002  # there is one space
        """Some of the longer methods, others for each question, so that nothing of a source is known from before."""
        query = analyse_question(text)
        hits = tuple(random.Random(text).sample(self.hits, limit))
        return Found(query, hits, dict.fromkeys(query.terms, 5.0))

    def close(self) -> None:
        """Nothing is open."""

    async def stream(self, request: llm.Request, place: object = None) -> Any:  # noqa: ARG002  # it says one thing
        """Two words."""
        yield llm.Started("none", "none")
        yield llm.TextDelta("Так [1].")
        yield llm.Usage()
        yield llm.Done()

    async def describe(self) -> llm.ModelInfo:
        """A model with a usual window."""
        return llm.ModelInfo("none", "", "none", context_tokens=16_384)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the estimate without a server has it."""
        return [estimate_tokens(text) for text in texts]


def build(cache: AnswerCache | None) -> Assistant:
    instant, events = Instant(), Events()
    writer = Writer(instant, answer_tokens=512, events=events)
    return Assistant(instant, writer=writer, cache=cache, generations={"demo": "1"})  # type: ignore[arg-type]


async def ask(assistant: Assistant, question: str, conversation: Conversation) -> tuple[float, float, Any]:
    """Milliseconds to the first token and to the end, and the answer."""
    started, first = time.perf_counter(), 0.0
    stream = assistant.stream(question, where=WHERE, top_k=5, conversation=conversation)
    async with contextlib.aclosing(stream) as events:
        async for event in events:
            if isinstance(event, TextDelta) and not first:
                first = (time.perf_counter() - started) * 1e3
            if isinstance(event, Done):
                return first, (time.perf_counter() - started) * 1e3, event.answer
    raise RuntimeError


async def measure(rounds: int) -> dict[str, Any]:
    questions = [wording for question in load_golden() for wording in question.wordings][:rounds]
    result: dict[str, Any] = {"first_token_ms": {}, "cached_answer_ms": {}, "targets_ms": TARGETS_MS}
    with tempfile.TemporaryDirectory() as folder:
        stores = {"none": None, "memory": MemoryStore(), "sqlite": SqliteStore(Path(folder) / "answers.sqlite")}
        for name, store in stores.items():
            cache = AnswerCache(store, ttl_s=600) if store else None
            assistant = build(cache)
            first = (await ask(assistant, "Как получить цену?", NEW))[2]
            conversation = NEW.with_turn(turn_of(first))
            fresh = [await ask(assistant, question, conversation) for question in questions]
            result["first_token_ms"][name] = summary([entry[0] for entry in fresh])
            if cache:
                again = [await ask(assistant, question, conversation) for question in questions]
                if any(entry[2].cached_s is None for entry in again):
                    raise RuntimeError
                result["cached_answer_ms"][name] = summary([entry[1] for entry in again])
                cache.close()
    return result


def summary(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": round(median(ordered), 2),
        "p95": round(ordered[int(len(ordered) * 0.95)], 2),
        "p99": round(ordered[int(len(ordered) * 0.99)], 2),
    }


def main() -> None:
    options = arguments(__doc__ or "", rounds=200)
    figures = asyncio.run(measure(options.rounds))
    report({"benchmark": "chat_speed", "questions": options.rounds, **figures}, options.json)


if __name__ == "__main__":
    main()
