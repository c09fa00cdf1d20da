"""Learns which words of comments go with which tokens of methods: IBM Model 1, by expectation maximisation.

Each word of a comment stands for one token of its method, or for none; which one is not known. Given a table, the
shares of the tokens in each word follow, and given these, a better table (Brown et al., Computational Linguistics
1993). For search it says how likely a question is to have been asked of a method (Berger, Lafferty, SIGIR 1999), with
words that the method does not have: «возвращает» of a function, «очищает» of one that is called «Удалить…».
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rag_demo.adapt.pairs import Pair
from rag_demo.adapt.translations import (
    NAME,
    NAME_WORTH,
    OWNER,
    OWNER_WORTH,
    SMOOTHING,
    TRAIT_WORTH,
    WORD,
    Tokens,
    Translations,
    tokens_of,
)
from rag_demo.index.analyse import stem
from rag_demo.index.traits import decode_traits, encode_traits, written_words
from rag_demo.types import Document

Numbers = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
_ROUNDS = 4  # more of them learn the comments by heart
_NOTHING = 0.1  # share of a word that stands for no token
_SAME = 0.1  # what a token of the word itself has over others at the start
_ITSELF = 3.0  # times that each token was seen beside its own word, before all examples
_SMALLEST = 0.02  # counts below are not kept
# Links of words to tokens; of more of them a sample is learned from, comments first. Each takes 40 bytes meanwhile.
_MOST_LINKS = 8_000_000
# Names are said of methods, too, if in other words: they tell something where there are few comments.
_WORTH = {"comment": 1.0, "remark": 0.8, "name": 0.2}
_FEW = 5_000


def align(
    documents: Sequence[Document], pairs: Iterable[Pair], *, seed: int = 0, base: Translations | None = None
) -> Translations | None:
    """The table of a configuration.

    Args:
        documents: that the pairs are about.
        pairs: comments with their methods; others are left out.
        seed: decides what is left out of very many.
        base: table of another configuration, whose counts are added.

    Returns:
        None: there is nothing to learn from, and no base.
    """
    said = [*dict.fromkeys((pair.document, pair.text, pair.source) for pair in pairs if pair.source in _WORTH)]
    if sum(source != "name" for _, _, source in said) > _FEW:
        said = [entry for entry in said if entry[2] != "name"]
    rows, columns = _Numbering(base.tokens if base else ()), _Numbering(base.words if base else ())
    examples = []
    before, whole = -1, Tokens((), (), (), ())
    for number, text, source in said:
        asked = columns.of(dict.fromkeys(stem(word) for word in written_words(text)))
        if number != before:
            # What is said above the method must follow from the method without it.
            traits = decode_traits(encode_traits(replace(documents[number], doc="")))
            before, whole = number, tokens_of(traits, documents[number].object_kind, stem)
        tokens = whole if source != "name" else whole.without_name()
        if len(asked):
            examples.append(_Example(asked, *_weighed(tokens, rows), _WORTH[source]))
    if not examples:
        return base
    worth = np.concatenate([np.full(len(example.words), example.worth) for example in examples])
    words = np.concatenate([example.words for example in examples])
    heard = np.asarray(np.bincount(words, worth, len(columns)), dtype=np.float64)
    if base is not None:
        heard[: len(base.heard)] += base.heard
    links = _Links(_sample(examples, seed), base, tuple(rows), tuple(columns))
    return links.learn(heard)


class _Numbering(dict[str, int]):
    """Numbers for texts, in the order in which they first come."""

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(zip(known, range(len(known)), strict=True))

    def of(self, texts: Iterable[str]) -> Numbers:
        return np.array([self.setdefault(text, len(self)) for text in texts], dtype=np.int32)


@dataclass(frozen=True, slots=True)
class _Example:
    words: Numbers  # of the comment
    tokens: Numbers  # of the method
    shares: npt.NDArray[np.float32]  # of the tokens; the sum is 1
    worth: float


def _weighed(tokens: Tokens, rows: _Numbering) -> tuple[Numbers, npt.NDArray[np.float32]]:
    worth = np.concatenate(
        [
            np.full(len(tokens.name), NAME_WORTH),
            np.full(len(tokens.owner), OWNER_WORTH),
            np.full(len(tokens.words), 1 / np.sqrt(max(len(tokens.words), 1))),
            np.full(len(tokens.traits), TRAIT_WORTH),
        ]
    )
    return rows.of(token for field in tokens for token in field), (worth / worth.sum()).astype(np.float32)


def _sample(examples: Sequence[_Example], seed: int) -> Sequence[_Example]:
    sizes = np.array([len(example.words) * len(example.tokens) for example in examples])
    if sizes.sum() <= _MOST_LINKS:
        return examples
    worth = np.array([example.worth for example in examples])
    order = np.random.default_rng(seed).permutation(len(examples))
    order = order[np.argsort(-worth[order], kind="stable")]
    chosen = order[np.cumsum(sizes[order]) <= _MOST_LINKS]
    return [examples[place] for place in sorted(chosen)]


class _Links:
    """All links of words to tokens; those of the same word and token are one cell of the table."""

    def __init__(
        self, examples: Sequence[_Example], base: Translations | None, tokens: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        self._tokens, self._words = tokens, words
        # One run for each word of each comment, with a link to each token of the method.
        self._run_sizes = np.concatenate([np.full(len(e.words), len(e.tokens)) for e in examples])
        self._run_starts = np.cumsum(self._run_sizes) - self._run_sizes
        self._run_words = np.concatenate([e.words for e in examples])
        self._run_worth = np.concatenate([np.full(len(e.words), e.worth, dtype=np.float32) for e in examples])
        self._shares = np.concatenate([np.tile(e.shares, len(e.words)) for e in examples])
        # With numpy 1 a product with one number would stay an int32.
        keys = np.repeat(np.multiply(self._run_words, len(tokens), dtype=np.int64), self._run_sizes)
        keys += np.concatenate([np.tile(e.tokens, len(e.words)) for e in examples])
        base_keys, base_counts = _cells_of(base, len(tokens))
        cells = np.union1d(keys, base_keys)
        self._cells = np.searchsorted(cells, keys).astype(np.int32)  # of each link
        self._column, self._row = np.divmod(cells, len(tokens))
        self._before = np.bincount(np.searchsorted(cells, base_keys), base_counts, minlength=len(cells))
        self._totals_before = np.zeros(len(tokens))
        if base is not None:
            self._totals_before[: len(base.totals)] = base.totals

    def learn(self, heard: Floats) -> Translations:
        """The table; ``heard``: how often each word was, ``(words,)``."""
        frequency = (heard / heard.sum()).astype(np.float32)
        itself = self._same_word()
        chance = frequency[self._column] + np.float32(_SAME) * itself
        itself = _ITSELF * (itself & (self._before == 0))
        for _ in range(_ROUNDS):
            share = chance[self._cells] * self._shares * np.float32(1 - _NOTHING)
            whole = np.add.reduceat(share, self._run_starts) + np.float32(_NOTHING) * frequency[self._run_words]
            share *= np.repeat(self._run_worth / whole, self._run_sizes)
            counts = np.bincount(self._cells, share, minlength=len(chance)) + itself
            totals = self._totals_before + np.bincount(self._row, counts, minlength=len(self._tokens))
            counts += self._before
            chance = (counts + SMOOTHING * frequency[self._column]) / (totals[self._row] + SMOOTHING)
            chance = chance.astype(np.float32)
        kept = counts >= _SMALLEST
        return Translations(
            self._tokens,
            self._words,
            heard.astype(np.float32),
            totals.astype(np.float32),
            self._row[kept].astype(np.int32),
            np.searchsorted(self._column[kept], np.arange(len(self._words) + 1)),
            counts[kept].astype(np.float32),
        )

    def _same_word(self) -> npt.NDArray[np.bool_]:
        """Whether token and word of each cell are the same word."""
        fields = (f"{NAME} ", f"{OWNER} ", f"{WORD} ")
        places = {word: place for place, word in enumerate(self._words)}
        own = np.array([places.get(token[2:], -1) if token.startswith(fields) else -1 for token in self._tokens])
        return np.asarray(own[self._row] == self._column)


def _cells_of(base: Translations | None, rows: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """The cells of a table as they are numbered where there are ``rows`` tokens, and their counts."""
    if base is None:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32)
    columns = np.repeat(np.arange(len(base.words), dtype=np.int64), np.diff(base.starts))
    return columns * rows + base.rows, base.counts
