"""Cached answers in a real Redis."""

from __future__ import annotations

import time

import pytest

from rag_demo.chat.cache.redis_store import RedisStore
from rag_demo.errors import InputError
from tests.contract.answer_store import AnswerStoreContract


class RealClock:
    """Redis counts itself; waiting is the only way to let time pass."""

    def __call__(self):
        return time.time()

    def advance(self, seconds):
        time.sleep(seconds)


class TestRedis(AnswerStoreContract):
    @pytest.fixture
    def clock(self):
        return RealClock()

    @pytest.fixture
    def store(self, redis_server, clock, request):
        store = RedisStore(redis_server.url, prefix=f"rag:{request.node.name}:", clock=clock)
        yield store
        store.close()


def test_a_redis_that_is_gone_is_a_miss_and_left_alone_for_a_while(own_redis, caplog):
    passed_s = [0.0]
    store = RedisStore(own_redis.url, passed=lambda: passed_s[0])
    store.put("a", b"1", ttl_s=60, tags=["t"])
    own_redis.close()
    assert store.get_many(["a"]) == {}
    assert store.tagged("t", None) == []
    store.put("b", b"1", ttl_s=60, tags=[])
    assert caplog.text.count("cannot be used") == 1
    passed_s[0] = 5.0
    store.delete(["a"])
    assert caplog.text.count("cannot be used") == 2


def test_a_wrong_address_names_no_password():
    with pytest.raises(InputError) as raised:
        RedisStore("http://user:geheim@host")
    assert "geheim" not in str(raised.value)
