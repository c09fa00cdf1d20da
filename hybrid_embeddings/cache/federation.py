"""Processes that tell each other what they know of near-duplicates, over a bounded stream in Redis.

Each process appends what it learned and reads what the others appended; nobody waits for anybody, so they agree after
a while only. Messages hold hashes, sketches, vectors and measured cosines, never a text. Layout, little-endian:

    version 2 | sender 8 | space 8 | n_entries 2 | n_measured 2 | entries | measured | checksum 8
    entry:     n_words 2 | words 4·n | stems 4·n | light n | folded 4 | spaced 4 | last 4 | tokens 4 | sketch 256
               | scale 4 | vector 2·dim
    measured:  difference 1 | words 4 | cosine 4
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache.near import Entry, Learned, NearTier
from hybrid_embeddings.cache.sketch import SKETCH_DIM, Difference, Form
from hybrid_embeddings.errors import CacheTierError
from hybrid_embeddings.keys import Space
from hybrid_embeddings.ports import MessageStream

_VERSION = 2
_HEAD = struct.Struct("<B8s8sHH")
_MEASURED = struct.Struct("<BIf")
_CHECKSUM_BYTES = 8
MOST_PER_MESSAGE = 32
_DIFFERENCES: tuple[Difference, ...] = get_args(Difference)
# Between attempts while Redis is away.
_PAUSE_S = 1.0
# How long a read waits for news; closing waits for it, too.
_BLOCK_S = 0.2
_log = logging.getLogger("hybrid_embeddings.cache")


@dataclass(frozen=True, slots=True)
class MessageFormat:
    """Writes and reads messages of one dimension. With a secret, nobody else can make one."""

    dimension: int
    secret: bytes = b""

    def encode(self, sender: bytes, space_id: bytes, learned: Learned) -> bytes:
        """Return a message; entries that cannot be stored in 16 bits are left out."""
        entries = [entry for entry in learned.entries if codecs.storable(entry.vector[None]).all()]
        parts = [_HEAD.pack(_VERSION, sender, space_id, len(entries), len(learned.measured))]
        parts += [_packed(entry) for entry in entries]
        parts += [_MEASURED.pack(_DIFFERENCES.index(sort[0]), sort[1], cosine) for sort, cosine in learned.measured]
        body = b"".join(parts)
        return body + self._checksum(body)

    def decode(self, message: bytes) -> tuple[bytes, bytes, Learned] | None:
        """Return sender, space and what was learned; None for anything that is no sound message."""
        body, checksum = message[:-_CHECKSUM_BYTES], message[-_CHECKSUM_BYTES:]
        if len(body) < _HEAD.size or body[0] != _VERSION or checksum != self._checksum(body):
            return None
        _, sender, space_id, n_entries, n_measured = _HEAD.unpack_from(body)
        try:
            entries, at = [], _HEAD.size
            for _ in range(n_entries):
                entry, at = _unpacked(body, at, self.dimension)
                entries.append(entry)
            measured = []
            for row in range(n_measured):
                number, words, cosine = _MEASURED.unpack_from(body, at + row * _MEASURED.size)
                measured.append(((_DIFFERENCES[number], words), cosine))
        except (struct.error, ValueError, IndexError):  # of another dimension: not one of ours
            return None
        return sender, space_id, Learned(entries, measured)

    def _checksum(self, body: bytes) -> bytes:
        person = b"hybrid-emb-fed"
        digest = hashlib.blake2b(digest_size=_CHECKSUM_BYTES, key=self.secret, person=person)
        digest.update(self.dimension.to_bytes(4, "little") + body)
        return digest.digest()


class Federation:
    """The exchange of one process: :meth:`publish` sends, a thread receives. Neither ever raises."""

    def __init__(
        self, stream: MessageStream, near: NearTier, spaces: Mapping[bytes, Space], messages: MessageFormat
    ) -> None:
        """``spaces``: those of this process by id; news of others are not for it."""
        self._stream = stream
        self._near = near
        self._spaces = dict(spaces)
        self._messages = messages
        self._sender = os.urandom(8)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._counts = {"sent": 0, "received": 0, "refused": 0, "failures": 0}
        self._thread = threading.Thread(target=self._read, name="hybrid-embeddings-federation", daemon=True)
        self._thread.start()

    def publish(self, space: Space, learned: Learned) -> None:
        """Send what this process learned, if Redis takes it; if not, the others compute it themselves."""
        space_id = space.digest(self._messages.secret)
        n_parts = max(len(learned.entries), len(learned.measured))
        for start in range(0, n_parts, MOST_PER_MESSAGE):
            rows = slice(start, start + MOST_PER_MESSAGE)
            part = Learned(learned.entries[rows], learned.measured[rows])
            try:
                self._stream.append(self._messages.encode(self._sender, space_id, part))
            except CacheTierError as error:
                self._failed(error)
                return
            self._count("sent")

    def stats(self) -> dict[str, Any]:
        """Return messages sent, received and refused, and failures."""
        with self._lock:
            return dict(self._counts)

    def close(self) -> None:
        """Stop receiving."""
        self._closed.set()
        self._thread.join(5.0)
        self._stream.close()

    def _read(self) -> None:
        while not self._closed.is_set():
            try:
                messages = self._stream.read(_BLOCK_S)
            except CacheTierError as error:
                self._failed(error)
                self._closed.wait(_PAUSE_S)
                continue
            for message in messages:
                self._take(message)

    def _take(self, message: bytes) -> None:
        decoded = self._messages.decode(message)
        if decoded is None:
            self._count("refused")
            return
        sender, space_id, learned = decoded
        space = self._spaces.get(space_id)
        if sender != self._sender and space is not None:
            self._near.receive(space, learned)
            self._count("received")

    def _failed(self, error: CacheTierError) -> None:
        self._count("failures")
        _log.info("near-duplicates are not exchanged: %s", error)

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1


def _packed(entry: Entry) -> bytes:
    form = entry.form
    n = len(form.words)
    stored, scale = codecs.encode(codecs.INT16, entry.vector[None])
    peak = np.abs(entry.sketch).max() or 1.0  # the two trigrams of a single sign may cancel each other out
    sketch = np.clip(np.rint(entry.sketch / peak * 127), -127, 127).astype(np.int8)
    return b"".join(
        (
            struct.pack(f"<H{n}I{n}I{n}?", n, *form.words, *form.stems, *form.light),
            struct.pack("<IIII", form.folded, form.spaced, form.last, entry.n_tokens),
            sketch.tobytes(),
            scale.tobytes(),
            stored.tobytes(),
        )
    )


def _unpacked(body: bytes, at: int, dimension: int) -> tuple[Entry, int]:
    (n,) = struct.unpack_from("<H", body, at)
    values = struct.unpack_from(f"<{n}I{n}I{n}?", body, at + 2)
    at += 2 + 9 * n
    folded, spaced, last, n_tokens = struct.unpack_from("<IIII", body, at)
    at += 16
    sketch = np.frombuffer(body, dtype=np.int8, count=SKETCH_DIM, offset=at).astype(np.float32)
    sketch /= np.linalg.norm(sketch) or 1.0
    at += SKETCH_DIM
    scale = np.frombuffer(body, dtype="<u4", count=1, offset=at).astype(np.uint32)
    stored = np.frombuffer(body, dtype="<i2", count=dimension, offset=at + 4)
    vector = codecs.decode(codecs.INT16, stored[None], scale, {})[0][0]
    form = Form(values[:n], tuple(map(bool, values[2 * n :])), values[n : 2 * n], folded, spaced, last)
    return Entry(form, sketch, vector, n_tokens), at + 4 + 2 * dimension
