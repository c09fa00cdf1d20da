"""The two seams: what the chat talks to, and what speaks with one server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from rag_demo.llm.types import Event, ModelInfo, Request


class Place:
    """A place among the chats that are served or wait; compared by identity."""


class LanguageModel(Protocol):
    """What the chat talks to. Belongs to one event loop."""

    def reserve(self) -> AbstractContextManager[Place]:
        """Claim a place before any other work is done for a chat; given back on the way out.

        Raises:
            LlmOverloaded: as many chats as may be served and wait are there already; answer 503 with ``Retry-After``.
        """

    def stream(self, request: Request, place: Place | None = None) -> AsyncGenerator[Event, None]:
        """The events of one answer; see `rag_demo.llm.types` for their order. Failures are events, never raised.

        Without ``place`` one is claimed, and overload is `Failed`. The slot is held until the generator is closed:
        iterate inside ``contextlib.aclosing`` (or cancel the task), which also stops the server.
        """

    async def describe(self) -> ModelInfo:
        """What answers now.

        Raises:
            LlmError: no server answers.
        """

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, in order.

        Where the server counts, it is asked once: the sum is exact, the share of each text about right.
        Elsewhere it is an estimate on the safe side. Never raises `LlmError`.
        """

    async def close(self) -> None:
        """Close the connections. May be called twice."""


class Backend(Protocol):
    """Speaks with one server in its own language."""

    name: str
    base_url: str  # without user, password and trailing slash

    def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """One attempt: the events of an answer without `Failed`; ends with `Usage` (as far as told) and `Done`.

        Raises:
            LlmError: what went wrong, before or within the answer.
        """

    async def describe(self) -> ModelInfo:
        """Ask the server what it is and which model it runs. Cheap: nothing is generated.

        Raises:
            LlmError: it cannot be reached or does not know the model.
        """

    async def count_tokens(self, text: str) -> int | None:
        """Tokens of ``text`` by the server's own tokenizer; None where it offers none."""

    async def close(self) -> None:
        """Close the connections. May be called twice."""
