"""Answers with a language model for callers that do not wait on an event loop: the command line and its owner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rag_demo.chat.answer import Assistant
from rag_demo.chat.generate import Writer
from rag_demo.chat.session import Conversation
from rag_demo.chat.stream import Done, TextDelta
from rag_demo.errors import LlmInterrupted
from rag_demo.events import Events
from rag_demo.index.ports import Where
from rag_demo.llm.ports import LanguageModel
from rag_demo.llm_wiring import open_language_model
from rag_demo.settings import Settings
from rag_demo.types import Answer

Result = TypeVar("Result")
OnText = Callable[[str], None]
_log = logging.getLogger(__name__)


class Speaker:
    """The language model of this process, on an event loop in a thread of its own. Safe to use from several threads."""

    def __init__(self, settings: Settings, *, events: Events) -> None:
        """Open the model that the settings name.

        Raises:
            InputError: the settings cannot be used.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="rag-speaker", daemon=True)
        self._thread.start()
        self._model: LanguageModel | None = None
        try:
            opened = self._run(open_language_model(settings))
        except BaseException:
            self.close()
            raise
        self._model = opened.model
        if opened.model is None:
            _log.warning("No language model answers, so answers are put together out of the sources.")
        answer_tokens = settings.llm_num_predict
        self.writer = Writer(opened.model, answer_tokens=answer_tokens, events=events) if opened.model else None

    def ask(
        self,
        assistant: Assistant,
        question: str,
        *,
        where: Where,
        top_k: int,
        conversation: Conversation,
        on_text: OnText,
    ) -> Answer:
        """The answer; ``on_text`` is given its pieces as they come.

        Raises:
            InputError, LlmError: as `Assistant.stream`.
        """
        return self._run(_told(assistant, question, where, top_k, conversation, on_text))

    def close(self) -> None:
        """Close the model and end the thread. May be called twice."""
        if self._loop.is_closed():
            return
        if self._model is not None:
            self._run(self._model.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Result]) -> Result:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C: the model stops, too
            raise


async def _told(  # noqa: PLR0917  # what the caller has, handed on
    assistant: Assistant, question: str, where: Where, top_k: int, conversation: Conversation, on_text: OnText
) -> Answer:
    stream = assistant.stream(question, where=where, top_k=top_k, conversation=conversation)
    async with contextlib.aclosing(stream) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                on_text(event.text)
            elif isinstance(event, Done):
                return event.answer
    raise LlmInterrupted("The answer ended before it was complete. Ask again.")
