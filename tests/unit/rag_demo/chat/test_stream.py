from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools

import pytest

from rag_demo.chat.answer import Assistant, turn_of
from rag_demo.chat.cache.answers import AnswerCache
from rag_demo.chat.cache.stores import MemoryStore
from rag_demo.chat.generate import Writer
from rag_demo.chat.prompts import RUSSIAN
from rag_demo.chat.session import NEW, Turn
from rag_demo.chat.stream import Done, SourcesFound, StandAlone, TextDelta, ThinkingDelta, Verified
from rag_demo.errors import InputError, LlmInterrupted, LlmOverloaded, LlmUnavailable
from rag_demo.events import (
    AnswerFinished,
    CacheLookedUp,
    CitationsChecked,
    ContextPacked,
    Events,
    GenerationFinished,
    RetrievalFinished,
)
from rag_demo.index.ports import Where
from rag_demo.llm import types as llm
from rag_demo.retrieve.query import analyse_question
from rag_demo.retrieve.search import Found
from rag_demo.testing import make_document
from rag_demo.types import Hit, LegRank

WHERE = Where(("trade",))
PRICE = make_document()
TRUE = "Цену товара на дату возвращает `Цены.ПолучитьЦену` [1]."
LIE = "Цену товара на дату не возвращает `Цены.ПолучитьЦену` [1]."


class OneShelf:
    """A retriever that finds the same documents for every question that has a word for the price."""

    def __init__(self):
        self.questions = []
        self.closed = False

    def search(self, text, limit, *, where):
        self.questions.append(text)
        query = analyse_question(text)
        found = "цен" in text.lower()
        hits = (Hit(PRICE, 1.0, {"exact": LegRank(1, 1.0)} if found else {}),)
        return Found(query, hits[:limit], dict.fromkeys(query.terms, 5.0), timings_ms={"lexical": 1.0})

    def close(self):
        self.closed = True


