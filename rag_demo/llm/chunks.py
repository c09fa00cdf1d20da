"""Reads the chunks of an OpenAI-compatible chat stream, whichever server wrote them. Pure: text in, events out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rag_demo.errors import LlmInterrupted
from rag_demo.llm.http import failure, message_of
from rag_demo.llm.options import Server
from rag_demo.llm.received import count_of, mapping_of, quantity_of
from rag_demo.llm.thinking import ThinkingSplitter
from rag_demo.llm.types import Done, Event, FinishReason, Started, ThinkingDelta, Usage

_END = "[DONE]"
_FINISH: dict[str, FinishReason] = {
    "stop": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
}
# vLLM's words for an answer that it gave up, as when it is shut down: no error is sent, and the stream ends in order.
_GIVEN_UP = {"abort", "error"}


class ChunkReader:
    """Turns the data of one stream into events, in the order of arrival."""

    def __init__(self, *, backend: str, model: str, server: Server) -> None:
        self._started = Started(backend, model)
        self._server = server
        self._splitter = ThinkingSplitter()
        self._is_started = False
        self._finish: str | None = None
        self._usage: Mapping[str, Any] = {}
        self._metrics: Mapping[str, Any] = {}
        self.ended = False  # the server said that nothing follows

    def read(self, data: str) -> Iterator[Event]:
        """The events of one ``data:`` field.

        Raises:
            LlmError: it reports a failure, or is no chunk.
        """
        if data.strip() == _END:
            self.ended = True
            return
        try:
            chunk = json.loads(data)
        except (ValueError, RecursionError):
            raise LlmInterrupted(f"The LLM server {self._server.base_url} sent a chunk that is not JSON.") from None
        if not isinstance(chunk, Mapping):
            raise LlmInterrupted(f"The LLM server {self._server.base_url} sent a chunk that is no object.")
        if chunk.get("error"):
            raise failure(self._server, _status(chunk["error"]), message_of(chunk))
        self._usage = mapping_of(chunk.get("usage")) or self._usage
        self._metrics = mapping_of(chunk.get("metrics")) or self._metrics
        try:
            for choice in chunk.get("choices") or ():
                if not choice.get("index"):  # one answer is asked for; a second one would be mixed into it
                    yield from self._choice(choice)
        except (AttributeError, TypeError):
            raise LlmInterrupted(f"The LLM server {self._server.base_url} sent a chunk of an unknown form.") from None

    def end(self) -> Iterator[Event]:
        """The last events.

        Raises:
            LlmInterrupted: the stream ended before the answer did.
        """
        if not self.ended and self._finish is None:
            raise LlmInterrupted(f"The LLM server {self._server.base_url} closed the stream before the answer's end.")
        if self._finish in _GIVEN_UP:
            raise LlmInterrupted(f"The LLM server {self._server.base_url} gave the answer up ({self._finish}).")
        yield from self._splitter.end()
        yield self._told()
        yield Done(_FINISH.get(self._finish or "stop", "other"))

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Event]:
        if not self._is_started:
            self._is_started = True
            yield self._started
        delta = choice.get("delta") or {}
        # vLLM renamed the field; older servers and llama.cpp use the second name.
        if thought := delta.get("reasoning") or delta.get("reasoning_content"):
            yield ThinkingDelta(_words(thought))
        if text := delta.get("content"):
            yield from self._splitter.split(_words(text))
        if reason := choice.get("finish_reason"):
            self._finish = str(reason)

    def _told(self) -> Usage:
        completion_tokens = count_of(self._usage.get("completion_tokens"))
        decode_ms = quantity_of(self._metrics.get("generation_time_ms"))
        # The first token came with the prefill. vLLM's own tokens_per_second counts the prefill in.
        decoded = (completion_tokens or 1) - 1
        return Usage(
            prompt_tokens=count_of(self._usage.get("prompt_tokens")),
            completion_tokens=completion_tokens,
            cached_tokens=count_of(mapping_of(self._usage.get("prompt_tokens_details")).get("cached_tokens")),
            # vLLM with --enable-per-request-metrics; it counts the first token from scheduling on, queue left out.
            queue_ms=quantity_of(self._metrics.get("queue_time_ms")),
            prefill_ms=quantity_of(self._metrics.get("time_to_first_token_ms")),
            decode_ms=decode_ms,
            tokens_per_s=decoded / decode_ms * 1e3 if decode_ms and decoded > 0 else None,
        )


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _status(error: Any) -> int:
    """The HTTP status within an error of a stream; 500 where it has none."""
    if isinstance(error, Mapping):
        for name in ("code", "http_status_code"):
            if isinstance(status := error.get(name), int) and 400 <= status < 600:
                return status
    return 500
