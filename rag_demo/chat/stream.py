"""What happens while an answer is made, in order: for whoever shows it as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from rag_demo.types import Answer, Mark, Source


@dataclass(frozen=True, slots=True)
class StandAlone:
    """The question as it is searched for. Comes only where the conversation was needed to understand it."""

    text: str


@dataclass(frozen=True, slots=True)
class SourcesFound:
    """What the answer will rest on, numbered; comes before the first word."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """The next piece of what the model thinks before it answers."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Verified:
    """The complete answer after the check. ``marks`` count letters of ``text``, which is what was streamed."""

    text: str
    marks: tuple[Mark, ...]
    counts: Mapping[str, int]  # problem → sentences


@dataclass(frozen=True, slots=True)
class Done:
    """The answer as it is kept; last event."""

    answer: Answer


ChatEvent: TypeAlias = "StandAlone | SourcesFound | ThinkingDelta | TextDelta | Verified | Done"


async def told(answer: Answer) -> AsyncGenerator[ChatEvent, None]:
    """A complete answer as a stream, block by block."""
    yield SourcesFound(answer.sources)
    blocks = answer.text.split("\n\n")
    for place, block in enumerate(blocks):
        yield TextDelta(block if place == len(blocks) - 1 else f"{block}\n\n")
    counts: dict[str, int] = {}
    for mark in answer.marks:
        for problem in mark.problems:
            counts[problem] = counts.get(problem, 0) + 1
    yield Verified(answer.text, answer.marks, counts)
    yield Done(answer)
