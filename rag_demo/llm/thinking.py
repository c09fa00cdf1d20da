"""Servers without a reasoning parser send thoughts inside the answer, between ``<think>`` and ``</think>``."""

from __future__ import annotations

from collections.abc import Iterator

from rag_demo.llm.types import TextDelta, ThinkingDelta

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkingSplitter:
    """Sorts the pieces of an answer into thoughts and text. Only a block at the very start is one of thoughts."""

    def __init__(self) -> None:
        self._mark = _OPEN  # what is looked for; empty: nothing more
        self._held = ""
        self._is_after = False  # thoughts are over, their blank lines not yet

    def split(self, piece: str) -> Iterator[ThinkingDelta | TextDelta]:
        """The events for the next piece; the start of what may be a mark is held back."""
        self._held += piece
        if self._mark == _OPEN:
            start = self._held.lstrip()
            if start.startswith(_OPEN):
                self._held, self._mark = start.removeprefix(_OPEN), _CLOSE
            elif not _OPEN.startswith(start):
                self._mark = ""
        if self._mark == _CLOSE:
            yield from self._thoughts()
        if not self._mark:
            yield from self._flush(TextDelta)

    def end(self) -> Iterator[ThinkingDelta | TextDelta]:
        """What was held back when the answer ends."""
        yield from self._flush(ThinkingDelta if self._mark == _CLOSE else TextDelta)

    def _thoughts(self) -> Iterator[ThinkingDelta]:
        thoughts, mark, rest = self._held.partition(_CLOSE)
        if mark:
            self._mark, self._held, self._is_after = "", rest, True
        else:
            keep = next((n for n in range(len(_CLOSE) - 1, 0, -1) if thoughts.endswith(_CLOSE[:n])), 0)
            thoughts, self._held = thoughts[: len(thoughts) - keep], thoughts[len(thoughts) - keep :]
        if thoughts:
            yield ThinkingDelta(thoughts)

    def _flush(self, kind: type[ThinkingDelta | TextDelta]) -> Iterator[ThinkingDelta | TextDelta]:
        held, self._held = self._held.lstrip() if self._is_after else self._held, ""
        if held:
            self._is_after = False
            yield kind(held)
