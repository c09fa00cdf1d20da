"""The language model for programs without an event loop, such as the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from rag_demo.llm.ports import LanguageModel
from rag_demo.llm.types import Event, Request

if TYPE_CHECKING:
    from typing_extensions import Self

_T = TypeVar("_T")


class Blocking:
    """Runs a `LanguageModel` in an event loop of its own, which moves only while a call of this object waits.

    For one thread at a time. Use it as a context manager: leaving it closes the model.
    """

    def __init__(self, model: LanguageModel) -> None:
        """Take over ``model``, which no other loop may use."""
        self._model = model
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stream(self, request: Request) -> Iterator[Event]:
        """See `LanguageModel.stream`. Leaving the loop over it early stops the server."""
        events = self._model.stream(request)
        try:
            while (event := self._run(_next(events))) is not None:
                yield event
        finally:
            self._run(events.aclose())

    def close(self) -> None:
        """Close the model and the loop. May be called twice."""
        if not self._loop.is_closed():
            self._run(self._model.close())
            self._run(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _run(self, awaited: Coroutine[Any, Any, _T]) -> _T:
        return self._loop.run_until_complete(awaited)


async def _next(events: AsyncGenerator[Event, None]) -> Event | None:
    return await anext(events, None)
