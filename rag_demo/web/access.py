"""Who may ask, how often, and from where. Pure decisions; :mod:`rag_demo.web.guard` applies them to requests."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from rag_demo.errors import InputError

_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
_MOST_CLIENTS = 10_000
_SHORTEST_KEY = 16  # letters; below that a key can be guessed over the network


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who may ask. ``space_ids`` None: all spaces."""

    name: str  # of the key, for limits and logs; never the key itself
    space_ids: tuple[str, ...] | None = None

    def allowed(self, space_ids: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
        """The spaces a question of this caller may see: those asked for, or all of his.

        Raises:
            PermissionError: a space that is not his, or not there: which of the two is not told.
        """
        own = tuple(known) if self.space_ids is None else tuple(space for space in known if space in self.space_ids)
        if unknown := [space for space in space_ids if space not in own]:
            raise PermissionError(
                f"There is no space {unknown[0]!r} for you. Known spaces: {', '.join(own) or 'none'}."
            )
        return tuple(space_ids) or own


ANYBODY = Caller("anybody")


class Keys:
    """API keys. Without any everybody may ask."""

    def __init__(self, keys: dict[str, Caller]) -> None:
        self._keys = [(key.encode(), caller) for key, caller in keys.items()]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __repr__(self) -> str:
        return f"Keys({len(self._keys)})"

    def caller(self, key: str | None) -> Caller | None:
        """Who has this key; None: nobody. Takes the same time wherever a key differs."""
        if not self._keys:
            return ANYBODY
        found: Caller | None = None
        given = (key or "").encode()
        for known, caller in self._keys:
            if hmac.compare_digest(known, given):
                found = caller
        return found


def parse_keys(text: str) -> Keys:
    """Read ``name:key`` or ``name:key:space|space`` entries between commas, as ``RAG_API_KEYS`` holds them.

    Raises:
        InputError: an entry has another form, a key is short, or two are equal; never shows a key.
    """
    keys: dict[str, Caller] = {}
    for number, entry in enumerate(filter(None, (part.strip() for part in text.split(","))), start=1):
        name, _, rest = entry.partition(":")
        key, _, spaces = rest.partition(":")
        if not name or len(key) < _SHORTEST_KEY:
            raise InputError(
                f"Entry {number} of RAG_API_KEYS must read name:key or name:key:space|space, the key with at least "
                f"{_SHORTEST_KEY} characters."
            )
        if key in keys:
            raise InputError(f"Entry {number} of RAG_API_KEYS repeats the key of another entry.")
        keys[key] = Caller(name, tuple(filter(None, spaces.split("|"))) or None)
    return Keys(keys)


class RateLimit:
    """A token bucket for each client: ``per_minute`` requests on average, a fifth of that at once. Thread-safe."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float]) -> None:
        """Take a limit; 0 limits nothing. ``clock`` gives seconds."""
        self._per_s = per_minute / 60
        self._burst = max(per_minute / 5, 5.0)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}  # client → tokens left, at that time

    def wait_s(self, client: str) -> float:
        """Count a request. Returns 0 if it may go on, else the seconds after which it may be tried again."""
        if not self._per_s:
            return 0.0
        with self._lock:
            now_s = self._clock()
            left, at_s = self._buckets.pop(client, (self._burst, now_s))
            left = min(self._burst, left + (now_s - at_s) * self._per_s)
            wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
            # The newest stands last, so the first is the one that was quiet for longest.
            self._buckets[client] = (left - 1 if left >= 1 else left, now_s)
            if len(self._buckets) > _MOST_CLIENTS:
                self._buckets.pop(next(iter(self._buckets)))
            return wait_s


def host_is_ours(host: str | None, allowed: Sequence[str]) -> bool:
    """Tell whether a ``Host`` header names this server: a foreign name that resolves to us is an attack.

    Args:
        host: value of the header, with or without a port.
        allowed: names besides those of the local machine; ``*``: any.
    """
    if "*" in allowed:
        return True
    name = _name(f"//{host or ''}")
    return name is not None and (name in _LOCAL or name in allowed)


def origin_is_ours(origin: str | None, host: str | None) -> bool:
    """Tell whether a page of ``origin`` may call: only our own page, or a program, which sends none."""
    if origin is None:
        return True
    return urlsplit(origin).netloc == (host or "")


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
