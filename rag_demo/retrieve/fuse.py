"""Putting ranked lists together. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)

# The constant of Cormack, Clarke and Büttcher (SIGIR 2009): how fast the worth of a rank falls off.
RANK_CONSTANT = 60


@dataclass(frozen=True, slots=True)
class Fused(Generic[Item]):
    """An item with its fused score and its rank, from 1, in each list that holds it."""

    item: Item
    score: float
    ranks: Mapping[str, int]


def fuse(lists: Mapping[str, Sequence[Item]], weights: Mapping[str, float]) -> list[Fused[Item]]:
    """Weighted reciprocal rank fusion: score = Σ weight / (60 + rank), best first.

    Equal scores keep the order of first appearance, so the result depends on nothing but the arguments.

    Args:
        lists: ranked items by the name of the leg; a leg that is missing just adds nothing. An item that a list
            repeats counts at its best rank.
        weights: one per leg; a leg without one counts nothing, but its items keep their place at the end.
    """
    ranks: dict[Item, dict[str, int]] = {}
    for leg, items in lists.items():
        for rank, item in enumerate(items, start=1):
            ranks.setdefault(item, {}).setdefault(leg, rank)
    fused = [
        Fused(item, sum(weights.get(leg, 0.0) / (RANK_CONSTANT + rank) for leg, rank in found.items()), found)
        for item, found in ranks.items()
    ]
    return sorted(fused, key=lambda entry: -entry.score)


def diversify(
    items: Sequence[Item], group: Callable[[Item], Hashable], *, within: int = 5, most: int = 2
) -> list[Item]:
    """Let no group take more than ``most`` of the first ``within`` places while others wait; order kept otherwise."""
    first: list[Item] = []
    later: list[Item] = []
    taken: dict[Hashable, int] = {}
    for item in items:
        name = group(item)
        if len(first) < within and taken.get(name, 0) < most:
            first.append(item)
            taken[name] = taken.get(name, 0) + 1
        else:
            later.append(item)
    return first + later
