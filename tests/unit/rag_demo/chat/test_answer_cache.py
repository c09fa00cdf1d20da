from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from rag_demo.chat.cache.answers import AnswerCache, Circumstances, key_of
from rag_demo.chat.cache.stores import MemoryStore
from rag_demo.index.ports import DocKey
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import Answer, Hit, LegRank, Mark, Source

HERE = Circumstances(
    spaces=(("trade", "g1.1"),), filters=(), top_k=5, model="extractive", prompt_version="p1", conversation=""
)
QUESTION = "Как получить цену товара?"
DOCUMENT = make_document()
ANSWER = Answer(
    QUESTION,
    "Так [1].",
    (Source(1, Hit(DOCUMENT, 0.5, {"exact": LegRank(1, 2.0)})),),
    backend="ollama:m",
    marks=(Mark(0, 3, ("figure",)),),
)
KEY = key_of(QUESTION, HERE)


@pytest.fixture
def clock():
    return type("Clock", (), {"now": 100.0, "__call__": lambda self: self.now})()


@pytest.fixture
def cache(clock):
    return AnswerCache(MemoryStore(clock=clock), ttl_s=60, similarity=0.9, clock=clock)


def vector(text):
    return WordEmbedder().encode_query(text)


def test_an_answer_comes_back_whole_with_its_age(cache, clock):
    cache.put(KEY, ANSWER)
    clock.now += 30
    kept = cache.get(KEY)
    assert kept.age_s == 30
    assert kept.answer == dataclasses.replace(ANSWER, cached_s=30.0)


def test_it_ends_with_its_time(cache, clock):
    cache.put(KEY, ANSWER)
    clock.now += 60
    assert cache.get(KEY) is None


@pytest.mark.parametrize(
    "answer",
    [
        dataclasses.replace(ANSWER, refused=True),
        dataclasses.replace(ANSWER, degraded=("dense",)),
        dataclasses.replace(ANSWER, degraded=("cut",)),
        dataclasses.replace(ANSWER, cached_s=1.0),
    ],
)
def test_what_should_be_tried_again_is_not_kept(cache, answer):
    cache.put(KEY, answer, vector=vector(QUESTION))
    assert cache.get(KEY) is None
    assert cache.similar(KEY, QUESTION, vector(QUESTION)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"spaces": (("trade", "g1.2"),)},
        {"spaces": (("trade", "g1.1"), ("other", "g1.1"))},
        {"spaces": (("other", "g1.1"),)},
        {"filters": ("doc_types=method",)},
        {"top_k": 6},
        {"model": "ollama:m"},
        {"prompt_version": "p2"},
        {"conversation": "d1"},
    ],
)
def test_everything_that_changes_an_answer_changes_the_key(change):
    assert key_of(QUESTION, dataclasses.replace(HERE, **change)) != KEY
    assert key_of(QUESTION, dataclasses.replace(HERE, **change)).partition != KEY.partition


def test_servers_that_answer_in_other_ways_share_a_store_but_no_answers(clock):
    store = MemoryStore(clock=clock)
    cool, warm = (AnswerCache(store, ttl_s=60, similarity=0.9, recipe=r, clock=clock) for r in ("t=0.1", "t=1.0"))
    cool.put(KEY, ANSWER, vector=vector(QUESTION))
    assert cool.get(KEY) is not None
    assert cool.similar(KEY, QUESTION, vector(QUESTION)) is not None
    assert warm.get(KEY) is None
    assert warm.similar(KEY, QUESTION, vector(QUESTION)) is None
    assert warm.evict([DocKey(DOCUMENT.space_id, DOCUMENT.doc_id)]) == 1
    assert cool.get(KEY) is None


def test_spelling_does_not_change_the_key_but_words_do():
    assert key_of("  как получить  цену товара ", HERE) == KEY
    assert key_of("Как получить цену товаров?", HERE) != KEY
    # A name only where it has its capital.
    assert key_of("Где реквизит самолетик?", HERE) != key_of("Где реквизит Самолетик?", HERE)
    assert key_of("что делает ПолучитьЦену", HERE) == key_of("Что делает получитьЦену?", HERE)
    assert key_of("что делает ПолучитьЦену", HERE) != key_of(
        "что делает получитьцену", HERE
    )  # no name: searched otherwise


def test_the_order_of_spaces_does_not_matter():
    two = (("a", "1"), ("b", "2"))
    keys = {key_of(QUESTION, dataclasses.replace(HERE, spaces=spaces)) for spaces in (two, two[::-1])}
    assert len(keys) == 1


def test_a_changed_passage_takes_its_answers_along(cache):
    other = key_of("Другой вопрос?", HERE)
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    cache.put(other, dataclasses.replace(ANSWER, question="Другой вопрос?", sources=()))
    assert cache.evict([DocKey(DOCUMENT.space_id, DOCUMENT.doc_id)]) == 1
    assert cache.get(KEY) is None
    assert cache.similar(KEY, QUESTION, vector(QUESTION)) is None
    assert cache.get(other) is not None
    assert cache.evict([DocKey("trade", "unknown")]) == 0


def test_the_same_question_in_other_words_is_found(cache):
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    other = "Какой функцией получить цену товара?"
    kept = cache.similar(key_of(other, HERE), other, vector("получить цену товара"))
    assert kept.similar
    assert kept.answer.text == ANSWER.text


@pytest.mark.parametrize(
    ("question", "seen"),
    [
        ("Как не получить цену товара?", QUESTION),  # the gate
        ("Как получить товара цену?", QUESTION),
        (QUESTION, "зарплата сотрудников"),  # the vector
    ],
)
def test_gate_and_vector_must_both_agree(cache, question, seen):
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    assert cache.similar(key_of(question, HERE), question, vector(seen)) is None


def test_other_circumstances_are_another_partition(cache):
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    elsewhere = key_of(QUESTION, dataclasses.replace(HERE, spaces=(("secret", "g1.1"),)))
    assert cache.similar(elsewhere, QUESTION, vector(QUESTION)) is None


def test_vectors_of_another_model_are_not_compared(cache):
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    assert cache.similar(KEY, QUESTION, np.ones(3, dtype=np.float32)) is None


def test_without_a_threshold_only_equal_questions_are_found(clock):
    cache = AnswerCache(MemoryStore(clock=clock), ttl_s=60, clock=clock)
    assert not cache.compares_questions
    cache.put(KEY, ANSWER, vector=vector(QUESTION))
    assert cache.similar(KEY, QUESTION, vector(QUESTION)) is None
    assert cache.get(KEY) is not None


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"kept": 1, "answer": {"text": 1}}', b"\xff"])
def test_an_unreadable_record_is_a_miss_and_goes(clock, raw):
    store = MemoryStore(clock=clock)
    cache = AnswerCache(store, ttl_s=60, clock=clock)
    store.put(KEY.exact, raw, ttl_s=60, tags=[])
    assert cache.get(KEY) is None
    assert store.get_many([KEY.exact]) == {}


def test_one_flight_at_a_time(cache):
    worked, waiting = [], threading.Event()

    def ask():
        while True:
            with cache.flight(KEY) as other:
                if other is None:
                    if cache.get(KEY) is None:
                        waiting.wait(5)
                        worked.append(1)
                        cache.put(KEY, ANSWER)
                    return
            other.result(5)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    waiting.set()
    for thread in threads:
        thread.join(5)
    assert worked == [1]


def test_a_failed_flight_lets_the_next_one_start(cache):
    def fail():
        with cache.flight(KEY) as first:
            assert first is None
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    with cache.flight(KEY) as second:
        assert second is None
