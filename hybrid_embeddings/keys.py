"""What makes two vectors the same: the space of a model with its options, and the key of a text in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, fields

KEY_BYTES = 24
SPACE_BYTES = 8

# Raised by a release whose vectors differ from those of the one before by more than rounding.
NUMERICS_VERSION = 1


@dataclass(frozen=True, slots=True)
class Space:
    """Everything besides the text that changes the numbers of its vector, and nothing that does not.

    Batch size and device are left out: every lane of a numeric class passed the same check.
    """

    model: str
    """Name on the hub; ``directory`` for a model that was given as one, which its weights identify."""
    weights: str
    """Fingerprint of weights, tokenizer, modules and prompts of the model."""
    kind: str
    """``text``, ``query`` or ``document``."""
    prompt: str
    """What is put before each text."""
    pooling: str
    max_tokens: int | None
    dimension: int
    normalize: bool
    numeric_class: str
    """``fast`` (1-cos to float32 at most 1e-4) or ``exact`` (1e-6)."""
    numerics: int = NUMERICS_VERSION

    def described(self) -> dict[str, str]:
        """Return the fields as texts; the prompt as a digest, because a store shows this to whoever reads it."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        values["prompt"] = _short(self.prompt) if self.prompt else ""
        return values

    def digest(self, secret: bytes = b"") -> bytes:
        """Return the id of the space, 8 bytes: what entries are grouped, counted and purged by."""
        return self._seed(secret).digest()[:SPACE_BYTES]

    def keys(self, texts: Iterable[str], secret: bytes = b"") -> list[bytes]:
        """Return the key of each text, 24 bytes: BLAKE2b (RFC 7693) over length-prefixed fields.

        Args:
            texts: any strings; those that are no valid Unicode have keys, too.
            secret: up to 64 bytes; without it nobody can find out by guessing which texts a store holds.
        """
        seed = self._seed(secret)
        keys = []
        for text in texts:
            digest = seed.copy()
            digest.update(_prefixed(text))
            keys.append(digest.digest())
        return keys

    def _seed(self, secret: bytes) -> hashlib.blake2b:
        seed = hashlib.blake2b(digest_size=KEY_BYTES, key=secret, person=b"hybrid-emb-key")
        for field in fields(self):
            value = getattr(self, field.name)
            # The type is part of the field: None is not the text "None".
            seed.update(_prefixed(field.name) + _prefixed(type(value).__name__) + _prefixed(str(value)))
        return seed


def _prefixed(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return len(encoded).to_bytes(8, "little") + encoded


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def tags(texts: Iterable[str], secret: bytes = b"") -> list[bytes]:
    """Return 8 bytes per text by which a record shows that it belongs to it, independent of the key."""
    seed = hashlib.blake2b(digest_size=8, key=secret, person=b"hybrid-emb-tag")
    found = []
    for text in texts:
        digest = seed.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        found.append(digest.digest())
    return found
