"""Contrastive training of token vectors, with the gradient written out.

A text is the sum of the vectors of its tokens, so the gradient is two sparse products and a softmax; Adam (Kingma, Ba
2015) moves only the rows that a batch holds. That is several times as fast as automatic differentiation of the same.

The loss is the symmetric softmax over the batch (van den Oord et al. 2018; Radford et al. 2021): each text has to find
its document among those of the batch, and each document its text. Batches are made of runs of pairs from the same
module, so that the other documents of a batch are hard to tell apart from the right one.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from torch import Tensor
from torch.nn.functional import embedding_bag

from rag_demo.adapt.fields import WEIGHTS
from rag_demo.adapt.quantise import rounded

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_SMALL = 1e-6
_BETAS = 0.9, 0.99
# With batches of 60 pairs, two threads on two busy cores took nine times the processor time of one.
_WORTH_THREADS = 512
_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the vectors besides the texts and the number of threads."""

    dimension: int = 256
    batch: int = 1024  # at most; smaller where there are few pairs
    epochs: int = 3  # at least; more where there are few pairs
    steps: int = 400  # at least
    learning_rate: float = 5e-3
    scale: float = 16.0  # of the cosines in the softmax: the inverse of its temperature
    dropout: float = 0.3  # of the tokens, on both sides
    start: float = 0.2  # length of a first vector, times the rarity of its token
    rounded_epochs: int = 1  # the last ones train vectors as they are after rounding
    patience: float = 0.4  # share of the epochs without gain on the held-out pairs after which training ends
    run: int = 4  # pairs of one module side by side in a batch
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """What is learned from, as counts of tokens.

    Attributes:
        texts: ``(pairs, vocabulary)``.
        documents: of each field ``(documents, vocabulary)``.
        targets: the document of each text, int64 ``(pairs,)``.
        masks: which fields of it may be seen, float32 ``(pairs, fields)``.
        modules: a number for the module of each pair, int64 ``(pairs,)``.
        seen: how often each pair is seen in one epoch on average, float64 ``(pairs,)``.
    """

    texts: sparse.csr_matrix
    documents: tuple[sparse.csr_matrix, ...]
    targets: Ints
    masks: Floats
    modules: Ints
    seen: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.targets)


# Called after each epoch with the token vectors and the epochs done and to do; returns how good they are.
Judge = Callable[[Floats, int, int], float]


