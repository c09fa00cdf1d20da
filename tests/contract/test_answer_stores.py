"""What every store of cached answers must do. Redis: tests/services/test_answer_cache.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from rag_demo.chat.cache.sqlite_store import SqliteStore
from rag_demo.chat.cache.stores import MemoryStore
from tests.contract.answer_store import AnswerStoreContract


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now

    def advance(self, seconds):
        self.now += seconds


class TestMemory(AnswerStoreContract):
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def store(self, clock):
        store = MemoryStore(most=50, clock=clock)
        yield store
        store.close()

    def test_the_least_used_goes_first(self, clock):
        store = MemoryStore(most=2, clock=clock)
        store.put("a", b"1", ttl_s=60, tags=["t"])
        store.put("b", b"2", ttl_s=60, tags=["t"])
        store.get_many(["a"])
        store.put("c", b"3", ttl_s=60, tags=["t"])
        assert store.get_many(["a", "b", "c"]) == {"a": b"1", "c": b"3"}
        assert store.tagged("t", None) == ["c", "a"]


class TestSqlite(AnswerStoreContract):
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def store(self, tmp_path, clock):
        store = SqliteStore(tmp_path / "кэш" / "answers.sqlite", clock=clock)
        yield store
        store.close()

    def test_it_outlives_the_process_and_is_shared(self, tmp_path, clock, store):
        store.put("a", b"1", ttl_s=60, tags=[])
        other = SqliteStore(tmp_path / "кэш" / "answers.sqlite", clock=clock)
        assert other.get_many(["a"]) == {"a": b"1"}
        other.close()

    def test_it_stays_within_its_limit(self, tmp_path, clock):
        store = SqliteStore(tmp_path / "few.sqlite", most=3, clock=clock)
        for number in range(10):
            clock.advance(1)
            store.put(str(number), b"x", ttl_s=60, tags=["t"])
        assert sorted(store.get_many([str(number) for number in range(10)])) == ["7", "8", "9"]
        assert store.tagged("t", None) == ["9", "8", "7"]
        store.close()

    @pytest.mark.parametrize("damage", ["no database", "pages", "while it is open"])
    def test_a_damaged_file_is_made_anew(self, tmp_path, caplog, damage):
        file = tmp_path / "bad.sqlite"
        store = SqliteStore(file)
        store.put("a", b"1" * 20_000, ttl_s=60, tags=["t"])
        store.close()
        raw = file.read_bytes()
        store = SqliteStore(file) if damage == "while it is open" else None
        file.write_bytes(
            b"no database at all" * 100 if damage == "no database" else raw[:4096] + b"x" * len(raw[4096:])
        )
        store = store or SqliteStore(file)
        for _ in range(2):  # one that breaks while it is open is noticed by the first of them
            store.put("b", b"2", ttl_s=60, tags=["t"])
            found = store.get_many(["b"])
        assert found == {"b": b"2"}
        assert "damaged" in caplog.text or "cannot be used" in caplog.text
        store.close()

    def test_where_no_file_can_be_made_answers_are_kept_in_memory(self, tmp_path, caplog):
        (tmp_path / "taken.sqlite").mkdir()
        (tmp_path / "файл").write_bytes(b"")
        for place in (tmp_path / "taken.sqlite", tmp_path / "файл" / "answers.sqlite"):
            store = SqliteStore(place)
            store.put("a", b"1", ttl_s=60, tags=[])
            assert store.get_many(["a"]) == {"a": b"1"}
            store.close()
        assert caplog.text.count("is kept in memory") == 2

    def test_many_threads(self, store):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: store.put(str(n % 5), str(n).encode(), ttl_s=60, tags=[str(n % 3)]), range(60)))
        assert len(store.get_many([str(n) for n in range(5)])) == 5
