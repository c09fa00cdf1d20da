"""Records in Redis: ``<prefix>:<space>:<key>`` → record, with a time to live. The only file that knows redis-py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any

from hybrid_embeddings.cache.addresses import masked
from hybrid_embeddings.errors import CacheTierError, MissingDependencyError, SettingsError

_PAGE = 1000
_MESSAGES = 50  # each may have tens of kilobytes


class RedisConnection:
    """A client whose errors are ours. Connections are made when they are needed."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Note the address.

        Args:
            url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password if needed.
            timeout_s: seconds to wait for the server, per round trip.

        Raises:
            SettingsError: the URL cannot be used; the message does not repeat its password.
            MissingDependencyError: redis-py is not installed.
        """
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError as error:
            raise MissingDependencyError(
                'the Redis cache needs redis-py: pip install "hybrid-embeddings[redis]"'
            ) from error
        self.address = masked(url)
        self._errors = (redis.RedisError, OSError)
        try:
            self.client = redis.Redis.from_url(
                url,
                socket_timeout=timeout_s,
                socket_connect_timeout=timeout_s,
                # One more try: after a restart of the server the pooled connections are dead. None for a server that
                # does not answer: it would be waited for twice. (redis-py 5 goes by the second of these options.)
                retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
                retry_on_error=[redis.ConnectionError],
                decode_responses=False,
            )
            # Options of the URL are looked at when a connection is made, not when the client is: one that there is not
            # would fail every call.
            pool = self.client.connection_pool
            pool.connection_class(**pool.connection_kwargs)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{self.address} is no Redis URL: expected redis://, rediss:// or unix://") from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn errors of the library into CacheTierError."""
        try:
            yield
        except self._errors as error:
            # Messages of the library may repeat the URL.
            raise CacheTierError(f"Redis at {self.address}: {type(error).__name__}: {masked(str(error))}") from error

    def close(self) -> None:
        """Let go of connections."""
        with self.translated():
            self.client.close()


