"""One question from text to answer.

question → stand-alone question → answer kept from before? → search → evidence? → answer → check → keep

With a language model the answer is streamed and checked afterwards; without one, or where none answers, it is put
together out of the sources.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Future

from rag_demo.chat.cache.answers import AnswerCache, Circumstances, Kept, key_of
from rag_demo.chat.case import LONGEST_QUESTION_BYTES, Case, check_question
from rag_demo.chat.checking.citations import check
from rag_demo.chat.checking.sentences import citations_in
from rag_demo.chat.courtesy import courtesy
from rag_demo.chat.extractive.compose import nearest
from rag_demo.chat.generate import Generated, Writer
from rag_demo.chat.language import is_russian, told_in
from rag_demo.chat.library import Shelves
from rag_demo.chat.plain import NEAREST, Judged, Teller, make_answer
from rag_demo.chat.ports import Knowledge, Nothing
from rag_demo.chat.prompts import PROMPT_VERSION, says_nothing
from rag_demo.chat.session import NEW, Conversation, Turn, stand_alone
from rag_demo.chat.stream import ChatEvent, Done, SourcesFound, StandAlone, TextDelta, Verified, told
from rag_demo.errors import LlmError, LlmOverloaded
from rag_demo.events import CacheLookedUp, CacheResult, CitationsChecked, Events
from rag_demo.index.ports import DocKey, Where
from rag_demo.llm.ports import Place
from rag_demo.ports import Vectors
from rag_demo.retrieve.search import Found, Retriever
from rag_demo.types import Answer

__all__ = ["EXTRACTIVE", "LONGEST_QUESTION_BYTES", "Assistant", "check_question", "turn_of"]

EXTRACTIVE = "extractive"


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
        self._teller = Teller(retriever, knowledge=self._knowledge, shelves=self._shelves, events=self._events)

    def answer(self, question: str, *, where: Where, top_k: int, conversation: Conversation = NEW) -> Answer:
        """Find, judge and tell, without a language model.

        Raises:
            InputError: the question is empty, too long or not text.
        """
        case = self._begin(question, where, top_k, conversation)
        with case.finishing(self._events, self._model_name) as finish:
            while True:
                with self._flight(case) as other:
                    if other is None:
                        return finish(
                            self._look_up(case) or self._keep(case, self._teller.tell(case, self._teller.judge(case)))
                        )
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
        with case.finishing(self._events, self._model_name) as finish:
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

    async def _work(self, case: Case, place: Place | None) -> AsyncGenerator[ChatEvent, None]:
        kept = await asyncio.to_thread(self._look_up, case)
        if kept:
            async for event in told(kept):
                yield event
            return
        judged = await asyncio.to_thread(self._teller.judge, case)
        if self._writer is None or not judged.sources or judged.found.listed:
            answer = await asyncio.to_thread(lambda: self._keep(case, self._teller.tell(case, judged)))
            async for event in told(answer):
                yield event
            return
        async with contextlib.aclosing(self._generate(case, judged, self._writer, place)) as events:
            async for event in events:
                yield event

    async def _generate(
        self, case: Case, judged: Judged, writer: Writer, place: Place | None
    ) -> AsyncGenerator[ChatEvent, None]:
        generated = Generated()
        try:
            with case.stage("pack"):
                question = told_in(case.question, russian=is_russian(case.standalone))
                asked = (question, judged.sources, judged.weights, case.conversation)
                salt = ",".join(sorted(case.where.space_ids))
                request, generated.packed = await writer.prepare(*asked, salt=salt)
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
            plain = await asyncio.to_thread(self._teller.tell, case, judged)
            answer = dataclasses.replace(plain, degraded=(*plain.degraded, "llm"))
            async for event in told(answer):
                yield event
            return
        async for event in self._conclude(case, judged, generated):
            yield event

    async def _conclude(self, case: Case, judged: Judged, generated: Generated) -> AsyncGenerator[ChatEvent, None]:
        backend = f"{generated.backend}:{generated.model}"
        sources = tuple(packed.source for packed in generated.packed)
        if says_nothing(generated.text):
            more = "\n\n" + nearest(case.standalone, [source.hit.document for source in sources[:NEAREST]])
            yield TextDelta(more)
            answer = make_answer(case, generated.text + more, (), judged, refused=True, backend=backend)
            yield Verified(answer.text, (), {})
        else:
            with case.stage("check"):
                checked = await asyncio.to_thread(check, generated.text, sources, self._knowledge)
            counts = {str(problem): count for problem, count in checked.counts.items()}
            if self._events:
                problems = tuple(sorted(counts.items()))
                took = case.stages_ms["check"]
                self._events.emit(CitationsChecked(took, checked.sentences, len(checked.marks), problems))
            answer = make_answer(case, generated.text, sources, judged, backend=backend, marks=checked.marks)
            if generated.finish_reason == "length":
                answer = dataclasses.replace(answer, degraded=(*answer.degraded, "cut"))
            yield Verified(answer.text, answer.marks, counts)
        yield Done(await asyncio.to_thread(self._keep, case, answer))

    def _begin(self, question: str, where: Where, top_k: int, conversation: Conversation) -> Case:
        case = Case(check_question(question), where, top_k, conversation)
        with case.stage("stand_alone"):
            case.reply = courtesy(case.question)
            case.standalone = case.question if case.reply else stand_alone(case.question, conversation)
        if self._cache:
            spaces = where.space_ids or tuple(self._generations)
            circumstances = Circumstances(
                spaces=tuple((space, self._generations.get(space, "")) for space in spaces),
                filters=_filters(where),
                top_k=top_k,
                model=self._model_name,
                prompt_version=PROMPT_VERSION,
                conversation=conversation.digest,
            )
            case.key = key_of(case.question, circumstances)
        return case

    @contextlib.contextmanager
    def _flight(self, case: Case) -> Iterator[Future[None] | None]:
        if self._cache is None or case.key is None:
            yield None
        else:
            with self._cache.flight(case.key) as other:
                yield other

    def _look_up(self, case: Case) -> Answer | None:
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

    def _keep(self, case: Case, answer: Answer) -> Answer:
        if self._cache and case.key:
            self._cache.put(case.key, answer, vector=case.vector)
        return answer


def turn_of(answer: Answer) -> Turn:
    """What a conversation remembers of an answer: the sentences that stood the check, and the sources that it cites."""
    by_number = {source.n: source for source in answer.sources}
    # In the order of the text: what it says first is what «он» stands for.
    cited = [by_number[n] for n in citations_in(answer.text) if n in by_number] or answer.sources
    names = tuple(dict.fromkeys(source.hit.document.full_name for source in cited))
    kept = answer.text
    for mark in sorted(answer.marks, key=lambda mark: -mark.start):
        kept = kept[: mark.start] + kept[mark.end :]
    return Turn(answer.question, answer.standalone or answer.question, kept.strip(), names)


def _filters(where: Where) -> tuple[str, ...]:
    """Whatever restricts a search beside the spaces."""
    fields = (field.name for field in dataclasses.fields(where) if field.name != "space_ids")
    return tuple(f"{name}={value}" for name in fields for value in sorted(getattr(where, name)))
