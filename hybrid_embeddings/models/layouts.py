"""How a batch lies in one block of int64 values, so that it reaches a device in a single copy.

Two layouts: rows padded to one width, and rows one behind the other without padding, for attention kernels that
take the borders of the rows. Blocks are written with numpy and read as tensors; nothing here imports torch.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.types import Batch, ModelCard

Block = npt.NDArray[np.int64]
"""int64, shape (size,)."""


class Layout(Protocol):
    """Writes a batch into a block and finds the model's inputs in it."""

    def size(self, batch: Batch) -> int:
        """Return the number of int64 values of the block."""

    def fill(self, batch: Batch, block: Block) -> None:
        """Write the batch into a block of that size; every value of it."""

    def features(self, batch: Batch, block: Any) -> dict[str, Any]:
        """Return the inputs of the model as views of a tensor with the content of the block."""


class Padded:
    """Rows of one width: every input is a rectangle (rows, width)."""

    def __init__(self, card: ModelCard, *, width_multiple: int = 1) -> None:
        self._card = card
        self._width_multiple = width_multiple

    def size(self, batch: Batch) -> int:
        """See :class:`Layout`."""
        return len(self._card.input_names) * len(batch.texts) * self._width(batch)

    def fill(self, batch: Batch, block: Block) -> None:
        """See :class:`Layout`."""
        width = self._width(batch)
        lengths = np.array([[len(text.ids)] for text in batch.texts])
        columns = np.arange(width)
        is_token = columns < lengths if self._card.padding_side == "right" else columns >= width - lengths
        for name, plane in self._planes(batch, block).items():
            if name == "input_ids":
                plane[:] = self._card.pad_id
                plane[is_token] = np.concatenate([text.ids for text in batch.texts])
            else:
                plane[:] = is_token if name == "attention_mask" else 0

    def features(self, batch: Batch, block: Any) -> dict[str, Any]:
        """See :class:`Layout`."""
        features: dict[str, Any] = self._planes(batch, block)
        if batch.prompt_tokens:
            features["prompt_length"] = batch.prompt_tokens
        return features

    def _planes(self, batch: Batch, block: Any) -> dict[str, Any]:
        names = self._card.input_names
        planes = block.reshape(len(names), len(batch.texts), self._width(batch))
        return {name: planes[number] for number, name in enumerate(names)}

    def _width(self, batch: Batch) -> int:
        width = max(batch.width, 1)
        rounded = -(-width // self._width_multiple) * self._width_multiple
        # A multiple beyond the limit of the model would ask for positions that it does not have.
        return rounded if self._card.max_tokens is None else max(width, min(rounded, self._card.max_tokens))


class Flat:
    """Rows one behind the other: ids, positions, row numbers and, at the end, the borders of the rows.

    The names of the inputs are those that transformers passes on to attention functions.
    """

    def __init__(self, card: ModelCard, *, first_position: int = 0) -> None:
        """Describe the layout; ``first_position`` is the position id of the first token of a text."""
        self._has_segments = "token_type_ids" in card.input_names
        self._first_position = first_position

    def size(self, batch: Batch) -> int:
        """See :class:`Layout`."""
        n_tokens = sum(len(text.ids) for text in batch.texts)
        return (3 + self._has_segments) * n_tokens + len(batch.texts) + 1

    def fill(self, batch: Batch, block: Block) -> None:
        """See :class:`Layout`."""
        lengths = np.array([len(text.ids) for text in batch.texts])
        planes, borders = self._split(batch, block)
        borders[0] = 0
        np.cumsum(lengths, out=borders[1:])
        planes[0] = np.concatenate([text.ids for text in batch.texts])
        planes[1] = np.arange(lengths.sum()) - np.repeat(borders[:-1], lengths) + self._first_position
        planes[2] = np.repeat(np.arange(len(lengths)), lengths)
        planes[3:] = 0

    def features(self, batch: Batch, block: Any) -> dict[str, Any]:
        """See :class:`Layout`. Tokens have the shape (1, n_tokens), borders (rows + 1,) in int32."""
        planes, borders = self._split(batch, block)
        borders = borders.int()
        features = {
            "input_ids": planes[0:1],
            "position_ids": planes[1:2],
            "seq_idx": planes[2:3],
            "cu_seq_lens_q": borders,
            "cu_seq_lens_k": borders,
            "max_length_q": batch.width,
            "max_length_k": batch.width,
        }
        if self._has_segments:
            features["token_type_ids"] = planes[3:4]
        if batch.prompt_tokens:
            features["prompt_length"] = batch.prompt_tokens
        return features

    def _split(self, batch: Batch, block: Any) -> tuple[Any, Any]:
        n_borders = len(batch.texts) + 1
        n_planes = 3 + self._has_segments
        return block[:-n_borders].reshape(n_planes, -1), block[-n_borders:]
