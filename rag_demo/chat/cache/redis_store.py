"""Cached answers in Redis: several servers share them."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from rag_demo.errors import InputError

_log = logging.getLogger(__name__)
_TIMEOUT_S = 0.5  # a cache that answers later than that is no help
_REST_S = 5.0  # questions go without one that failed for so long, lest each wait for it


class RedisStore:
    """A `rag_demo.chat.cache.stores.Store` in Redis. What fails is logged and counts as a miss."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "rag:answer:",
        clock: Callable[[], float] = time.time,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect on first use.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``, with user and password if needed.
            prefix: of every key.
            clock: seconds, to order the records of a tag.
            passed: seconds, to tell when a server that failed is asked again.

        Raises:
            InputError: ``redis`` is not installed, or the address is none.
        """
        try:
            import redis
        except ImportError:
            raise InputError(
                "The package redis is missing. Install it: pip install 'hybrid-embeddings[redis]'."
            ) from None
        try:
            self._redis: Any = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        except ValueError:
            # The message of the library would repeat the address with its password.
            raise InputError("The address of Redis must begin with redis://, rediss:// or unix://.") from None
        self._failures = (redis.RedisError, OSError)
        self._prefix = prefix
        self._clock = clock
        self._passed = passed
        self._rests_until = -math.inf

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The records that are there and not over their time."""
        if not keys:
            return {}
        values = self._tried(lambda: self._redis.mget([self._prefix + key for key in keys])) or []
        return {key: value for key, value in zip(keys, values, strict=False) if value is not None}

    def put(self, key: str, value: bytes, *, ttl_s: float, tags: Sequence[str]) -> None:
        """Keep a record for a time."""

        def write() -> None:
            with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.set(self._prefix + key, value, px=max(int(ttl_s * 1e3), 1))
                for tag in tags:
                    pipeline.zadd(self._tag(tag), {key: self._clock()})
                    pipeline.zremrangebyscore(self._tag(tag), "-inf", self._clock() - ttl_s)
                    pipeline.expire(self._tag(tag), math.ceil(ttl_s) + 1)
                pipeline.execute()

        self._tried(write)

    def delete(self, keys: Sequence[str]) -> None:
        """Forget records."""
        if keys:
            self._tried(lambda: self._redis.delete(*(self._prefix + key for key in keys)))

    def tagged(self, tag: str, most: int | None) -> list[str]:
        """Keys of the records with a tag, the newest first."""
        found = self._tried(lambda: self._redis.zrevrange(self._tag(tag), 0, -1 if most is None else most - 1)) or []
        return [key.decode() for key in found]

    def close(self) -> None:
        """Close the connections."""
        with contextlib.suppress(*self._failures):
            self._redis.close()

    def _tag(self, tag: str) -> str:
        return f"{self._prefix}tag:{tag}"

    def _tried(self, work: Callable[[], Any]) -> Any:
        if self._passed() < self._rests_until:
            return None
        try:
            return work()
        except self._failures as error:
            self._rests_until = self._passed() + _REST_S
            _log.warning("The cache of answers in Redis cannot be used just now: %s", type(error).__name__)
            return None
