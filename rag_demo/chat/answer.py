"""One question from text to answer.

question → stand-alone question → answer kept from before? → search → evidence? → answer → check → keep

With a language model the answer is streamed and checked afterwards; without one, or where none answers, it is put
together out of the sources.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

from rag_demo.chat.answer_cache import AnswerCache, Circumstances, Kept, Key, key_of
from rag_demo.chat.citations import check
from rag_demo.chat.evidence import is_evidence, weigh
from rag_demo.chat.extractive import compose, enumerate_objects, nearest, refuse
from rag_demo.chat.generate import Generated, Writer
from rag_demo.chat.library import Shelves
from rag_demo.chat.ports import Knowledge, Nothing
from rag_demo.chat.prompts import PROMPT_VERSION, says_nothing
from rag_demo.chat.session import NEW, Conversation, Turn, stand_alone
from rag_demo.chat.stream import ChatEvent, Done, SourcesFound, StandAlone, TextDelta, Verified
from rag_demo.errors import InputError, LlmError, LlmOverloaded
from rag_demo.events import (
    AnswerFinished,
    CacheLookedUp,
    CacheResult,
    CitationsChecked,
    Events,
    Outcome,
    RetrievalFinished,
)
from rag_demo.index.ports import DocKey, Where
from rag_demo.llm.ports import Place
from rag_demo.ports import Vectors
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.types import Answer, Source

# A page of text. What is longer is a file given by mistake, and a question of that size finds nothing anyway.
LONGEST_QUESTION_BYTES = 8_192
EXTRACTIVE = "extractive"
_NEAREST = 3


@dataclass(slots=True)
class _Case:
    """One question on its way."""

    question: str
    where: Where
    top_k: int
    conversation: Conversation
    started: float = field(default_factory=time.perf_counter)
    stages_ms: dict[str, float] = field(default_factory=dict)
    standalone: str = ""
    key: Key | None = None
    vector: Vectors | None = None
    first_token_ms: float | None = None

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages_ms[name] = self.stages_ms.get(name, 0.0) + (time.perf_counter() - started) * 1e3

    @property
    def elapsed_ms(self) -> float:
        return (time.perf_counter() - self.started) * 1e3


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found, and whether it speaks of the question. ``sources`` are empty if it does not."""

    found: Found
    weights: Mapping[str, float]
    sources: tuple[Source, ...]


