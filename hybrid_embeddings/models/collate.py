"""From token ids of different lengths to the rectangular arrays that a transformer takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.types import Batch, ModelCard


def collate(batch: Batch, card: ModelCard, *, width_multiple: int = 1) -> dict[str, npt.NDArray[np.int64]]:
    """Pad a batch.

    Args:
        batch: rows of different lengths.
        card: names of the inputs, padding id and side.
        width_multiple: the width is rounded up to a multiple, but not above the limit of the model.

    Returns:
        int64 arrays of shape (rows, width): ids, 1 for a token and 0 for padding, and zeros for segment ids,
        as far as the model takes them.
    """
    width = max(batch.width, 1)
    rounded = -(-width // width_multiple) * width_multiple
    if card.max_tokens is not None:
        rounded = max(width, min(rounded, card.max_tokens))
    shape = (len(batch.texts), rounded)
    ids = np.full(shape, card.pad_id, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    for row, text in enumerate(batch.texts):
        length = len(text.ids)
        columns = slice(0, length) if card.padding_side == "right" else slice(rounded - length, rounded)
        ids[row, columns] = text.ids
        mask[row, columns] = 1
    arrays = {"input_ids": ids, "attention_mask": mask}
    if "token_type_ids" in card.input_names:
        arrays["token_type_ids"] = np.zeros(shape, dtype=np.int64)
    return {name: arrays[name] for name in card.input_names}
