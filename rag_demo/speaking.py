"""Answers with a language model for callers that do not wait on an event loop: the command line and its owner."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from rag_demo.chat.answer import Assistant
from rag_demo.chat.generate import Writer
from rag_demo.chat.session import Conversation
from rag_demo.chat.stream import ChatEvent, Done, TextDelta
from rag_demo.errors import LlmInterrupted, LlmUnavailable
from rag_demo.events import Events
from rag_demo.index.ports import Where
from rag_demo.llm.ports import LanguageModel
from rag_demo.llm.types import ModelInfo
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
            opened = self._run(open_language_model(settings, events=events))
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

    async def stream(
        self, assistant: Assistant, question: str, *, where: Where, top_k: int, conversation: Conversation
    ) -> AsyncGenerator[ChatEvent, None]:
        """The answer as it is made, for another event loop; iterate inside ``contextlib.aclosing``.

        Raises:
            InputError, LlmError: as `Assistant.stream`. `LlmOverloaded` comes before the first event.
        """
        here = asyncio.get_running_loop()
        come: asyncio.Queue[ChatEvent | BaseException | None] = asyncio.Queue()

        def send(item: ChatEvent | BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the other loop is closed: nobody listens
                here.call_soon_threadsafe(come.put_nowait, item)

        async def run() -> None:
            try:
                with contextlib.ExitStack() as claimed:
                    place = claimed.enter_context(self._model.reserve()) if self._model is not None else None
                    asked = assistant.stream(question, where=where, top_k=top_k, conversation=conversation, place=place)
                    async with contextlib.aclosing(asked) as events:
                        async for event in events:
                            send(event)
                send(None)
            except Exception as error:  # noqa: BLE001 - it is raised on the other loop
                send(error)

        running = asyncio.run_coroutine_threadsafe(run(), self._loop)
        try:
            while (item := await come.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            running.cancel()

    def describe(self) -> ModelInfo:
        """What answers now.

        Raises:
            LlmError: nothing does.
        """
        if self._model is None:
            raise LlmUnavailable("No language model answers. Check LLM_MODE and LLM_BASE_URL.")
        return self._run(self._model.describe())

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
