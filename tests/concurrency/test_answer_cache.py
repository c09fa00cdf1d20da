"""Many askers of the same and of different questions at once, over every kind of store that is shared by threads."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag_demo.chat.cache.answers import AnswerCache, Circumstances, key_of
from rag_demo.chat.cache.sqlite_store import SqliteStore
from rag_demo.chat.cache.stores import MemoryStore
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import Answer, Hit, Source

HERE = Circumstances((("trade", "1"),), (), 5, "m", "p", "")


@pytest.fixture(params=["memory", "sqlite"])
def cache(request, tmp_path):
    store = MemoryStore(most=20) if request.param == "memory" else SqliteStore(tmp_path / "a.sqlite", most=20)
    cache = AnswerCache(store, ttl_s=60, similarity=0.9)
    yield cache
    cache.close()


def test_nobody_gets_the_answer_to_another_question(cache):
    embedder = WordEmbedder()
    worked = threading.Semaphore(0)

    def ask(number):
        rng = random.Random(number)
        question = f"Как получить цену номер {rng.randrange(12)}?"
        key, vector = key_of(question, HERE), embedder.encode_query(question)
        while True:
            with cache.flight(key) as other:
                if other is None:
                    kept = cache.get(key) or cache.similar(key, question, vector)
                    if kept:
                        return question, kept.answer.text
                    worked.release()
                    source = Source(1, Hit(make_document(), 1.0))
                    cache.put(key, Answer(question, f"ответ на {question}", (source,)), vector=vector)
                    return question, f"ответ на {question}"
            other.result(10)

    with ThreadPoolExecutor(16) as pool:
        for question, text in pool.map(ask, range(400)):
            assert text == f"ответ на {question}"
    done = 0
    while worked.acquire(blocking=False):
        done += 1
    assert 12 <= done < 400
