"""What a check finds. Plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from hybrid_embeddings.settings import Settings

Status = Literal["ok", "hint", "warning", "failure"]
"""``hint``: it works, and could do better. ``warning``: something will go wrong. ``failure``: it does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``advice`` says what to do, and is empty where there is nothing."""

    check: str
    status: Status
    found: str
    advice: str = ""


Check = Callable[[Settings], Iterator[Finding]]
