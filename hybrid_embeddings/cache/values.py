"""Any bytes by name, in the stores of the cache: what frameworks with a cache of their own can build on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from hybrid_embeddings.cache.guarded import GuardedTier
from hybrid_embeddings.cache.record import VALUE_VERSION
from hybrid_embeddings.keys import KEY_BYTES, SPACE_BYTES

_CHECKSUM_BYTES = 8


class ByteValues:
    """Names → values over one or more stores, fastest first.

    A value carries its name and a checksum: damaged ones are deleted and count as not there. A store that fails costs
    its values for the time being, never an exception. Threads may share it.
    """

    def __init__(self, tiers: Sequence[GuardedTier], *, namespace: str, secret: bytes = b"") -> None:
        self._tiers = list(tiers)
        self._secret = secret
        self._namespace = namespace
        self._space = self._digest(b"hybrid-emb-nsp", namespace, SPACE_BYTES)

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the value of each name, None where there is none."""
        found: dict[str, bytes] = {}
        for position, tier in enumerate(self._tiers):
            left = [name for name in dict.fromkeys(names) if name not in found]
            if not left:
                break
            here = self._ask(tier, left)
            found |= here
            for faster in self._tiers[:position]:
                faster.put_many(self._space, {self._key(name): self._packed(name, here[name]) for name in here})
        return [found.get(name) for name in names]

    def put_many(self, values: Mapping[str, bytes]) -> None:
        """Store values; those with the same name are replaced."""
        packed = {self._key(name): self._packed(name, value) for name, value in values.items()}
        for tier in self._tiers:
            tier.register(self._space, {"model": f"bytes: {self._namespace}"})
            tier.put_many(self._space, packed)

    def delete_many(self, names: Sequence[str]) -> None:
        """Remove values. Names that are not there are fine."""
        for tier in self._tiers:
            tier.delete_many(self._space, [self._key(name) for name in names])

    def names(self, prefix: str = "") -> Iterator[str]:
        """Yield every name that begins with the prefix, once."""
        seen: set[str] = set()
        for tier in self._tiers:
            for _, key, record in tier.scan(self._space):
                name = self._unpacked(key, record)[0]
                if name is not None and name.startswith(prefix) and name not in seen:
                    seen.add(name)
                    yield name

    def close(self) -> None:
        """Let go of connections."""
        for tier in self._tiers:
            tier.close()

    def _ask(self, tier: GuardedTier, names: Sequence[str]) -> dict[str, bytes]:
        keys = [self._key(name) for name in names]
        found, damaged = {}, []
        for key, record in zip(keys, tier.get_many(self._space, keys), strict=True):
            if record is None:
                continue
            name, value = self._unpacked(key, record)
            if name is None:
                damaged.append(key)
            else:
                found[name] = value
        tier.note_lookup(len(found), len(names) - len(found))
        if damaged:
            tier.note_damaged(len(damaged))
            tier.delete_many(self._space, damaged)
        return found

    def _key(self, name: str) -> bytes:
        return self._digest(b"hybrid-emb-val" + self._space, name, KEY_BYTES)

    def _digest(self, purpose: bytes, text: str, size: int) -> bytes:
        digest = hashlib.blake2b(purpose, digest_size=size, key=self._secret)
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _packed(self, name: str, value: bytes) -> bytes:
        encoded = name.encode("utf-8", "surrogatepass")
        body = bytes([VALUE_VERSION]) + len(encoded).to_bytes(4, "little") + encoded + value
        return body + self._checksum(self._key(name), body)

    def _unpacked(self, key: bytes, record: bytes) -> tuple[str | None, bytes]:
        body, checksum = record[:-_CHECKSUM_BYTES], record[-_CHECKSUM_BYTES:]
        if not body or body[0] != VALUE_VERSION or checksum != self._checksum(key, body):
            return None, b""
        border = 5 + int.from_bytes(body[1:5], "little")
        return body[5:border].decode("utf-8", "surrogatepass"), body[border:]

    def _checksum(self, key: bytes, body: bytes) -> bytes:
        digest = hashlib.blake2b(key, digest_size=_CHECKSUM_BYTES, key=self._secret, person=b"hybrid-emb-byt")
        digest.update(body)
        return digest.digest()
