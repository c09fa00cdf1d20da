"""Ollama through its own interface: only there a window can be asked for, and cutting a long prompt be forbidden."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any, cast

import ollama
import pydantic

from rag_demo.errors import ContextOverflow, LlmInterrupted, LlmRefused, LlmUnavailable
from rag_demo.llm.http import client_options, failure, translated
from rag_demo.llm.options import Answering, Server
from rag_demo.llm.received import count_of, mapping_of, text_of
from rag_demo.llm.tokens import TokenRatio, estimate_prompt, fewest_tokens
from rag_demo.llm.types import Done, Event, FinishReason, ModelInfo, Request, Started, TextDelta, ThinkingDelta, Usage

_CHAT = "/api/chat"
_GPT_OSS = "gptoss"  # the family that thinks always and takes only levels
_FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length"}
# From this version on the server obeys `shift` and `truncate`; older ones ignore them and cut without a word.
_REFUSES_OVERFLOW = (0, 12, 6)


@dataclasses.dataclass(frozen=True, slots=True)
class _Model:
    name: str
    family: str
    thinks: bool | None
    context_tokens: int
    version: str  # of the server

    @property
    def may_be_cut(self) -> bool:
        """Whether the server is one that cuts long prompts. What tells no number is a build of today."""
        numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", self.version)
        return numbers is not None and _REFUSES_OVERFLOW > tuple(map(int, numbers.groups())) > (0, 0, 0)


class OllamaBackend:
    """Speaks with an Ollama server. See `rag_demo.llm.ports.Backend`."""

    name = "ollama"

    def __init__(self, server: Server, answering: Answering) -> None:
        """Connect to nothing yet."""
        self.base_url = server.base_url
        self._server = server
        self._answering = answering
        self._opened: _Client | None = None
        self._known: _Model | None = None
        self._ratio = TokenRatio()

    async def stream(self, request: Request) -> AsyncGenerator[Event, None]:
        """See `Backend.stream`."""
        texts = [message.content for message in request.messages]
        with self._translated():
            model = self._known = self._known or await self._find_model()
            self._check_room(texts, model)
            started = False
            async with contextlib.aclosing(await self._ask(request, model)) as parts:
                async for part in parts:
                    if not started:
                        started = True
                        yield Started(self.name, model.name)
                    if thought := part.message.thinking:
                        yield ThinkingDelta(thought)
                    if text := part.message.content:
                        yield TextDelta(text)
                    if part.done:
                        self._check_whole(texts, part.prompt_eval_count or 0, model)
                        yield _told(part)
                        yield Done(self._finish(part.done_reason))
                        return
        raise LlmInterrupted(f"Ollama at {self.base_url} closed the stream before the answer's end.")

    async def describe(self) -> ModelInfo:
        """See `Backend.describe`."""
        with self._translated():
            model = await self._find_model()
            running = {shown.model: shown for shown in (await self._client.ps()).models}
        return ModelInfo(
            backend=self.name,
            base_url=self.base_url,
            model=model.name,
            version=model.version,
            context_tokens=model.context_tokens,
            thinks=model.thinks,
            warnings=tuple(self._warnings(model, running.get(model.name))),
        )

    async def count_tokens(self, text: str) -> int | None:
        """See `Backend.count_tokens`. Ollama has no route for it."""
        del text
        return None

    async def close(self) -> None:
        """See `Backend.close`."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]

    @property
    def _client(self) -> _Client:
        if self._opened is None:
            self._opened = _Client(self.base_url, **client_options(self._server))
        return self._opened

    async def _ask(self, request: Request, model: _Model) -> AsyncGenerator[ollama.ChatResponse, None]:
        default = self._answering
        options = {
            "num_ctx": model.context_tokens,
            "num_predict": request.max_tokens or default.num_predict,
            "temperature": default.temperature if request.temperature is None else request.temperature,
            "seed": request.seed,
            "stop": list(request.stop) or None,
        }
        parts = await self._client.chat(
            model=model.name,
            messages=[{"role": message.role, "content": message.content} for message in request.messages],
            stream=True,
            think=_think(request.think or default.think, model),
            options={name: value for name, value in options.items() if value is not None},
            keep_alive=_keep_alive(default.keep_alive),
        )
        return cast("AsyncGenerator[ollama.ChatResponse, None]", parts)

    async def _find_model(self) -> _Model:
        name = self._server.model or await self._any_model()
        shown = await self._client.show(name)
        longest = next((count_of(v) for k, v in (shown.modelinfo or {}).items() if k.endswith(".context_length")), None)
        return _Model(
            name=name,
            family=(shown.details.family if shown.details else None) or "",
            thinks=None if shown.capabilities is None else "thinking" in shown.capabilities,
            context_tokens=min(self._answering.num_ctx, longest or self._answering.num_ctx),
            version=await self._client.version(),
        )

    async def _any_model(self) -> str:
        """A model that is loaded already, else the first that can answer; some only embed."""
        loaded, there = await self._client.ps(), await self._client.list()
        names = [*(model.model for model in loaded.models), *(model.model for model in there.models)]
        for name in dict.fromkeys(filter(None, names)):
            if "completion" in ((await self._client.show(name)).capabilities or ["completion"]):
                return name
        raise LlmRefused(f"Ollama at {self.base_url} has no model that answers. Run `ollama pull MODEL`.")

    def _check_room(self, texts: Sequence[str], model: _Model) -> None:
        """Refuse what cannot fit; what might not fit the server refuses itself, as it is told not to cut."""
        if (fewest := fewest_tokens(texts)) > model.context_tokens:
            raise ContextOverflow(
                f"The prompt has at least {fewest:,} tokens, the window of {model.name} {model.context_tokens:,}. "
                "Ask for fewer or shorter sources, or raise LLM_NUM_CTX."
            )

    def _check_whole(self, texts: Sequence[str], counted: int, model: _Model) -> None:
        """Notice that the server has cut the prompt.

        Newer ones are not suspected: some of their versions count only the tokens that were not cached.
        """
        if not model.may_be_cut:
            return
        estimated = estimate_prompt(texts)
        if counted and self._ratio.was_cut(estimated=estimated, counted=counted, fewest=fewest_tokens(texts)):
            raise ContextOverflow(
                f"Ollama at {self.base_url} read only {counted:,} tokens of a prompt of about "
                f"{self._ratio.corrected(estimated):,}: it cut the prompt, and the answer is not to be trusted. "
                "Update Ollama, raise LLM_NUM_CTX, or ask for fewer sources."
            )
        if estimated < model.context_tokens // 2:
            self._ratio.learn(estimated, counted)

    def _warnings(self, model: _Model, running: Any) -> Iterator[str]:
        wanted = self._answering.num_ctx
        if model.may_be_cut:
            oldest = ".".join(map(str, _REFUSES_OVERFLOW))
            yield f"Ollama {model.version} cuts long prompts without a word. Update it: {oldest} or later refuses them."
        if model.context_tokens < wanted:
            yield f"LLM_NUM_CTX={wanted:,}, but {model.name} was made for {model.context_tokens:,} tokens."
        if running is None:
            return
        if running.context_length and running.context_length != model.context_tokens:
            yield f"It is loaded with a window of {running.context_length:,} tokens; the first question loads it anew."
        if running.size and running.size_vram is not None and running.size_vram < running.size:
            share = 100 * running.size_vram // running.size
            yield f"Only {share} % of it are in the memory of the GPU; the CPU computes the rest, slowly."

    def _finish(self, reason: str | None) -> FinishReason:
        if not reason:  # Ollama's word for a runner that went away
            raise LlmInterrupted(f"Ollama at {self.base_url} ended the answer without a reason.")
        return _FINISH.get(reason, "other")

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the client library raises into an `LlmError`; refusals before the stream are ours already."""
        try:
            with translated(self._server):
                yield
        except ollama.ResponseError as error:
            # An error within a stream has no status. It is the server's own failure.
            raise failure(self._server, error.status_code if error.status_code > 0 else 500, error.error) from error
        except ConnectionError as error:
            raise LlmUnavailable(f"Ollama at {self.base_url} is not reached. Is it running?") from error
        except (ollama.RequestError, pydantic.ValidationError, ValueError) as error:
            # Only the kind: what such an error quotes may be of the prompt or the answer.
            raise LlmInterrupted(
                f"Ollama at {self.base_url} sent something that is not understood ({type(error).__name__})."
            ) from error


class _Client(ollama.AsyncClient):
    """The client with two fields and a route that the server knows and the library does not."""

    async def version(self) -> str:
        response = await self._request_raw("GET", "/api/version")  # type: ignore[no-untyped-call]
        return text_of(mapping_of(response.json()).get("version"))

    async def _request(self, cls: Any, *args: Any, **kwargs: Any) -> Any:
        if _CHAT in args:
            # Both always, and always the same: another value makes the server load the model anew.
            kwargs["json"] = {**kwargs["json"], "shift": False, "truncate": False}
        return await super()._request(cls, *args, **kwargs)


def _think(wanted: str, model: _Model) -> bool | str:
    """Never left out: a server that is not told switches thinking on."""
    if model.family == _GPT_OSS:
        return {"off": "low", "on": "medium"}.get(wanted, wanted)
    if model.thinks is False:
        return False  # anything else is refused
    return {"off": False, "on": True}.get(wanted, wanted)


def _keep_alive(text: str) -> str | float:
    """Seconds have to be a number: as text the server wants a unit."""
    try:
        return float(text)
    except ValueError:
        return text


def _told(part: ollama.ChatResponse) -> Usage:
    decode_ns = part.eval_duration or 0
    return Usage(
        prompt_tokens=count_of(part.prompt_eval_count),
        completion_tokens=count_of(part.eval_count),
        load_ms=_ms(part.load_duration),
        prefill_ms=_ms(part.prompt_eval_duration),
        decode_ms=_ms(part.eval_duration),
        tokens_per_s=(part.eval_count or 0) / (decode_ns / 1e9) if decode_ns else None,
    )


def _ms(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / 1e6