class RedisStream:
    """See :class:`hybrid_embeddings.ports.MessageStream`: one Redis stream, read from its oldest message on."""

    def __init__(self, url: str, *, name: str, max_messages: int, timeout_s: float) -> None:
        """Note the address; see :class:`RedisConnection` for errors."""
        self._redis = RedisConnection(url, timeout_s=timeout_s)
        self._name = name.encode()
        self._max_messages = max_messages
        # The answer that there is no news has to come before the time of the round trip is over.
        self._longest_block_s = timeout_s / 2
        self._last = b"0"
        self._was_away = False

    def append(self, message: bytes) -> None:
        """See :class:`hybrid_embeddings.ports.MessageStream`."""
        with self._redis.translated():
            self._redis.client.xadd(self._name, {b"m": message}, maxlen=self._max_messages, approximate=True)

    def read(self, block_s: float) -> list[bytes]:
        """See :class:`hybrid_embeddings.ports.MessageStream`."""
        try:
            with self._redis.translated():
                if self._was_away:
                    self._begin_again_if_lost()
                found: Any = self._redis.client.xread(
                    {self._name: self._last}, count=_MESSAGES, block=self._block_ms(block_s)
                )
        except CacheTierError:
            self._was_away = True
            raise
        entries = _stream_entries(found)
        if entries:
            self._last = entries[-1][0]
        return [fields[b"m"] for _, fields in entries if b"m" in fields]

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.MessageStream`."""
        with suppress(CacheTierError):
            self._redis.close()

    def _block_ms(self, block_s: float) -> int:
        return max(1, int(min(block_s, self._longest_block_s) * 1000))  # 0 would be for ever

    def _begin_again_if_lost(self) -> None:
        """Start over if the server came back without the stream, or with an older state of it."""
        newest: Any = self._redis.client.xrevrange(self._name, count=1)
        if not newest or _order(newest[0][0]) < _order(self._last):
            self._last = b"0"
        self._was_away = False


class RedisTier:
    """See :class:`hybrid_embeddings.ports.RecordTier`. The server's ``maxmemory`` limits the size."""

    name = "redis"

    def __init__(self, url: str, *, prefix: str, ttl_s: float, timeout_s: float) -> None:
        """Note the address; see :class:`RedisConnection` for errors.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``.
            prefix: what all keys begin with.
            ttl_s: seconds until a record is forgotten.
            timeout_s: seconds to wait for the server, per round trip.
        """
        self._redis = RedisConnection(url, timeout_s=timeout_s)
        self._client, self._translated = self._redis.client, self._redis.translated
        self.address = self._redis.address
        self._prefix = prefix.encode()
        self._ttl_ms = max(1, int(ttl_s * 1000))

    def get_many(self, space: bytes, keys: Sequence[bytes]) -> list[bytes | None]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        if not keys:
            return []
        with self._translated():
            found: Any = self._client.mget([self._name(space, key) for key in keys])
            return list(found)

    def put_many(self, space: bytes, records: Mapping[bytes, bytes]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        if not records:
            return
        with self._translated(), self._client.pipeline(transaction=False) as pipe:
            for key, record in records.items():
                pipe.set(self._name(space, key), record, px=self._ttl_ms)
            pipe.execute()

    def delete_many(self, space: bytes, keys: Sequence[bytes]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        if keys:
            with self._translated():
                self._client.unlink(*[self._name(space, key) for key in keys])

    def register(self, space: bytes, description: Mapping[str, str]) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        with self._translated(), self._client.pipeline(transaction=False) as pipe:
            name = self._prefix + b":space:" + space.hex().encode()
            fields: Any = dict(description)
            pipe.hset(name, mapping=fields)
            pipe.pexpire(name, 10 * self._ttl_ms)
            pipe.execute()

    def spaces(self) -> dict[bytes, dict[str, str]]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        found = {}
        with self._translated():
            for name in self._client.scan_iter(match=_escaped(self._prefix) + b":space:*", count=_PAGE):
                fields: Any = self._client.hgetall(name)
                found[_space_of(name)] = {key.decode(): value.decode() for key, value in fields.items()}
        return found

    def scan(self, space: bytes | None = None) -> Iterator[tuple[bytes, bytes, bytes]]:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        with self._translated():
            names = self._client.scan_iter(match=self._pattern(space), count=_PAGE)
            while page := list(islice(names, _PAGE)):
                records: Any = self._client.mget(page)
                for name, record in zip(page, records, strict=True):
                    if record is not None:
                        middle, key = name[len(self._prefix) + 3 :].split(b":")
                        yield bytes.fromhex(middle.decode()), bytes.fromhex(key.decode()), record

    def purge(self, space: bytes | None = None) -> int:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        n_removed = 0
        with self._translated():
            names = self._client.scan_iter(match=self._pattern(space), count=_PAGE)
            while page := list(islice(names, _PAGE)):
                removed: Any = self._client.unlink(*page)
                n_removed += removed
        return n_removed

    def close(self) -> None:
        """See :class:`hybrid_embeddings.ports.RecordTier`."""
        self._redis.close()

    def __repr__(self) -> str:
        return f"RedisTier({self.address!r})"

    def _name(self, space: bytes, key: bytes) -> bytes:
        return b"%b:v:%b:%b" % (self._prefix, space.hex().encode(), key.hex().encode())

    def _pattern(self, space: bytes | None) -> bytes:
        return b"%b:v:%b:*" % (_escaped(self._prefix), b"*" if space is None else space.hex().encode())


def _escaped(prefix: bytes) -> bytes:
    return re.sub(rb"([\\*?\[\]])", rb"\\\1", prefix)


def _space_of(name: bytes) -> bytes:
    return bytes.fromhex(name.rsplit(b":", 1)[1].decode())


def _stream_entries(found: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return (id, fields) of what XREAD gave, in either version of the protocol: a list or a dictionary of streams."""
    streams = list(found.values()) if isinstance(found, dict) else [entries for _, entries in found or []]
    flat: list[tuple[bytes, dict[bytes, bytes]]] = []
    for entries in streams:
        # RESP3 wraps the entries of a stream in one more list.
        flat += entries[0] if entries and isinstance(entries[0], list) else entries
    return flat


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or b"0")