def train(examples: Examples, recipe: Recipe, *, judge: Judge, start: Floats | None = None) -> Floats:
    """Token vectors that put each text of ``examples`` near its document.

    Args:
        examples: at least two pairs.
        recipe: how to train.
        judge: tells how good the vectors are after an epoch; the best ones are returned.
        start: vectors to begin with, float32 ``(vocabulary, dimension)``; default: random, longer for rarer tokens.

    Returns:
        Float32 ``(vocabulary, dimension)``, each row rounded to the 255 steps that one byte holds.
    """
    batch = max(2, min(recipe.batch, len(examples) // 40))
    steps = max(1, int(examples.seen.sum()) // batch)
    epochs = max(recipe.epochs, math.ceil(recipe.steps / steps))
    random = np.random.default_rng(recipe.seed)
    table = _Table(_first(examples, recipe, random) if start is None else start, steps * epochs, recipe.learning_rate)
    best, best_score, waited = table.rows(), -1.0, 0
    with _threads(_MOST_THREADS if batch >= _WORTH_THREADS else 1):
        for epoch in range(epochs):
            table.rounds = epoch >= epochs - recipe.rounded_epochs
            order = _order(examples, recipe.run, random)
            for first in range(0, min(steps * batch, len(order)), batch):
                _step(table, examples, order[first : first + batch], recipe, random)
            score = judge(table.rows(), epoch + 1, epochs)
            waited += 1
            if score > best_score:
                best, best_score, waited = table.rows(), score, 0
            if waited > max(1, recipe.patience * epochs):
                break
    return best


@contextlib.contextmanager
def _threads(most: int) -> Iterator[None]:
    """At most so many threads for a while; they wait for each other so often that more of them cost more."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(most, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Table:
    """Token vectors and the state of Adam for each of them."""

    def __init__(self, vectors: Floats, steps: int, learning_rate: float) -> None:
        self._vectors = torch.from_numpy(vectors.copy())
        self._mean = torch.zeros_like(self._vectors)
        self._square = torch.zeros_like(self._vectors)
        self._steps = steps
        self._rate = learning_rate
        self._done = 0
        self.rounds = False

    def rows(self) -> Floats:
        """All vectors, rounded, as a copy."""
        return np.asarray(rounded(self._vectors).numpy())

    def read(self, tokens: Tensor) -> Tensor:
        """Vectors of ``tokens``."""
        vectors = self._vectors[tokens]
        return rounded(vectors) if self.rounds else vectors

    def move(self, tokens: Tensor, gradient: Tensor) -> None:
        """One step of Adam; its rate rises for fifty steps and falls to nothing at the end of training."""
        self._done += 1
        first, second = _BETAS
        mean = self._mean[tokens].mul_(first).add_(gradient, alpha=1 - first)
        square = self._square[tokens].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        self._mean[tokens], self._square[tokens] = mean, square
        rate = self._rate * min(1.0, self._done / 50) * (1 - self._done / (self._steps + 1))
        step = (mean / (1 - first**self._done)) / ((square / (1 - second**self._done)).sqrt_() + 1e-8)
        self._vectors[tokens] -= rate * step


def _first(examples: Examples, recipe: Recipe, random: np.random.Generator) -> Floats:
    *_, traits, body = examples.documents
    frequency = np.bincount(np.concatenate([traits.indices, body.indices]), minlength=body.shape[1])
    rarity = np.log1p(body.shape[0] / (1.0 + frequency))
    directions = random.standard_normal((body.shape[1], recipe.dimension)) / math.sqrt(recipe.dimension)
    return np.asarray(recipe.start * rarity[:, None] * directions, dtype=np.float32)


def _order(examples: Examples, run: int, random: np.random.Generator) -> Ints:
    """The pairs of one epoch in random order, but in runs of ``run`` from the same module."""
    times = np.floor(examples.seen + random.random(len(examples))).astype(np.int64)
    shuffled = random.permutation(np.repeat(np.arange(len(examples)), times))
    by_module = shuffled[np.argsort(examples.modules[shuffled], kind="stable")]
    starts = random.permutation(np.arange(0, len(shuffled), run))
    places = (starts[:, None] + np.arange(run)).ravel()
    return np.asarray(by_module[places[places < len(shuffled)]], dtype=np.int64)


def _step(table: _Table, examples: Examples, chosen: Ints, recipe: Recipe, random: np.random.Generator) -> None:
    targets = examples.targets[chosen]
    parts = [examples.texts[chosen], *(field[targets] for field in examples.documents)]
    counts = sparse.vstack(parts, format="csr")
    counts.data = counts.data * (random.random(len(counts.data), dtype=np.float32) >= recipe.dropout)
    used = np.unique(counts.indices)
    counts = sparse.csr_matrix(
        (counts.data, np.searchsorted(used, counts.indices), counts.indptr), shape=(counts.shape[0], len(used))
    )
    tokens = torch.from_numpy(used.astype(np.int64))
    sums = product(counts, table.read(tokens)).view(len(parts), len(chosen), -1)
    weights = torch.from_numpy(examples.masks[chosen] * np.asarray(WEIGHTS, dtype=np.float32))
    same = torch.from_numpy(targets[:, None] == targets[None, :])
    gradient = _gradient(sums, weights, same, recipe.scale)
    table.move(tokens, product(counts.T.tocsr(), gradient.view(-1, sums.shape[2])))


def _gradient(sums: Tensor, weights: Tensor, same: Tensor, scale: float) -> Tensor:
    """Gradient of the loss with respect to the sums.

    Args:
        sums: of the texts and of the fields of their documents, ``(1 + fields, batch, dimension)``.
        weights: of the fields, ``(batch, fields)``; 0 where one is hidden.
        same: which documents of the batch are the same, ``(batch, batch)``.
        scale: of the cosines.
    """
    lengths = sums.norm(dim=2, keepdim=True).clamp_min(_SMALL)
    units = sums / lengths
    mixed = torch.einsum("bf,fbd->bd", weights, units[1:])
    mixed_length = mixed.norm(dim=1, keepdim=True).clamp_min(_SMALL)
    text, document = units[0], mixed / mixed_length
    cosines = (text @ document.T) * scale
    others = same.clone().fill_diagonal_(False)
    cosines.masked_fill_(others, -1e4)  # the same document is no wrong answer
    slope = torch.softmax(cosines, 1) + torch.softmax(cosines, 0)
    slope.diagonal().sub_(2)
    slope *= scale / (2 * len(slope))
    to_text, to_document = slope @ document, slope.T @ text
    to_mixed = (to_document - (to_document * document).sum(1, keepdim=True) * document) / mixed_length
    to_units = torch.cat([to_text[None], weights.T[:, :, None] * to_mixed])
    gradient: Tensor = (to_units - (to_units * units).sum(2, keepdim=True) * units) / lengths
    return gradient


def product(counts: sparse.csr_matrix, table: Tensor) -> Tensor:
    """``counts @ table`` on all cores: float32 ``(rows, dimension)``."""
    summed: Tensor = embedding_bag(
        torch.from_numpy(counts.indices.astype(np.int64)),
        table,
        torch.from_numpy(counts.indptr.astype(np.int64)),
        mode="sum",
        per_sample_weights=torch.from_numpy(counts.data.astype(np.float32)),
        include_last_offset=True,
    )
    return summed
