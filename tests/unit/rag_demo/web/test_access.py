"""Who may ask, how often, and from where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.errors import InputError
from rag_demo.web.access import ANYBODY, Caller, Keys, RateLimit, host_is_ours, origin_is_ours, parse_keys

KEY, OTHER = "k" * 16, "другой-ключ-длинный"


def test_without_keys_everybody_may_ask():
    assert parse_keys("").caller(None) is ANYBODY
    assert not parse_keys(" , ")


def test_a_key_names_its_caller_and_its_spaces():
    keys = parse_keys(f"ide:{KEY}, отдел:{OTHER}:erp|зуп")
    assert keys.caller(KEY) == Caller("ide")
    assert keys.caller(OTHER) == Caller("отдел", ("erp", "зуп"))
    for wrong in (None, "", KEY + "x", KEY[:-1], OTHER.upper()):
        assert keys.caller(wrong) is None


@pytest.mark.parametrize("text", ["name", "name:short", f":{KEY}", f"a:{KEY},b:{KEY}"])
def test_entries_that_cannot_be_used_are_refused_without_showing_a_key(text):
    with pytest.raises(InputError) as refused:
        parse_keys(text)
    assert KEY not in str(refused.value)
    assert "short" not in str(refused.value).replace("is short", "")


def test_keys_do_not_show_themselves():
    assert KEY not in repr(Keys({KEY: Caller("a")}))


def test_a_caller_sees_his_spaces_only():
    known = ["demo", "erp", "зуп"]
    assert ANYBODY.allowed([], known) == ("demo", "erp", "зуп")
    limited = Caller("отдел", ("зуп", "нет такого"))
    assert limited.allowed([], known) == ("зуп",)
    assert limited.allowed(["зуп"], known) == ("зуп",)
    for space in ("erp", "нет такого", "совсем нет"):
        with pytest.raises(PermissionError) as refused:
            limited.allowed([space], known)
        assert "erp" not in str(refused.value).replace(repr(space), "")


@pytest.mark.parametrize(
    ("host", "allowed", "ours"),
    [
        ("127.0.0.1:8000", (), True),
        ("localhost", (), True),
        ("[::1]:8000", (), True),
        ("chat.example.ru:8000", (), False),
        ("chat.example.ru", ("chat.example.ru",), True),
        ("127.0.0.1.evil.com", (), False),
        ("localhost@evil.com", (), False),
        ("[bad", (), False),
        (None, (), False),
        ("evil.com", ("*",), True),
    ],
)
def test_hosts(host, allowed, ours):
    assert host_is_ours(host, allowed) is ours


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (None, "localhost:8000", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("http://localhost:9000", "localhost:8000", False),
        ("null", "localhost:8000", False),
        ("http://evil.com", "localhost:8000", False),
    ],
)
def test_origins(origin, host, ours):
    assert origin_is_ours(origin, host) is ours


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@given(st.integers(1, 600), st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_more_than_the_burst_and_the_rate_go_through(per_minute, pauses_s):
    clock = Clock()
    limit = RateLimit(per_minute, clock=clock)
    let_through = 0
    for pause_s in pauses_s:
        clock.now_s += pause_s
        let_through += limit.wait_s("a") == 0
    assert let_through <= max(per_minute / 5, 5) + clock.now_s * per_minute / 60 + 1


def test_waiting_as_long_as_told_is_enough_and_others_are_not_concerned():
    clock = Clock()
    limit = RateLimit(6, clock=clock)
    while not (wait_s := limit.wait_s("a")):
        pass
    assert limit.wait_s("b") == 0
    clock.now_s += wait_s
    assert limit.wait_s("a") == 0


def test_zero_limits_nothing_and_memory_stays_bounded():
    assert all(RateLimit(0, clock=Clock()).wait_s("a") == 0 for _ in range(1000))
    limit = RateLimit(1, clock=Clock())
    for number in range(10_050):
        limit.wait_s(str(number))
    assert len(limit._buckets) <= 10_000
