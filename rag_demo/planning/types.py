"""What planning is told and what it finds out. Plain data; bytes, seconds, tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Engine = Literal["extractive", "ollama", "vllm"]
Profile = Literal["cpu", "tier-a", "tier-b", "tier-c", "tier-d"]
GB = 1_000_000_000
"""Data sheets and sellers count like this; memory of NVML is in bytes anyway."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One card. ``known`` is False where speed is assumed, because no data sheet of it is at hand."""

    name: str
    memory_bytes: int
    bandwidth_bytes_per_s: float
    flops_per_s: float  # 16-bit matrix products, dense
    known: bool = True


@dataclass(frozen=True, slots=True)
class Machine:
    """What there is. ``disk_bytes`` is what is free."""

    gpus: tuple[Gpu, ...]
    ram_bytes: int
    disk_bytes: int
    cores: int
    cpu_features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """What is wanted of it."""

    documents: int
    users: int = 5
    answer_tokens: int = 512
    sources: int = 5
    dimension: int = 256  # of the model that is trained on the configuration


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user insists on; None leaves it to the arithmetic."""

    model: str | None = None
    window_tokens: int | None = None
    concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Llm:
    """A language model as one engine runs it; the figures come from its configuration file and its file sizes."""

    name: str
    engine: Engine
    profile: Profile
    quantisation: str
    parameters: float
    active_parameters: float  # that one token goes through; fewer than all in a mixture of experts
    weights_bytes: float
    layers: int
    kv_heads: int
    head_size: int
    attention_heads: int  # cards that share a model divide them
    longest_window_tokens: int
    least_memory_bytes: float  # of all cards together, from which on it is the choice
    longest_decode_s: float  # of 512 tokens; where it is slower a smaller one is the choice


@dataclass(frozen=True, slots=True)
class Latency:
    """Expected seconds of one answer."""

    prefill_s: float
    decode_s: float
    tokens_per_s: float

    @property
    def total_s(self) -> float:
        """Prefill and decoding."""
        return self.prefill_s + self.decode_s


@dataclass(frozen=True, slots=True)
class Serving:
    """A language model on cards, with all that follows."""

    llm: Llm
    gpus: tuple[Gpu, ...]
    window_tokens: int
    concurrency: int
    wanted_concurrency: int
    prompt_tokens: int
    weights_bytes: float
    kv_bytes_per_token: float
    kv_bytes: float
    overhead_bytes: float
    usable_bytes: float
    alone: Latency
    full: Latency

    @property
    def used_bytes(self) -> float:
        """Of all cards together."""
        return self.weights_bytes + self.kv_bytes + self.overhead_bytes


@dataclass(frozen=True, slots=True)
class Need:
    """Bytes that parts of the set-up take, by name, and what there is."""

    parts: dict[str, float]
    available_bytes: int

    @property
    def total_bytes(self) -> float:
        """All parts."""
        return sum(self.parts.values())

    @property
    def fits(self) -> bool:
        """Whether there is enough."""
        return self.total_bytes <= self.available_bytes


@dataclass(frozen=True, slots=True)
class Measure:
    """A way to a faster answer: ``name`` is a key of the texts, seconds before and after."""

    name: str
    before_s: float
    after_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The recommendation. ``serving`` is None where answers are put together without a language model."""

    profile: Profile
    machine: Machine
    demand: Demand
    serving: Serving | None
    qdrant_bytes: tuple[float, float]  # least and most
    ram: Need
    disk: Need
    measures: tuple[Measure, ...] = ()
    warnings: tuple[tuple[str, dict[str, str]], ...] = field(default=())  # keys of the texts with their values
