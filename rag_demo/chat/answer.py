"""One question from text to answer."""

from __future__ import annotations

import dataclasses
import time

from rag_demo.chat.evidence import is_evidence, weigh
from rag_demo.chat.extractive import compose, enumerate_objects, refuse
from rag_demo.errors import InputError
from rag_demo.index.ports import Where
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.types import Answer, Source

# A page of text. What is longer is a file given by mistake, and a question of that size finds nothing anyway.
LONGEST_QUESTION_BYTES = 8_192
_NEAREST = 3


class Assistant:
    """Answers questions about the indexed spaces. Safe to call from several threads."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever

    def answer(self, question: str, *, where: Where, top_k: int) -> Answer:
        """Find, judge and tell.

        Raises:
            InputError: the question is empty, too long or not text.
        """
        started = time.perf_counter()
        text = check_question(question)
        found = self._retriever.search(text, top_k, where=where)
        searched = time.perf_counter()
        answer = _tell(text, found)
        ended = time.perf_counter()
        timings = found.timings_ms | {
            "retrieve": (searched - started) * 1e3,
            "answer": (ended - searched) * 1e3,
            "total": (ended - started) * 1e3,
        }
        return dataclasses.replace(answer, timings_ms={name: round(value, 2) for name, value in timings.items()})

    def close(self) -> None:
        """Close the indexes."""
        self._retriever.close()


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


def _tell(question: str, found: Found) -> Answer:
    if found.listed:
        sources = tuple(Source(n, hit) for n, hit in enumerate(found.hits, start=1))
        return Answer(question, enumerate_objects(question, found.listed, sources), sources)
    weights = weigh(found.rarity, found.query.actions)
    evident = [hit for hit in found.hits if is_evidence(hit, weights)]
    if not evident:
        text = refuse(question, [hit.document for hit in found.hits[:_NEAREST]])
        return Answer(question, text, (), refused=True, degraded=found.degraded)
    # What speaks of the question comes first; the rest of the hits follow as further reading.
    others = [hit for hit in found.hits if hit not in evident]
    sources = tuple(Source(n, hit) for n, hit in enumerate([*evident, *others], start=1))
    return Answer(question, compose(question, sources, weights), sources, degraded=found.degraded)
