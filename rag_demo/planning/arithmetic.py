"""The formulas. Pure functions of bytes, tokens and seconds; each names where it comes from."""

from __future__ import annotations

import math

from rag_demo.chat.context import CHUNK_TOKENS, MOST_SOURCES
from rag_demo.planning.types import Demand, Gpu, Latency, Llm

# Tokens of a prompt besides the sources, counted generously for Russian text.
RULES_TOKENS = 400
QUESTION_TOKENS = 200
FENCE_TOKENS = 60  # around each source, see `rag_demo.chat.context`
MARGIN_TOKENS = 64  # see `rag_demo.chat.generate`
# What of the data sheet an engine reaches. Reading weights gets about 65 % of the bandwidth, prefill 40 % of the matrix
# products. A layer costs some time however small it is (launches, synchronisation), more if it chooses among experts,
# which bounds small mixtures of experts on fast cards. Assumptions: with them gpt-oss-20b makes 220 tokens/s on an
# RTX 5090, where users report 221 and 245 (ollama issues 11688 and 13112); expect a factor of 1.5 either way.
BANDWIDTH_SHARE = 0.65
FLOPS_SHARE = 0.4
_LAYER_S, _EXPERTS_LAYER_S = 3e-5, 1e-4
BYTES_16_BIT, BYTES_Q8_0 = 2.0, 1.0625  # q8_0: 34 bytes for 32 values (llama.cpp)
_PAUSE_S = 60.0  # between an answer and the next question of the same person
_ANSWER_S = 25.0


def prompt_tokens(demand: Demand) -> int:
    """Tokens before the answer: rules, question, one earlier turn, sources with their fences."""
    earlier = QUESTION_TOKENS + demand.answer_tokens
    sources = min(demand.sources, MOST_SOURCES) * (CHUNK_TOKENS + FENCE_TOKENS)
    return RULES_TOKENS + QUESTION_TOKENS + earlier + sources


def needed_window(demand: Demand) -> int:
    """Tokens that prompt, answer and margin take together. A smaller window would cut sources or the answer."""
    return prompt_tokens(demand) + demand.answer_tokens + MARGIN_TOKENS


def window_for(demand: Demand) -> int:
    """The next power of two that holds it, at least 8,192."""
    return max(8_192, 1 << (needed_window(demand) - 1).bit_length())


def concurrent_answers(users: int) -> int:
    """Answers at once: users × time of an answer / time of a whole round (interactive response time law).

    P. J. Denning, J. P. Buzen, "The operational analysis of queueing network models" (1978). A round is an answer of
    25 s, the slowest of the tiers, and a pause of 60 s.
    """
    return max(1, math.ceil(users * _ANSWER_S / (_ANSWER_S + _PAUSE_S)))


def kv_bytes_per_token(llm: Llm) -> float:
    """Keys and values: 2 × layers × heads of keys × size of a head × bytes of a number.

    An upper bound for models that look back only a little in some layers (gpt-oss). Ollama keeps q8_0, as the compose
    file sets it, vLLM 16 bits.
    """
    number = BYTES_Q8_0 if llm.engine == "ollama" else BYTES_16_BIT
    return 2 * llm.layers * llm.kv_heads * llm.head_size * number


def kv_tokens(llm: Llm, *, window: int, concurrency: int, needed: int) -> int:
    """Tokens that the cache of keys and values holds.

    Ollama allocates the window for each parallel answer; vLLM shares pages, so it needs the answers as long as they
    are, but at least one window.
    """
    return window * concurrency if llm.engine == "ollama" else max(window, needed * concurrency)


def overhead_bytes(gpus: int) -> float:
    """CUDA context, graphs and activations: about 1.2 GB on each card (an assumption from the logs of both engines)."""
    return 1.2e9 * gpus


def usable_bytes(gpus: tuple[Gpu, ...]) -> float:
    """92 % of the memory: vLLM's default of ``--gpu-memory-utilization``; Ollama leaves about as much."""
    return 0.92 * sum(gpu.memory_bytes for gpu in gpus)


def latency(llm: Llm, gpus: tuple[Gpu, ...], demand: Demand, *, at_once: int) -> Latency:
    """Expected seconds of one answer while ``at_once`` are generated.

    Prefill computes: 2 × active parameters × tokens / FLOP/s (J. Kaplan et al., "Scaling laws for neural language
    models", 2020); a prompt waits on average for half of the others. Decoding reads: every token needs the active
    weights once, shared by all answers, and the keys and values of its own answer; a mixture of experts touches more
    of its weights the more answers there are, at most all.
    """
    bandwidth = BANDWIDTH_SHARE * sum(gpu.bandwidth_bytes_per_s for gpu in gpus)
    flops = FLOPS_SHARE * sum(gpu.flops_per_s for gpu in gpus)
    prompt = prompt_tokens(demand)
    prefill_s = 2 * llm.active_parameters * prompt / flops * (1 + (at_once - 1) / 2)
    step_s = step_bytes(llm, demand, at_once=at_once) / bandwidth + llm.layers * layer_s(llm)
    return Latency(prefill_s, demand.answer_tokens * step_s, 1 / step_s)


def layer_s(llm: Llm) -> float:
    """Seconds that a layer takes however little it computes."""
    return _EXPERTS_LAYER_S if llm.active_parameters < llm.parameters else _LAYER_S


def step_bytes(llm: Llm, demand: Demand, *, at_once: int) -> float:
    """Bytes that are read for one token of each of ``at_once`` answers."""
    active = active_bytes(llm)
    weights = min(llm.weights_bytes, active * at_once)
    return weights + at_once * kv_bytes_per_token(llm) * (prompt_tokens(demand) + demand.answer_tokens / 2)


def active_bytes(llm: Llm) -> float:
    """Bytes of the weights that one token goes through."""
    return llm.weights_bytes * llm.active_parameters / llm.parameters


def qdrant_bytes(vectors: int, dimension: int, *, edges: int = 16) -> tuple[float, float]:
    """Least and most memory of vectors in float32 with their HNSW graph.

    Least: the numbers and 2 × m links of 4 bytes in the lowest layer (Malkov, Yashunin 2018). Most: the numbers × 1.5,
    as Qdrant's capacity planning counts. 100,000 vectors of 384 dimensions: 166 to 230 MB.
    """
    numbers = vectors * dimension * 4.0
    return numbers + vectors * edges * 2 * 4.0, 1.5 * numbers
