"""Which rows go together. Pure functions over lengths; no threads, no clocks."""

from __future__ import annotations

from collections.abc import Sequence

# A batch costs about as much overhead as this many tokens (measured: all-MiniLM-L6-v2 on OpenVINO), so
# padding up to that amount is cheaper than a batch of its own.
OVERHEAD_TOKENS = 64
# Above that, rows may be padded by this share of the batch.
MAX_PADDING = 0.08


def rows_in_batch(lengths: Sequence[int], budget: int, *, free_padding: int = OVERHEAD_TOKENS) -> int:
    """Return how many of the first ``lengths`` make one batch; at least one.

    ``lengths`` are sorted, ascending or descending. Rows × longest stays within ``budget`` padded tokens, and
    padding within ``free_padding`` or ``MAX_PADDING`` of the batch, whichever is more.
    """
    width, total = 1, 0
    for count, length in enumerate(lengths):
        width = max(width, length)
        total += length
        padded = (count + 1) * width
        if count and (padded > budget or worth_a_batch_of_its_own(padded, total, free_padding)):
            return count
    return len(lengths)


def worth_a_batch_of_its_own(padded: int, total: int, free_padding: int = OVERHEAD_TOKENS) -> bool:
    """Tell whether a batch of ``total`` tokens would have so much padding that two batches are better."""
    return padded - total > max(free_padding, MAX_PADDING * padded)


def rows_with(pilot: int, lengths: Sequence[int], budget: int, *, free_padding: int = OVERHEAD_TOKENS) -> range:
    """Return which of some sorted rows make the batch that the row ``pilot`` belongs to.

    Cut from the short end into batches as :func:`rows_in_batch` does, so that the cut does not depend on the pilot.
    """
    start = 0
    while True:
        end = start + rows_in_batch(lengths[start:], budget, free_padding=free_padding)
        if pilot < end:
            return range(start, end)
        start = end


def fill_in_order(lengths: Sequence[int], budget: int) -> int:
    """Return how many of the first ``lengths`` (any order) fit into one padded batch; at least one."""
    width = 0
    for count, length in enumerate(lengths):
        width = max(width, length)
        if count and (count + 1) * width > budget:
            return count
    return len(lengths)
