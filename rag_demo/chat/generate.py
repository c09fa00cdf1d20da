"""An answer by a language model: sources packed into its window, its words passed on, its claims checked."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass

from rag_demo.chat.clean import Cleaner, most_letters
from rag_demo.chat.context import Candidate, Packed, pack, texts_to_count
from rag_demo.chat.prompts import build
from rag_demo.chat.session import Conversation
from rag_demo.chat.stream import TextDelta, ThinkingDelta
from rag_demo.chat.suspicious import suspicious_lines
from rag_demo.errors import EmptyAnswer
from rag_demo.events import ContextPacked, Events, GenerationFinished
from rag_demo.llm import types as llm
from rag_demo.llm.ports import LanguageModel, Place
from rag_demo.types import Source

USUAL_WINDOW_TOKENS = 4_096  # where the server does not tell; the smallest that servers allocate by themselves
_MARGIN_TOKENS = 64  # role marks and the like, which a count of texts does not see
_LEAST_FOR_SOURCES_TOKENS = 1_200
_DESCRIBED_FOR_S = 60.0


@dataclass(slots=True)
class Generated:
    """What has come so far. ``failure`` is set where the answer did not come to its end."""

    text: str = ""
    backend: str = ""  # who answers, which after a failover is another one than was asked
    model: str = ""
    finish_reason: str = ""
    failure: Exception | None = None
    packed: tuple[Packed, ...] = ()


class Writer:
    """Has a language model answer from sources. Belongs to one event loop, as the model does."""

    def __init__(
        self,
        model: LanguageModel,
        *,
        answer_tokens: int,
        events: Events,
        new_fence: Callable[[], str] = lambda: secrets.token_hex(6),
    ) -> None:
        """Take the model.

        Args:
            model: stays open; whoever made it closes it.
            answer_tokens: room in the window that is kept for the answer.
            events: hears of contexts and generations.
            new_fence: a word that no source can know, new for each request.
        """
        self._model = model
        self._answer_tokens = answer_tokens
        self._events = events
        self._new_fence = new_fence
        self._info: tuple[float, llm.ModelInfo] | None = None

    async def describe(self) -> llm.ModelInfo:
        """What answers now; asked at most once a minute.

        Raises:
            LlmError: no server answers.
        """
        now = time.monotonic()
        if self._info is None or now - self._info[0] > _DESCRIBED_FOR_S:
            self._info = (now, await self._model.describe())
        return self._info[1]

    async def prepare(
        self,
        question: str,
        sources: Sequence[Source],
        weights: Mapping[str, float],
        conversation: Conversation,
        *,
        salt: str = "",
    ) -> tuple[llm.Request, tuple[Packed, ...]]:
        """The request with as much of the sources as the window holds.

        Args:
            question: as asked.
            sources: best first.
            weights: of the question's terms.
            conversation: what was said before; its oldest turns give way where sources would have no room.
            salt: prompts of different salts share no cache in the server.

        Raises:
            LlmError: no server answers.
        """
        info = await self.describe()
        fence = self._new_fence()
        empty = build(question, (), conversation, fence=fence)
        cut = texts_to_count(sources)
        texts = [message.content for message in empty] + [piece.text for _, pieces in cut for piece in pieces]
        counts = await self._model.count_tokens(texts)
        fixed, rest = counts[: len(empty)], iter(counts[len(empty) :])
        window = (info.context_tokens or USUAL_WINDOW_TOKENS) - self._answer_tokens - _MARGIN_TOKENS
        turns = conversation.turns
        while turns and window - sum(fixed) < _LEAST_FOR_SOURCES_TOKENS:
            turns, fixed = turns[1:], [fixed[0], *fixed[3:]]  # a turn is two messages behind the rules
        # Line feeds between the pieces are tokens, too.
        candidates = [Candidate(source, pieces, tuple(next(rest) + 1 for _ in pieces)) for source, pieces in cut]
        packed = pack(candidates, weights, budget_tokens=max(window - sum(fixed), 0))
        self._tell_context(packed, sum(fixed))
        messages = build(question, packed, Conversation(turns), fence=fence)
        return llm.Request(messages, cache_salt=salt), packed

    async def write(
        self, request: llm.Request, generated: Generated, place: Place | None = None
    ) -> AsyncGenerator[TextDelta | ThinkingDelta, None]:
        """Pass on what the model says, and collect it in ``generated``. Failures are left there, never raised.

        A server that does not keep to the length of an answer is stopped: checking a text without end would hold up
        everybody else.
        """
        usage = llm.Usage()
        text, thoughts = Cleaner(), Cleaner()
        async with contextlib.aclosing(self._model.stream(request, place)) as events:
            async for event in events:
                if isinstance(event, llm.Started):
                    generated.backend, generated.model = event.backend, event.model
                elif isinstance(event, llm.TextDelta) and (piece := text.clean(event.text)):
                    generated.text += piece
                    yield TextDelta(piece)
                elif isinstance(event, llm.ThinkingDelta) and (piece := thoughts.clean(event.text)):
                    yield ThinkingDelta(piece)
                elif isinstance(event, llm.Usage):
                    usage = event
                elif isinstance(event, llm.Failed):
                    generated.failure = event.error
                elif isinstance(event, llm.Done):
                    generated.finish_reason = event.finish_reason
                if text.letters + thoughts.letters > most_letters(self._answer_tokens):
                    generated.finish_reason = "length"
                    break
        if generated.finish_reason == "length" and not generated.text.strip():
            generated.failure = EmptyAnswer("The model said more than it may before its first word of answer.")
        self._tell_generation(usage, generated)

    def _tell_context(self, packed: Sequence[Packed], fixed_tokens: int) -> None:
        if self._events:
            self._events.emit(
                ContextPacked(
                    sources=len(packed),
                    compressed=sum(source.compressed for source in packed),
                    context_tokens=fixed_tokens + sum(source.tokens for source in packed),
                    suspicious_lines=sum(len(suspicious_lines(source.text)) for source in packed),
                )
            )

    def _tell_generation(self, usage: llm.Usage, generated: Generated) -> None:
        if self._events:
            self._events.emit(
                GenerationFinished(
                    backend=generated.backend,
                    first_token_ms=usage.first_token_ms,
                    slot_ms=usage.slot_ms,
                    queue_ms=usage.queue_ms,
                    load_ms=usage.load_ms,
                    prefill_ms=usage.prefill_ms,
                    decode_ms=usage.decode_ms,
                    prompt_tokens=usage.prompt_tokens,
                    cached_tokens=usage.cached_tokens,
                    completion_tokens=usage.completion_tokens,
                    tokens_per_s=usage.tokens_per_s,
                    finish_reason="failed" if generated.failure else generated.finish_reason,
                    timings=usage.origin,
                    retries=usage.retries,
                )
            )