class Assistant:
    """Answers questions about the indexed spaces.

    `answer` works without a language model and is safe to call from several threads; `stream` belongs to one event
    loop.
    """

    def __init__(
        self,
        retriever: Retriever,
        *,
        knowledge: Knowledge | None = None,
        shelves: Shelves | None = None,
        writer: Writer | None = None,
        cache: AnswerCache | None = None,
        encode_query: Callable[[str], Vectors] | None = None,
        generations: Mapping[str, str] | None = None,
        model_name: str = EXTRACTIVE,
        events: Events | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            retriever: searches the spaces.
            knowledge: their facts: for names, tables and chains.
            shelves: their documents by name.
            writer: a language model; None: answers are put together out of the sources.
            cache: of answers; None: each is made anew.
            encode_query: question → float32 ``(dimension,)``, for a cache that compares questions.
            generations: space → what changes whenever its index does; part of every key of the cache.
            model_name: what the answers come from; part of the keys, too.
            events: hears how each question went.
        """
        self._retriever = retriever
        self._knowledge: Knowledge = knowledge or Nothing()
        self._shelves = shelves or Shelves(())
        self._writer = writer
        self._cache = cache
        self._encode_query = encode_query
        self._generations = dict(generations or {})
        self._model_name = model_name
        self._events = events or Events()

    def answer(self, question: str, *, where: Where, top_k: int, conversation: Conversation = NEW) -> Answer:
        """Find, judge and tell, without a language model.

        Raises:
            InputError: the question is empty, too long or not text.
        """
        case = self._begin(question, where, top_k, conversation)
        with self._finishing(case) as finish:
            while True:
                with self._flight(case) as other:
                    if other is None:
                        return finish(self._look_up(case) or self._keep(case, self._extract(case, self._judge(case))))
                other.result()

    async def stream(
        self, question: str, *, where: Where, top_k: int, conversation: Conversation = NEW, place: Place | None = None
    ) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it is made; iterate inside ``contextlib.aclosing``, closing stops the model.

        Args:
            question: as asked.
            where: the spaces and sorts of documents; the caller sees to it that they may be seen.
            top_k: most sources.
            conversation: what was said before.
            place: claimed with `LanguageModel.reserve` before the first event, if it was.

        Raises:
            InputError: the question is empty, too long or not text.
            LlmOverloaded: too many answers are being made; nothing was said yet.
            LlmError: the model broke off after its first words.
        """
        case = self._begin(question, where, top_k, conversation)
        with self._finishing(case) as finish:
            if case.standalone != case.question:
                yield StandAlone(case.standalone)
            while True:
                with self._flight(case) as other:
                    if other is None:
                        async with contextlib.aclosing(self._work(case, place)) as events:
                            async for event in events:
                                yield Done(finish(event.answer)) if isinstance(event, Done) else event
                        return
                await asyncio.shield(asyncio.wrap_future(other))

    def search(self, question: str, *, where: Where, limit: int) -> Found:
        """What an answer would rest on, without answering.

        Raises:
            InputError: the question is empty, too long or not text.
        """
        return self._retriever.search(check_question(question), limit, where=where)

    @property
    def knowledge(self) -> Knowledge:
        """The facts of the spaces."""
        return self._knowledge

    @property
    def shelves(self) -> Shelves:
        """Their documents."""
        return self._shelves

    def evict(self, documents: list[DocKey]) -> int:
        """Forget kept answers that cite any of these documents; returns how many."""
        return self._cache.evict(documents) if self._cache else 0

    def close(self) -> None:
        """Close the indexes and the facts; model and cache belong to whoever made them."""
        self._retriever.close()
        self._knowledge.close()

    async def _work(self, case: _Case, place: Place | None) -> AsyncGenerator[ChatEvent, None]:
        kept = await asyncio.to_thread(self._look_up, case)
        if kept:
            async for event in _told(kept):
                yield event
            return
        judged = await asyncio.to_thread(self._judge, case)
        if self._writer is None or not judged.sources or judged.found.listed:
            answer = self._keep(case, await asyncio.to_thread(self._extract, case, judged))
            async for event in _told(answer):
                yield event
            return
        async with contextlib.aclosing(self._generate(case, judged, self._writer, place)) as events:
            async for event in events:
                yield event

    async def _generate(
        self, case: _Case, judged: Judged, writer: Writer, place: Place | None
    ) -> AsyncGenerator[ChatEvent, None]:
        generated = Generated()
        try:
            with case.stage("pack"):
                asked = (case.question, judged.sources, judged.weights, case.conversation)
                request, generated.packed = await writer.prepare(*asked)
        except LlmError as error:
            generated.failure = error
        sources = tuple(packed.source for packed in generated.packed)
        if generated.failure is None:
            yield SourcesFound(sources)
            with case.stage("generate"):
                async with contextlib.aclosing(writer.write(request, generated, place)) as deltas:
                    async for delta in deltas:
                        if case.first_token_ms is None:
                            case.first_token_ms = case.elapsed_ms
                        yield delta
        if isinstance(generated.failure, LlmOverloaded) or (generated.failure and generated.text):
            raise generated.failure
        if generated.failure:
            # Nothing was said yet, and the sources are there: better a plain answer than none.
            plain = await asyncio.to_thread(self._extract, case, judged)
            answer = dataclasses.replace(plain, degraded=(*plain.degraded, "llm"))
            async for event in _told(answer):
                yield event
            return
        info = await writer.describe()
        async for event in self._conclude(case, judged, generated, f"{info.backend}:{info.model}"):
            yield event

    async def _conclude(
        self, case: _Case, judged: Judged, generated: Generated, backend: str
    ) -> AsyncGenerator[ChatEvent, None]:
        sources = tuple(packed.source for packed in generated.packed)
        if says_nothing(generated.text):
            more = "\n\n" + nearest(case.question, [source.hit.document for source in sources[:_NEAREST]])
            yield TextDelta(more)
            answer = self._answer(case, generated.text + more, (), judged, refused=True, backend=backend)
            yield Verified(answer.text, (), {})
        else:
            with case.stage("check"):
                checked = await asyncio.to_thread(check, generated.text, sources, self._knowledge)
            counts = {str(problem): count for problem, count in checked.counts.items()}
            if self._events:
                told = CitationsChecked(
                    case.stages_ms["check"], checked.sentences, len(checked.marks), tuple(sorted(counts.items()))
                )
                self._events.emit(told)
            answer = self._answer(case, generated.text, sources, judged, backend=backend, marks=checked.marks)
            if generated.finish_reason == "length":
                answer = dataclasses.replace(answer, degraded=(*answer.degraded, "cut"))
            yield Verified(answer.text, answer.marks, counts)
        yield Done(self._keep(case, answer))

    def _begin(self, question: str, where: Where, top_k: int, conversation: Conversation) -> _Case:
        case = _Case(check_question(question), where, top_k, conversation)
        with case.stage("stand_alone"):
            case.standalone = stand_alone(case.question, conversation)
        if self._cache:
            spaces = where.space_ids or tuple(self._generations)
            circumstances = Circumstances(
                spaces=tuple((space, self._generations.get(space, "")) for space in spaces),
                doc_types=where.doc_types,
                top_k=top_k,
                model=self._model_name,
                prompt_version=PROMPT_VERSION,
                conversation=conversation.digest,
            )
            case.key = key_of(case.question, circumstances)
        return case

    @contextlib.contextmanager
    def _flight(self, case: _Case) -> Iterator[Future[None] | None]:
        if self._cache is None or case.key is None:
            yield None
        else:
            with self._cache.flight(case.key) as other:
                yield other

    def _look_up(self, case: _Case) -> Answer | None:
        """The kept answer to this question or one that asks the same."""
        if self._cache is None or case.key is None:
            return None
        with case.stage("cache"):
            kept: Kept | None = self._cache.get(case.key)
            if kept is None and self._cache.compares_questions and self._encode_query:
                case.vector = self._encode_query(case.standalone)
                kept = self._cache.similar(case.key, case.standalone, case.vector)
        if self._events:
            result: CacheResult = "miss" if kept is None else "similar" if kept.similar else "exact"
            self._events.emit(CacheLookedUp(result, case.stages_ms["cache"], kept.age_s if kept else None))
        return dataclasses.replace(kept.answer, question=case.question) if kept else None

    def _keep(self, case: _Case, answer: Answer) -> Answer:
        if self._cache and case.key:
            self._cache.put(case.key, answer, vector=case.vector)
        return answer

    def _judge(self, case: _Case) -> Judged:
        """Search, and find out whether what was found speaks of the question at all."""
        with case.stage("retrieve"):
            found = self._retriever.search(case.standalone, case.top_k, where=case.where)
        weights = weigh(found.rarity, found.query.actions)
        if found.listed:
            hits = found.hits
        else:
            evident = [hit for hit in found.hits if is_evidence(hit, weights)]
            # What speaks of the question comes first; the rest of the hits follow as further reading.
            hits = (*evident, *(hit for hit in found.hits if hit not in evident)) if evident else ()
        case.stages_ms.update(found.timings_ms)
        if self._events:
            took, stages = case.stages_ms["retrieve"], tuple(found.timings_ms.items())
            self._events.emit(RetrievalFinished(took, len(found.hits), bool(hits), found.degraded, stages))
        return Judged(found, weights, tuple(Source(n, hit) for n, hit in enumerate(hits, start=1)))

    def _extract(self, case: _Case, judged: Judged) -> Answer:
        with case.stage("answer"):
            found = judged.found
            if found.listed:
                text = enumerate_objects(case.question, found.listed, judged.sources)
                return self._answer(case, text, judged.sources, judged)
            if not judged.sources:
                text = refuse(case.question, [hit.document for hit in found.hits[:_NEAREST]])
                return self._answer(case, text, (), judged, refused=True)
            composed = compose(
                case.standalone,
                judged.sources,
                judged.weights,
                knowledge=self._knowledge,
                library=self._shelves.within(case.where.space_ids),
            )
            return self._answer(case, composed.text, composed.sources, judged)

    def _answer(self, case: _Case, text: str, sources: tuple[Source, ...], judged: Judged, **more: object) -> Answer:
        plain = Answer(case.question, text, sources, degraded=judged.found.degraded)
        standalone = case.standalone if case.standalone != case.question else ""
        return dataclasses.replace(plain, standalone=standalone, **more)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def _finishing(self, case: _Case) -> Iterator[Callable[[Answer], Answer]]:
        """Give the answer its timings, and tell how the question ended, whichever way it did."""
        outcome: Outcome = "cancelled"
        backend = self._model_name

        def finish(answer: Answer) -> Answer:
            nonlocal outcome, backend
            outcome = "cached" if answer.cached_s is not None else "refused" if answer.refused else "answered"
            backend = answer.backend
            timings = case.stages_ms | {"total": case.elapsed_ms}
            return dataclasses.replace(answer, timings_ms={name: round(value, 2) for name, value in timings.items()})

        try:
            yield finish
        except (InputError, LlmError, OSError):
            outcome = "failed"
            raise
        finally:
            if self._events:
                stages = tuple(case.stages_ms.items())
                self._events.emit(AnswerFinished(outcome, backend, case.elapsed_ms, case.first_token_ms, stages))


def turn_of(answer: Answer) -> Turn:
    """What a conversation remembers of an answer: the sentences that stood the check, and the sources that it cites."""
    cited = [source for source in answer.sources if f"[{source.n}]" in answer.text] or answer.sources
    names = tuple(dict.fromkeys(source.hit.document.full_name for source in cited))
    kept = answer.text
    for mark in sorted(answer.marks, key=lambda mark: -mark.start):
        kept = kept[: mark.start] + kept[mark.end :]
    return Turn(answer.question, answer.standalone or answer.question, kept.strip(), names)


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


async def _told(answer: Answer) -> AsyncGenerator[ChatEvent, None]:
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
