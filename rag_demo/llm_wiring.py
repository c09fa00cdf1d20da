"""Where the back ends of the language model are chosen and put together. Nothing else names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from rag_demo.errors import InputError
from rag_demo.events import Events
from rag_demo.llm.options import Answering, Limits, Server, server_root
from rag_demo.llm.ports import Backend, LanguageModel
from rag_demo.llm.probe import Probe, first_that_answers, probe
from rag_demo.llm.types import Think
from rag_demo.settings import Settings

_USUAL_URL = {
    "ollama": "http://127.0.0.1:11434",
    # vLLM last: what it is asked for, the others answer as well.
    "tgi": "http://127.0.0.1:3000",
    "vllm": "http://127.0.0.1:8000",
}
_PROBE_S = 60.0  # a model may have to be loaded for the first token


@dataclass(frozen=True, slots=True)
class Opened:
    """The language model, None for extractive answers; and what was tried to find it (``LLM_MODE=auto``)."""

    model: LanguageModel | None
    probes: tuple[Probe, ...] = ()


async def open_language_model(settings: Settings, *, events: Events | None = None) -> Opened:
    """The language model of the settings. Only ``LLM_MODE=auto`` asks servers; close the model when done.

    ``events`` hear of servers that fail.

    Raises:
        InputError: ``LLM_BASE_URL`` or ``LLM_FALLBACK`` cannot be used.
    """
    if settings.llm_mode == "extractive":
        return Opened(None)
    chain = _candidates(settings)
    probes: list[Probe] = []
    if settings.llm_mode == "auto":
        chosen, probes = await first_that_answers(chain, timeout_s=min(_PROBE_S, settings.llm_timeout_s))
        for backend in chain:
            if backend is not chosen:
                await backend.close()
        if chosen is None:
            return Opened(None, tuple(probes))
        chain = [chosen]
    return Opened(_gateway([*chain, *_fallbacks(settings)], settings, events), tuple(probes))


async def check_language_model(settings: Settings) -> list[Probe]:
    """Ask every server of the settings for a token, the fallbacks too; with ``auto`` up to the first that answers.

    Raises:
        InputError: as `open_language_model`.
    """
    if settings.llm_mode == "extractive":
        return []
    chain, others = _candidates(settings), _fallbacks(settings)
    timeout_s = min(_PROBE_S, settings.llm_timeout_s)
    try:
        _, probes = await first_that_answers(chain, timeout_s=timeout_s)
        return [*probes, *[await probe(backend, timeout_s=timeout_s) for backend in others]]
    finally:
        for backend in (*chain, *others):
            await backend.close()


def _candidates(settings: Settings) -> list[Backend]:
    """The back ends that the settings allow as the first one, in the order of preference."""
    modes = list(_USUAL_URL) if settings.llm_mode == "auto" else [settings.llm_mode]
    return [
        _backend(
            mode,
            url=settings.llm_base_url or _USUAL_URL[mode],
            model=settings.llm_model,
            api_key=settings.llm_api_key,
            settings=settings,
        )
        for mode in modes
    ]


def _fallbacks(settings: Settings) -> list[Backend]:
    chain = []
    for told in filter(None, (text.strip() for text in settings.llm_fallback.split(","))):
        mode, *rest = told.split()
        if mode not in _USUAL_URL or len(rest) not in {1, 2}:
            raise InputError(
                f"LLM_FALLBACK={told!r} is not MODE URL [MODEL] with one of the modes {', '.join(_USUAL_URL)}."
            )
        model = rest[1] if len(rest) > 1 else ""
        key = settings.llm_fallback_api_key
        url = server_root(rest[0], option="LLM_FALLBACK")
        chain.append(_backend(mode, url=url, model=model, api_key=key, settings=settings))
    return chain


def _backend(mode: str, *, url: str, model: str, api_key: str, settings: Settings) -> Backend:
    server = Server(server_root(url), model, api_key)
    answering = Answering(
        num_predict=settings.llm_num_predict,
        temperature=settings.llm_temperature,
        think=cast("Think", settings.llm_think),
        num_ctx=settings.llm_num_ctx,
        keep_alive=settings.llm_keep_alive,
    )
    if mode == "ollama":
        from rag_demo.llm.ollama import OllamaBackend

        return OllamaBackend(server, answering)
    if mode == "tgi":
        from rag_demo.llm.tgi import TgiBackend

        return TgiBackend(server, answering)
    from rag_demo.llm.vllm import VllmBackend

    return VllmBackend(server, answering)


def _gateway(chain: Sequence[Backend], settings: Settings, events: Events | None) -> LanguageModel:
    from hybrid_embeddings.resilience.breaker import Breaker
    from rag_demo.llm.gateway import Gateway, Link

    limits = Limits(
        total_s=settings.llm_timeout_s,
        first_token_s=settings.llm_first_token_timeout_s,
        idle_s=settings.llm_idle_timeout_s,
        attempts=settings.llm_attempts,
        concurrency=settings.llm_max_concurrency,
        queue=settings.llm_max_queue,
    )
    threshold, timeout_s = settings.llm_breaker_threshold, settings.llm_breaker_timeout_s
    links = [Link(backend, Breaker(threshold=threshold, timeout_s=timeout_s)) for backend in chain]
    return Gateway(links, limits=limits, events=events)
