"""Records that cross module borders. Plain data: this module imports nothing of the project."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
"""float32, shape (n, dim), C-contiguous unless said otherwise."""

TokenIds = npt.NDArray[np.int32]
"""int32, shape (n_tokens,), special tokens included."""

Facts = npt.NDArray[np.int32]
"""int32, shape (n, 2): tokens of each text after truncation, and tokens that the truncation cut off."""

OnTruncate = Literal["ignore", "warn", "error"]
"""What to do when a text is longer than the model can read."""

Kind = Literal["text", "query", "document"]
"""Which prompt of the model is put before the text. ``text`` is what ``SentenceTransformer.encode`` uses."""

Importance = Literal["critical", "normal", "background"]
"""How exactly the slower cache tiers store a vector: float32, int16, int8 unless the settings say otherwise."""

Precision = Literal["fast", "exact"]
"""``exact``: float32 everywhere. ``fast``: the fastest numeric mode of a device that passes the lane check."""

Attempt = Literal["fast", "wide", "exact"]
"""What a lane is built in. ``wide``: half precision with the range of float32, for models too large for ``fast``."""


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """Token ids of one text after truncation, and how many tokens the truncation cut off."""

    ids: TokenIds
    n_lost: int = 0


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the engine has to know about a model, read once from sentence-transformers itself."""

    dimension: int
    max_tokens: int | None  # special tokens included; None: no limit
    normalizes: bool
    prompts: dict[Kind, str]
    pad_id: int
    padding_side: Literal["left", "right"]
    input_names: tuple[str, ...]  # of the transformer: input_ids, attention_mask, token_type_ids
    is_static: bool  # a bag of token vectors, no transformer
    pools_prompt: bool  # False: prompt tokens are left out of the pooling, so batches must not mix prompts
    prompt_tokens: dict[Kind, int]  # length of each prompt, for models with ``pools_prompt`` False
    lowercases: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Texts that one lane runs together. Rows of the result are in the order of ``texts``."""

    texts: tuple[TokenizedText, ...]
    prompt_tokens: int = 0  # leading tokens that pooling must leave out; equal for all rows
    exact: bool = False  # compute in float32, whatever the lane usually does

    @property
    def width(self) -> int:
        """Tokens of the longest row."""
        return max(len(text.ids) for text in self.texts)

    @property
    def padded_tokens(self) -> int:
        """Tokens that the device computes: rows × width."""
        return len(self.texts) * self.width


@dataclass(frozen=True, slots=True)
class MemoryReading:
    """Memory of a device, in bytes; None: unknown."""

    free_bytes: int | None = None  # what batches may still take
    peak_bytes: int | None = None  # the most that batches took at once since the reading before


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a cache knows of n texts, row by row. Rows that are not ``found`` hold nothing of value."""

    vectors: Vectors  # float32, (n, dim)
    found: npt.NDArray[np.bool_]  # (n,)
    facts: Facts


@dataclass(slots=True)
class CallCounters:
    """Totals over all calls since the start, for statistics."""

    n_calls: int = 0
    n_cpu_calls: int = 0
    n_gpu_calls: int = 0
    n_hybrid_calls: int = 0  # several devices worked on it
    n_texts: int = 0
    n_tokens: int = 0
    n_duplicates: int = 0
    n_cached: int = 0
    n_truncated: int = 0

    def count(self, report: Report) -> None:
        """Add one finished call."""
        self.n_calls += 1
        is_gpu = {lane.startswith("cuda") for lane in report.lanes}
        self.n_hybrid_calls += len(report.lanes) > 1
        self.n_gpu_calls += len(report.lanes) == 1 and is_gpu == {True}
        self.n_cpu_calls += len(report.lanes) == 1 and is_gpu == {False}
        self.n_texts += report.n_texts
        self.n_tokens += report.n_tokens
        self.n_duplicates += report.n_texts - report.n_computed - report.n_cached
        self.n_cached += report.n_cached
        self.n_truncated += len(report.truncated)


@dataclass(slots=True)
class Report:
    """Receipt of one call: what happened to which row. Rows are positions in the caller's list."""

    n_texts: int
    n_computed: int = 0
    """Texts that went through the model."""
    n_cached: int = 0
    """Texts that a cache knew. The rest, ``n_texts - n_computed - n_cached``, were equal to another one."""
    n_tokens: int = 0
    """Tokens of all distinct texts, known or computed."""
    truncated: dict[int, int] = field(default_factory=dict)
    """Row → tokens that were cut off."""
    lanes: dict[str, int] = field(default_factory=dict)
    """Lane → texts it computed."""
    tokenize_s: float = 0.0
    total_s: float = 0.0

    def add(self, part: Report) -> None:
        """Append the receipt of the next piece of the same call."""
        self.truncated.update({self.n_texts + row: n_lost for row, n_lost in part.truncated.items()})
        for lane, count in part.lanes.items():
            self.lanes[lane] = self.lanes.get(lane, 0) + count
        self.n_texts += part.n_texts
        self.n_computed += part.n_computed
        self.n_cached += part.n_cached
        self.n_tokens += part.n_tokens
        self.tokenize_s += part.tokenize_s
        self.total_s += part.total_s

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-ready copy."""
        return {name: getattr(self, name) for name in self.__slots__}
