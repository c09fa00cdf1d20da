"""What callers may pass: checks that refuse bad input with its index, before anything is computed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import get_args

from hybrid_embeddings.errors import InputError
from hybrid_embeddings.types import Importance, Kind, OnTruncate


def checked_texts(texts: str | Iterable[str], *, offset: int = 0) -> list[str]:
    """Return texts as a list.

    Args:
        texts: one string, or strings.
        offset: number of the first text in messages.

    Raises:
        InputError: not a string or strings; names the index of the first bad element.
    """
    if isinstance(texts, str):
        return [texts]
    rows = list(_iterated(texts, "a string or a list of strings"))
    for index, text in enumerate(rows, start=offset):
        if not isinstance(text, str):
            raise InputError(f"text {index} is {type(text).__name__}, expected str; nothing was embedded", index=index)
    return rows


def checked_stream(texts: Iterable[str]) -> Iterator[str]:
    """Return an iterator over texts; their sort is looked at when they come.

    Raises:
        InputError: nothing that texts come from, or one string, which would be taken for a list of characters.
    """
    if isinstance(texts, str):
        raise InputError("embed_iter takes many texts; use encode(text, kind='document') for one")
    return _iterated(texts, "strings, one after the other")


def _iterated(texts: Iterable[str], expected: str) -> Iterator[str]:
    if not isinstance(texts, (bytes, bytearray, memoryview, Mapping)):
        with suppress(TypeError):  # not isinstance(texts, Iterable): an array without dimensions would pass
            return iter(texts)
    raise InputError(f"texts is {type(texts).__name__}, expected {expected}")


def checked_documents(texts: Sequence[str], method: str) -> Sequence[str]:
    """Return texts, unless it is one string, which would be taken for a list of characters elsewhere."""
    if isinstance(texts, str):
        raise InputError(f"{method} takes a list of texts; use encode(text, kind='document') for one")
    return texts


def check_options(
    kind: Kind,
    timeout_s: float | None,
    on_truncate: OnTruncate = "ignore",
    batch_size: int | None = None,
    importance: Importance | None = None,
) -> None:
    """Refuse values that would fail later, or do something else without a word.

    Raises:
        InputError: names the option, its value and what is expected.
    """
    if kind not in get_args(Kind):
        raise InputError(f"kind is {kind!r}, expected one of {', '.join(get_args(Kind))}")
    if on_truncate not in get_args(OnTruncate):
        raise InputError(f"on_truncate is {on_truncate!r}, expected one of {', '.join(get_args(OnTruncate))}")
    if importance is not None and importance not in get_args(Importance):
        raise InputError(f"importance is {importance!r}, expected one of {', '.join(get_args(Importance))}")
    if batch_size is not None:
        check_count("batch_size", batch_size)
    # threading cannot wait longer than about 292 years, and a NaN would wait for ever
    if timeout_s is not None and (
        not isinstance(timeout_s, (int, float)) or not 0 <= timeout_s <= threading.TIMEOUT_MAX
    ):
        raise InputError(f"timeout_s is {timeout_s!r}, expected seconds from 0; None waits as long as it takes")


def check_count(name: str, value: int) -> None:
    """Refuse what is no whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} is {value!r}, expected a whole number of at least 1")


def checked_device(device: str | None, at_work: Iterable[str]) -> str | None:
    """Return the name of a device that works; ``cuda`` stands for any CUDA device.

    Args:
        device: what the caller asks for; None: all.
        at_work: devices of the lanes; none for a static model, which has no choice.

    Raises:
        InputError: no lane works on that device; lists those that do.
    """
    known = set(at_work)
    if device is None or not known:
        return None
    if device not in known | {name.split(":")[0] for name in known}:
        raise InputError(f"use_device is {device!r}, but the devices at work are {', '.join(sorted(known))}")
    return device
