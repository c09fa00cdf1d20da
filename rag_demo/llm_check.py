"""``rag-demo llm``: which language model would answer, and what is wrong with the others."""

from __future__ import annotations

import asyncio

from rag_demo.console import say
from rag_demo.errors import LlmUnavailable
from rag_demo.llm.probe import Probe
from rag_demo.llm.types import ModelInfo
from rag_demo.llm_wiring import check_language_model
from rag_demo.settings import Settings


def check(settings: Settings) -> None:
    """Say what every server of the settings answers.

    Raises:
        LlmUnavailable: an LLM is wanted (``LLM_MODE`` names one) and none answers.
    """
    probes = asyncio.run(check_language_model(settings))
    for probe in probes:
        say("\n".join(_lines(probe)))
    chosen = next((probe for probe in probes if probe.error is None), None)
    if chosen is not None:
        say(f"LLM_MODE={settings.llm_mode}: {chosen.backend} at {chosen.base_url} answers.")
    elif settings.llm_mode in {"auto", "extractive"}:
        say(f"LLM_MODE={settings.llm_mode}: answers are extractive, without an LLM.")
    else:
        raise LlmUnavailable(f"LLM_MODE={settings.llm_mode}, but no LLM server answers; see above.")


def _lines(probe: Probe) -> list[str]:
    lines = [f"{probe.backend} at {probe.base_url}"]
    if probe.info is not None:
        lines += [f"  {line}" for line in _described(probe.info)]
    if probe.first_token_ms is not None:
        lines.append(f"  first token after {probe.first_token_ms:,.0f} ms")
    if probe.error is not None:
        lines.append(f"  no answer: {probe.error}")
    return lines


def _described(info: ModelInfo) -> list[str]:
    known = {
        "model": info.model,
        "version": info.version,
        "window": f"{info.context_tokens:,} tokens" if info.context_tokens else "",
        "thinks": {True: "yes", False: "no", None: ""}[info.thinks],
    }
    return [
        ", ".join(f"{name} {value}" for name, value in known.items() if value),
        *(f"warning: {warning}" for warning in info.warnings),
    ]
