"""The adapter: LangChain's ``ByteStore`` in, the Redis and SQL tiers of our cache out. No logic of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from langchain_core.stores import ByteStore

from hybrid_embeddings import Settings


class HybridByteStore(ByteStore):
    """Bytes by name in Redis, SQL, or both, as ``EMBEDDING_CACHE_REDIS_URL`` and ``EMBEDDING_CACHE_SQL_URL`` say.

        store = HybridByteStore(settings=Settings.load(cache_sql_url="sqlite"))
        embeddings = CacheBackedEmbeddings.from_bytes_store(model, store, namespace="model", key_encoder="blake2b")

    A store that is away counts as empty, so that the application goes on. ``HybridEmbeddings`` needs none of this: it
    caches by itself, in less space and time.
    """

    def __init__(self, namespace: str = "langchain", *, settings: Settings | None = None) -> None:
        """Note the addresses; connections are made when they are needed.

        Args:
            namespace: stores with different ones do not see each other's names.
            settings: the cache settings; default: environment and ``.env``.

        Raises:
            SettingsError: no store is set, or its URL cannot be used.
        """
        from hybrid_embeddings.cache_wiring import build_values

        self._values = build_values(settings or Settings.load(), namespace=namespace)

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the value of each name, None where there is none."""
        return self._values.get_many(keys)

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Store values; those with the same name are replaced."""
        self._values.put_many(dict(key_value_pairs))

    def mdelete(self, keys: Sequence[str]) -> None:
        """Remove values."""
        self._values.delete_many(keys)

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Yield every name that begins with the prefix."""
        return self._values.names(prefix or "")

    def close(self) -> None:
        """Let go of connections."""
        self._values.close()