class Model:
    """A language model that says what a script says, one script a request."""

    def __init__(self, *scripts, window=8_000):
        self.scripts = list(scripts)
        self.window = window
        self.requests = []
        self.stopped = 0

    async def stream(self, request, place=None):
        self.requests.append(request)
        try:
            for event in self.scripts.pop(0):
                await asyncio.sleep(0)
                yield event
        finally:
            self.stopped += 1

    async def describe(self):
        if isinstance(self.window, Exception):
            raise self.window
        return llm.ModelInfo("scripted", "http://localhost", "m", context_tokens=self.window)

    async def count_tokens(self, texts):
        return [len(text) // 2 + 1 for text in texts]


def said(text, finish="stop"):
    pieces = [llm.TextDelta(text[start : start + 7]) for start in range(0, len(text), 7)]
    usage = llm.Usage(prompt_tokens=100, completion_tokens=20, first_token_ms=5.0, tokens_per_s=30.0)
    return [llm.Started("scripted", "m"), llm.ThinkingDelta("Думаю."), *pieces, usage, llm.Done(finish)]


def assistant(*scripts, cache=None, events=None, window=8_000):
    events = events or Events()
    model = Model(*scripts, window=window)
    retriever = OneShelf()
    writer = (
        Writer(model, answer_tokens=300, events=events, new_fence=lambda: "f00d")
        if scripts or window != 8_000
        else None
    )
    made = Assistant(
        retriever, writer=writer, cache=cache, generations={"trade": "g1.1"}, model_name="scripted:m", events=events
    )
    return made, model, retriever


async def collected(made, question, conversation=NEW):
    async with contextlib.aclosing(made.stream(question, where=WHERE, top_k=3, conversation=conversation)) as events:
        return [event async for event in events]


def text_of(events):
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def cache():
    return AnswerCache(MemoryStore(), ttl_s=60)


async def test_a_model_answers_and_the_answer_is_checked():
    made, model, _ = assistant(said(TRUE))
    events = await collected(made, "Как получить цену товара?")
    assert [type(event) for event in events if not isinstance(event, TextDelta)] == [
        SourcesFound, ThinkingDelta, Verified, Done,
    ]  # fmt: skip
    answer = events[-1].answer
    assert text_of(events) == answer.text == TRUE
    assert events[-2] == Verified(TRUE, (), {})
    assert (answer.backend, answer.refused, answer.marks) == ("scripted:m", False, ())
    assert "f00d источник [1]" in model.requests[0].messages[-1].content


@pytest.mark.parametrize("kind", [llm.TextDelta, llm.ThinkingDelta])
async def test_a_model_that_never_ends_is_stopped(kind):
    endless = itertools.chain([llm.Started("scripted", "m")], itertools.repeat(kind("слово " * 100)))
    made, model, _ = assistant(endless)
    events = await collected(made, "Как получить цену товара?")
    answer = events[-1].answer
    assert model.stopped == 1
    if kind is llm.TextDelta:
        assert answer.degraded == ("cut",)
        assert len(answer.text) < 300 * 16 + 601
    else:  # it never came to an answer
        assert (answer.backend, answer.degraded) == ("extractive", ("llm",))


async def test_half_letters_and_controls_do_not_get_through():
    made, *_ = assistant(
        [llm.Started("scripted", "m"), llm.TextDelta("\ud83d"), llm.TextDelta("\ude00\x1b"), llm.Done()]
    )
    events = await collected(made, "Как получить цену товара?")
    assert text_of(events) == events[-1].answer.text == "😀"


async def test_a_lie_is_marked_in_the_end():
    made, _, _ = assistant(said(f"{TRUE} {LIE}"))
    events = await collected(made, "Как получить цену товара?")
    verified = next(event for event in events if isinstance(event, Verified))
    (mark,) = verified.marks
    assert verified.text[mark.start : mark.end] == LIE
    assert verified.counts == {"negation": 1}
    assert events[-1].answer.marks == verified.marks


async def test_without_a_model_the_sources_answer():
    made, _, _ = assistant()
    events = await collected(made, "Как получить цену товара?")
    answer = made.answer("Как получить цену товара?", where=WHERE, top_k=3)
    assert text_of(events) == events[-1].answer.text == answer.text
    assert "Функция CommonModule.Цены.ПолучитьЦену" in answer.text


async def test_nothing_found_is_refused_without_asking_the_model():
    made, model, _ = assistant(said(TRUE))
    answer = (await collected(made, "Какая завтра погода?"))[-1].answer
    assert answer.refused
    assert "CommonModule.Цены.ПолучитьЦену" in answer.text  # the nearest
    assert model.requests == []


async def test_a_model_that_finds_nothing_refuses_and_the_nearest_are_named():
    made, _, _ = assistant(said(RUSSIAN.nothing))
    events = await collected(made, "Как получить цену товара?")
    answer = events[-1].answer
    assert answer.refused
    assert answer.sources == ()
    assert text_of(events) == answer.text
    assert answer.text.endswith("CommonModule.Цены.ПолучитьЦену — Возвращает цену товара на дату.")


async def test_a_model_is_told_the_language_that_is_wished_for():
    made, model, _ = assistant(said(TRUE))
    before = NEW.with_turn(Turn("Какой функцией получить цену?", "Какой функцией получить цену?", "Вот [1]."))
    await collected(made, "а на английском?", before)
    assert "Answer in English" in model.requests[0].messages[0].content


async def test_a_follow_up_is_searched_for_as_it_is_meant():
    made, model, retriever = assistant(said(TRUE), said(TRUE))
    first = (await collected(made, "Как получить цену товара?"))[-1].answer
    conversation = NEW.with_turn(turn_of(first))
    events = await collected(made, "А какие параметры?", conversation)
    assert events[0] == StandAlone("какие параметры у Цены.ПолучитьЦену?")
    assert retriever.questions[-1] == "какие параметры у Цены.ПолучитьЦену?"
    assert [message.role for message in model.requests[-1].messages] == ["system", "user", "assistant", "user"]
    assert events[-1].answer.standalone == "какие параметры у Цены.ПолучитьЦену?"


@pytest.mark.parametrize(
    "script", [[llm.Failed(LlmUnavailable("gone"))], [llm.Started("s", "m"), llm.Failed(LlmUnavailable("x"))]]
)
async def test_a_model_that_fails_before_its_first_word_is_stood_in_for(script):
    made, _, _ = assistant(script)
    answer = (await collected(made, "Как получить цену товара?"))[-1].answer
    assert answer.degraded == ("llm",)
    assert "Функция CommonModule.Цены.ПолучитьЦену" in answer.text


async def test_a_model_that_is_not_there_is_stood_in_for():
    made, _, _ = assistant(window=LlmUnavailable("no server"))
    answer = (await collected(made, "Как получить цену товара?"))[-1].answer
    assert answer.degraded == ("llm",)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([*said(TRUE)[:5], llm.Failed(LlmInterrupted("broke off"))], LlmInterrupted),
        ([llm.Failed(LlmOverloaded("full", retry_after_s=3.0))], LlmOverloaded),
    ],
)
async def test_what_breaks_off_or_is_too_much_is_an_error(script, error):
    kept = cache()
    made, model, _ = assistant(script, said(TRUE), cache=kept)
    with pytest.raises(error):
        await collected(made, "Как получить цену товара?")
    assert (await collected(made, "Как получить цену товара?"))[-1].answer.text == TRUE
    assert model.stopped == 2


