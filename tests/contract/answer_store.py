"""The contract of `rag_demo.chat.cache.stores.Store`. Subclasses give the fixtures ``store`` and ``clock``."""

from __future__ import annotations


class AnswerStoreContract:
    def test_what_was_put_is_found(self, store):
        store.put("a", "ответ".encode(), ttl_s=60, tags=[])
        assert store.get_many(["a", "b"]) == {"a": "ответ".encode()}
        assert store.get_many([]) == {}

    def test_the_last_one_counts(self, store):
        store.put("a", b"1", ttl_s=60, tags=["old"])
        store.put("a", b"2", ttl_s=60, tags=["new"])
        assert store.get_many(["a"]) == {"a": b"2"}
        assert store.tagged("new", None) == ["a"]

    def test_it_ends_with_its_time(self, store, clock):
        store.put("a", b"1", ttl_s=1, tags=[])
        clock.advance(1.1)
        assert store.get_many(["a"]) == {}

    def test_deleted_is_gone(self, store):
        store.put("a", b"1", ttl_s=60, tags=["t"])
        store.delete(["a", "unknown"])
        store.delete([])
        assert store.get_many(["a"]) == {}

    def test_the_newest_of_a_tag_come_first(self, store, clock):
        for name in "abc":
            clock.advance(0.01)
            store.put(name, b"1", ttl_s=60, tags=["t", f"only-{name}"])
        assert store.tagged("t", None) == ["c", "b", "a"]
        assert store.tagged("t", 2) == ["c", "b"]
        assert store.tagged("only-a", None) == ["a"]
        assert store.tagged("unknown", None) == []

    def test_close_twice(self, store):
        store.close()
        store.close()
