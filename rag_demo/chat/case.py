"""One question on its way: what was asked, how long each stage took, how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rag_demo.chat.cache.answers import Key
from rag_demo.chat.session import Conversation
from rag_demo.errors import InputError, LlmError
from rag_demo.events import AnswerFinished, Events, Outcome
from rag_demo.index.ports import Where
from rag_demo.ports import Vectors
from rag_demo.types import Answer

# A page of text. What is longer is a file given by mistake, and a question of that size finds nothing anyway.
LONGEST_QUESTION_BYTES = 8_192


@dataclass(slots=True)
class Case:
    """A question with its circumstances, filled in stage by stage."""

    question: str
    where: Where
    top_k: int
    conversation: Conversation
    started: float = field(default_factory=time.perf_counter)
    stages_ms: dict[str, float] = field(default_factory=dict)
    standalone: str = ""
    reply: str = ""  # to a greeting and the like, which is not searched for
    key: Key | None = None
    vector: Vectors | None = None
    first_token_ms: float | None = None

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3

    @property
    def elapsed_ms(self) -> float:
        """Since the question came."""
        return (time.perf_counter() - self.started) * 1e3

    @contextlib.contextmanager
    def finishing(self, events: Events, backend: str) -> Iterator[Callable[[Answer], Answer]]:
        """Give the answer its timings, and tell how the question ended, whichever way it did."""
        outcome: Outcome = "cancelled"
        failure = ""

        def finish(answer: Answer) -> Answer:
            nonlocal outcome, backend
            outcome = "cached" if answer.cached_s is not None else "refused" if answer.refused else "answered"
            backend = answer.backend
            timings = self.stages_ms | {"total": self.elapsed_ms}
            return dataclasses.replace(answer, timings_ms={name: round(value, 2) for name, value in timings.items()})

        try:
            yield finish
        except (InputError, LlmError, OSError) as error:
            outcome, failure = "failed", type(error).__name__
            raise
        finally:
            if events:
                stages = tuple(self.stages_ms.items())
                events.emit(AnswerFinished(outcome, backend, self.elapsed_ms, self.first_token_ms, stages, failure))


def check_question(question: str) -> str:
    """The question without blanks around it.

    Raises:
        InputError: it is empty, longer than `LONGEST_QUESTION_BYTES` or not valid Unicode.
    """
    text = question.strip()
    if not text:
        raise InputError("The question is empty. Ask something, for example: «Как получить курс валюты на дату?»")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError("The question is not valid UTF-8 text.") from None
    if size > LONGEST_QUESTION_BYTES:
        raise InputError(f"The question has {size:,} bytes; at most {LONGEST_QUESTION_BYTES:,} are read. Shorten it.")
    return text