async def test_equal_questions_are_answered_from_the_cache():
    made, model, retriever = assistant(said(TRUE), cache=cache())
    first = (await collected(made, "Как получить цену товара?"))[-1].answer
    events = await collected(made, "как получить цену товара")
    second = events[-1].answer
    assert len(model.requests) == len(retriever.questions) == 1
    assert (first.cached_s, second.text) == (None, TRUE)
    assert second.cached_s >= 0
    assert text_of(events) == TRUE


async def test_cut_answers_and_refusals_are_not_kept():
    made, _, retriever = assistant(said(TRUE, "length"), said(TRUE), cache=cache())
    assert (await collected(made, "Как получить цену товара?"))[-1].answer.degraded == ("cut",)
    assert (await collected(made, "Как получить цену товара?"))[-1].answer.degraded == ()
    for _ in range(2):
        await collected(made, "Какая завтра погода?")
    assert len(retriever.questions) == 4


async def test_ten_at_once_are_answered_once():
    made, model, _ = assistant(said(TRUE), cache=cache())
    answers = await asyncio.gather(*(collected(made, "Как получить цену товара?") for _ in range(10)))
    assert {events[-1].answer.text for events in answers} == {TRUE}
    assert len(model.requests) == 1


async def test_who_leaves_stops_the_model_and_lets_the_next_one_in():
    made, model, _ = assistant(said(TRUE), said(TRUE), cache=cache())
    async with contextlib.aclosing(made.stream("Как получить цену товара?", where=WHERE, top_k=3)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert model.stopped == 1
    assert (await collected(made, "Как получить цену товара?"))[-1].answer.text == TRUE


async def test_one_who_waits_may_leave_without_harm():
    made, _, _ = assistant(said(TRUE), cache=cache())
    first = asyncio.ensure_future(collected(made, "Как получить цену товара?"))
    second = asyncio.ensure_future(collected(made, "Как получить цену товара?"))
    await asyncio.sleep(0)
    second.cancel()
    assert (await first)[-1].answer.text == TRUE
    with pytest.raises(asyncio.CancelledError):
        await second


async def test_a_small_window_forgets_old_turns_rather_than_the_sources():
    made, model, _ = assistant(said(TRUE), window=3_600)
    conversation = NEW
    for number in range(6):
        conversation = conversation.with_turn(Turn(f"Вопрос {number}?", f"Вопрос {number}?", "слово " * 180))
    await collected(made, "Как получить цену товара?", conversation)
    system, *turns, last = model.requests[0].messages
    assert 0 < len(turns) < 12
    assert [message.role for message in turns[:2]] == ["user", "assistant"]
    assert turns[-2].content == "Вопрос: Вопрос 5?"
    assert PRICE.text in last.content
    assert system.role == "system"
    assert model.requests[0].cache_salt == "trade"


async def test_the_window_decides_how_much_of_the_sources_is_sent():
    small, large = assistant(said(TRUE), window=1_400), assistant(said(TRUE), window=100_000)
    for made, _, _ in (small, large):
        await collected(made, "Как получить цену товара?")
    sent = [len(model.requests[0].messages[-1].content) for _, model, _ in (small, large)]
    assert sent[0] <= sent[1]


@pytest.mark.parametrize("question", ["", "x" * 9_000])
async def test_a_question_that_is_none_is_refused_first(question):
    made, model, _ = assistant(said(TRUE))
    with pytest.raises(InputError):
        await collected(made, question)
    assert model.requests == []


async def test_every_stage_is_told():
    told = []
    events = Events()
    events.subscribe(told.append)
    made, _, _ = assistant(said(f"{TRUE} {LIE}"), cache=cache(), events=events)
    await collected(made, "Как получить цену товара?")
    await collected(made, "Как получить цену товара?")
    kinds = [type(record) for record in told]
    assert kinds == [
        CacheLookedUp, RetrievalFinished, ContextPacked, GenerationFinished, CitationsChecked, AnswerFinished,
        CacheLookedUp, AnswerFinished,
    ]  # fmt: skip
    _, retrieved, packed, generated, checked, finished, looked, again = told
    assert retrieved.hit
    assert (packed.sources, packed.suspicious_lines) == (1, 0)
    assert packed.context_tokens > 100
    assert (generated.completion_tokens, generated.tokens_per_s, generated.finish_reason) == (20, 30.0, "stop")
    assert (checked.sentences, checked.marked, checked.problems) == (2, 1, (("negation", 1),))
    assert (finished.outcome, finished.backend) == ("answered", "scripted:m")
    assert finished.total_ms >= finished.first_token_ms > 0
    assert {"stand_alone", "cache", "retrieve", "pack", "generate", "check"} <= dict(finished.stages_ms).keys()
    assert (looked.result, again.outcome) == ("exact", "cached")
    texts = "".join(str(dataclasses.asdict(record)) for record in told)
    assert "цен" not in texts.lower()


async def test_failures_and_leaving_are_told_too():
    told = []
    events = Events()
    events.subscribe(told.append)
    made, _, _ = assistant([llm.Failed(LlmOverloaded("full"))], said(TRUE), events=events)
    with pytest.raises(LlmOverloaded):
        await collected(made, "Как получить цену товара?")
    stream = made.stream("Как получить цену товара?", where=WHERE, top_k=3)
    await anext(stream)
    await stream.aclose()
    assert [record.outcome for record in told if isinstance(record, AnswerFinished)] == ["failed", "cancelled"]


def test_close_closes_the_indexes():
    made, _, retriever = assistant()
    made.close()
    assert retriever.closed


async def test_what_was_marked_is_not_remembered():
    made, _, _ = assistant(said(f"{TRUE} {LIE}"))
    answer = (await collected(made, "Как получить цену товара?"))[-1].answer
    assert turn_of(answer).answer == TRUE


def test_a_turn_remembers_what_the_answer_cites():
    made, _, _ = assistant()
    answer = made.answer("Как получить цену товара?", where=WHERE, top_k=3)
    assert turn_of(answer).names == ("CommonModule.Цены.ПолучитьЦену",)
