"""Data sheets of cards and language models. Figures only; what follows from them is in `arithmetic`.

Cards: memory bandwidth and dense 16-bit tensor throughput as NVIDIA's data sheets give them; of a card that is sold
in several forms the slower one, unless its name tells.
Models: number of layers, heads and parameters of ``config.json`` and model cards at Hugging Face, sizes of the weight
files there (AWQ, MXFP4) and in Ollama's library (Q4_K_M, MXFP4). OpenAI, "gpt-oss-120b & gpt-oss-20b model card"
(2025): 116.8 and 20.9 billion parameters, 5.1 and 3.6 billion active, checkpoints of 60.8 and 12.8 GiB.
Which size belongs to which card: the tiers of the compose file. Their times for 512 tokens of an answer bound
the choice: 25 s for about 20 billion parameters, 14 s for 34, 20 s for 70, 25 s for 120.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_demo.planning.types import GB, Gpu, Llm

_GIB = 2**30
# Of a card without a data sheet here: no server card of the last years is slower.
_ASSUMED_BANDWIDTH = 300e9
_ASSUMED_FLOPS_PER_BYTE = 100


@dataclass(frozen=True, slots=True)
class Sheet:
    """A card: the words that its name has, GB of memory, GB/s, TFLOP/s."""

    words: frozenset[str]
    memory_gb: float
    bandwidth_gb_per_s: float
    tflops: float


def _sheet(words: str, memory_gb: float, bandwidth_gb_per_s: float, tflops: float) -> Sheet:
    return Sheet(frozenset(words.split()), memory_gb, bandwidth_gb_per_s, tflops)


SHEETS = (
    _sheet("t4", 16, 320, 65),
    _sheet("v100", 16, 900, 125),
    _sheet("a10", 24, 600, 125),
    _sheet("a10g", 24, 600, 70),
    _sheet("a30", 24, 933, 165),
    _sheet("a40", 48, 696, 150),
    _sheet("a100", 40, 1555, 312),
    _sheet("a100 80gb", 80, 1935, 312),
    _sheet("l4", 24, 300, 121),
    _sheet("l40", 48, 864, 181),
    _sheet("l40s", 48, 864, 362),
    _sheet("h100", 80, 2000, 756),
    _sheet("h100 hbm3", 80, 3350, 989),
    _sheet("h100 sxm", 80, 3350, 989),
    _sheet("h100 nvl", 94, 3900, 835),
    _sheet("h200", 141, 4800, 989),
    _sheet("b200", 180, 8000, 2250),
    _sheet("rtx 3060", 12, 360, 51),
    _sheet("rtx 3090", 24, 936, 71),
    _sheet("rtx 4090", 24, 1008, 165),
    _sheet("rtx 5090", 32, 1792, 209),
    _sheet("rtx a6000", 48, 768, 155),
    _sheet("rtx 6000 ada", 48, 960, 364),
)


def gpu(name: str) -> Gpu | None:
    """A card as people call it ("A100-80"), with the memory of its data sheet; None if there is none here."""
    sheet = _sheet_of(_words(name))
    return None if sheet is None else _as_sold(name, sheet, round(sheet.memory_gb * GB))


def measured_gpu(name: str, memory_bytes: int, *, bandwidth_bytes_per_s: float | None = None) -> Gpu:
    """A card whose memory is known, with the speed of its data sheet.

    Args:
        name: as NVML tells it ("NVIDIA A100-SXM4-80GB").
        memory_bytes: of the card.
        bandwidth_bytes_per_s: as measured, for a card without a data sheet; None: assumed, on the low side.
    """
    sheet = _sheet_of(_words(name) | ({"80gb"} if memory_bytes > 60 * GB else set()))
    if sheet is not None:
        return _as_sold(name, sheet, memory_bytes)
    bandwidth = bandwidth_bytes_per_s or _ASSUMED_BANDWIDTH
    return Gpu(name, memory_bytes, bandwidth, bandwidth * _ASSUMED_FLOPS_PER_BYTE, known=False)


def _words(name: str) -> set[str]:
    words = set(re.split(r"[\s_-]+", name.lower()))
    return words | {f"{word}gb" for word in words if word.isdigit()}


def _sheet_of(words: set[str]) -> Sheet | None:
    fitting = [sheet for sheet in SHEETS if sheet.words <= words]
    return max(fitting, key=lambda sheet: (len(sheet.words), sheet.memory_gb), default=None)


def _as_sold(name: str, sheet: Sheet, memory_bytes: int) -> Gpu:
    return Gpu(name, memory_bytes, sheet.bandwidth_gb_per_s * 1e9, sheet.tflops * 1e12)


# fmt: off
# Smallest first. The choice is the last one that fits, so the order is that of the parameters.
MODELS = (
    Llm("qwen2.5:3b", "ollama", "tier-a", "Q4_K_M", 3.09e9, 3.09e9, 1.9e9, 36, 2, 128, 16, 32_768, 4 * GB, 25),
    Llm("qwen2.5:7b", "ollama", "tier-a", "Q4_K_M", 7.6e9, 7.6e9, 4.7e9, 28, 4, 128, 28, 32_768, 8 * GB, 25),
    Llm("qwen2.5:14b", "ollama", "tier-a", "Q4_K_M", 14.8e9, 14.8e9, 9.0e9, 48, 8, 128, 40, 32_768, 12 * GB, 25),
    Llm("gpt-oss:20b", "ollama", "tier-a", "MXFP4", 20.9e9, 3.6e9, 12.8 * _GIB, 24, 8, 64, 64, 131_072, 16 * GB, 25),
    Llm(
        "openai/gpt-oss-20b", "vllm", "tier-b", "MXFP4",
        20.9e9, 3.6e9, 12.8 * _GIB, 24, 8, 64, 64, 131_072, 32 * GB, 25,
    ),
    Llm(
        "Qwen/Qwen2.5-32B-Instruct-AWQ", "vllm", "tier-b", "AWQ 4 bit",
        32.5e9, 32.5e9, 19.4e9, 64, 8, 128, 40, 32_768, 38 * GB, 14,
    ),
    Llm(
        "Qwen/Qwen2.5-72B-Instruct-AWQ", "vllm", "tier-c", "AWQ 4 bit",
        72.7e9, 72.7e9, 41.6e9, 80, 8, 128, 64, 32_768, 72 * GB, 20,
    ),
    Llm(
        "openai/gpt-oss-120b", "vllm", "tier-d", "MXFP4",
        116.8e9, 5.1e9, 60.8 * _GIB, 36, 8, 64, 64, 131_072, 120 * GB, 25,
    ),
)
# fmt: on
