"""From token ids of different lengths to the rectangular arrays that a transformer takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hybrid_embeddings.models.layouts import Padded
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
    layout = Padded(card, width_multiple=width_multiple)
    block = np.empty(layout.size(batch), dtype=np.int64)
    layout.fill(batch, block)
    return {
        name: block_plane for name, block_plane in layout.features(batch, block).items() if name in card.input_names
    }
