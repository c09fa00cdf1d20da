"""Attention without padding: texts lie one behind the other, the kernel gets their borders.

torch brings the flash-attention kernel for this (half precision, CUDA, compute capability 8.0 and up); the package
``flash-attn`` is not needed. Models that compute attention through the registry of transformers can use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hybrid_embeddings.errors import LaneError

if TYPE_CHECKING:
    import torch

FlatKernel = Callable[..., Any]
"""``kernel(query, key, value, borders, longest, is_causal, scale)`` → tensor like ``query``.

``query`` has the shape (n_tokens, heads, width), ``borders`` is int32 of shape (rows + 1,), ``longest`` the tokens of
the longest row. ``key`` and ``value`` may have fewer heads, each for a group of heads of ``query``.
"""

# Not offered here: attention to a window, capped or shifted scores, sinks. A model that passes one is padded.
_UNSUPPORTED = ("sliding_window", "softcap", "position_bias", "s_aux")


def flash_kernel(  # noqa: PLR0917 - as kernels are called
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    borders: torch.Tensor,
    longest: int,
    is_causal: bool,
    scale: float | None,
) -> torch.Tensor:
    """Run torch's own flash attention; see :data:`FlatKernel`.

    ``torch.nn.attention.varlen`` wraps this operator, but only since torch 2.10 and with changing arguments.
    """
    import torch

    arguments = (query, key, value, borders, borders, longest, longest, 0.0, is_causal, False)
    output: torch.Tensor = torch.ops.aten._flash_attention_forward(*arguments, scale=scale)[0]  # noqa: SLF001 - see above
    return output


def attention_function(kernel: FlatKernel) -> Callable[..., tuple[Any, None]]:
    """Wrap a kernel as transformers' registry of attention functions wants it."""

    def attend(
        module: Any,
        query: Any,
        key: Any,
        value: Any,
        attention_mask: Any,  # noqa: ARG001 - none is made for texts without padding
        *,
        cu_seq_lens_q: Any = None,
        max_length_q: int = 0,
        scaling: float | None = None,
        is_causal: bool | None = None,
        **others: Any,
    ) -> tuple[Any, None]:
        """Attend within each text. Inputs (1, heads, n_tokens, width), output (1, n_tokens, heads, width)."""
        refused = [name for name in _UNSUPPORTED if others.get(name) is not None]
        if cu_seq_lens_q is None or refused:
            raise LaneError(f"attention without padding: {', '.join(refused) or 'no borders of texts'}")
        causal = bool(getattr(module, "is_causal", False) if is_causal is None else is_causal)
        # (1, heads, n_tokens, width) → (n_tokens, heads, width), a view: the kernel takes strides.
        rows = [states[0].transpose(0, 1) for states in (query, key, value)]
        return kernel(*rows, cu_seq_lens_q, max_length_q, causal, scaling)[None], None

    return attend
