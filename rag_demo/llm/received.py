"""Values of a JSON body that a server sent: what has another form than it should counts as not told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Above it a number of JSON is no longer exact in every program; nothing that is counted here comes near.
_LARGEST = 2**53


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The object, empty where it is none."""
    return value if isinstance(value, Mapping) else {}


def text_of(value: Any) -> str:
    """The text, empty where it is none."""
    return value if isinstance(value, str) else ""


def count_of(value: Any) -> int | None:
    """The number of something; None where it is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else None


def quantity_of(value: Any) -> float | None:
    """The amount of something, such as milliseconds; None where it is none, not finite or below zero."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and 0 <= value <= _LARGEST else None
