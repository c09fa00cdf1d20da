"""How well a question translates a candidate: with words that it does not have, by a table learned from comments.

The score is the logarithm of how much likelier each word of the question is beside the tokens of the candidate than
anywhere, on average over the words: the query likelihood of Berger and Lafferty (SIGIR 1999) over that of the whole.
A table that was learned from little counts less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rag_demo.adapt.translations import (
    FACTS_SEEN,
    FIRST,
    LAST,
    NAME_WORTH,
    OWNER_WORTH,
    SMOOTHING,
    STEM_FIELDS,
    TRAIT_WORTH,
    Translations,
    fact_token,
    kind_token,
)
from rag_demo.retrieve.sketch import ROW, Sketch

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]
# Share of a word that may come from nowhere, so that one that no token explains does not decide alone.
_ANYHOW = 0.1
# Words of comments of which a table must have heard to be worth half of one that has heard of very many.
_HALF_WORTH = 20_000
_MOST_ASKED = 64  # words of a question; each takes a row as long as the table
_FACT_PLACES = [ROW.index(fact) for fact in FACTS_SEEN]
_FIRST, _LAST = STEM_FIELDS.index(FIRST), STEM_FIELDS.index(LAST)
ASKED = len(STEM_FIELDS)


class Translator:
    """Scores candidates by a table. Safe to call from several threads."""

    def __init__(self, table: Translations) -> None:
        """Work out how much likelier each token makes each word."""
        self.unknown = len(table.tokens)  # row of all tokens that the table does not have
        self._rows, self._starts = table.rows, table.starts
        totals = table.totals + np.float32(SMOOTHING)
        heard = float(table.heard.sum())
        self._trust = heard / (heard + _HALF_WORTH)
        frequency = np.repeat(table.heard / np.float32(heard), np.diff(table.starts))
        self._gains: Floats = table.counts / frequency / totals[table.rows]
        # Of words that were never seen beside a token, and in the row below, which tokens are known.
        self._floor = np.append(np.float32(SMOOTHING) / totals, np.float32(0))
        self._known = np.append(np.ones_like(totals), np.float32(0))
        tokens = {token: row for row, token in enumerate(table.tokens)}
        self._facts = np.array([tokens.get(fact_token(fact), self.unknown) for fact in FACTS_SEEN])
        self._tokens = tokens
        self._columns = {word: column for column, word in enumerate(table.words)}

    def places(self, stem: str) -> list[int]:
        """Where a stem stands in the table, as a token of each field and as a word: `unknown`, or -1, if nowhere."""
        rows = [self._tokens.get(f"{field} {stem}", self.unknown) for field in STEM_FIELDS]
        return [*rows, self._columns.get(stem, -1)]

    def scores(self, question: Numbers, sketches: Sequence[Sketch], words: Numbers) -> Floats:
        """Score of each candidate, float32 ``(len(sketches),)``; 0 for all if the table has no word of the question.

        Args:
            question: places of the words of the question, ``(asked, ASKED + 1)``.
            sketches: of the candidates.
            words: places of their words, one after the other, ``(all of them, ASKED + 1)``.
        """
        columns = question[:, ASKED][question[:, ASKED] >= 0][:_MOST_ASKED]
        if not len(columns) or not sketches:
            return np.zeros(len(sketches), dtype=np.float32)
        explained = self._of_candidates(self._of_tokens(columns), sketches, words)
        # Of a candidate without a known token nothing follows: it is neither likelier nor less likely.
        likelier = np.where(explained[-1] > 0, explained[:-1] / np.maximum(explained[-1], np.float32(1e-9)), 1)
        scores = self._trust * np.log(_ANYHOW + (1 - _ANYHOW) * likelier).mean(axis=0)
        return np.asarray(scores, dtype=np.float32)

    def _of_tokens(self, columns: Numbers) -> Floats:
        """How much likelier each token makes each word, and whether it is known: ``(words + 1, tokens + 1)``."""
        table = np.empty((len(columns) + 1, self.unknown + 1), dtype=np.float32)
        table[:-1] = self._floor
        table[-1] = self._known
        for row, column in zip(table, columns, strict=False):
            cells = slice(self._starts[column], self._starts[column + 1])
            row[self._rows[cells]] += self._gains[cells]
        return table

    def _of_candidates(self, table: Floats, sketches: Sequence[Sketch], words: Numbers) -> Floats:
        """Sum over the tokens of each candidate by their worth, ``(words + 1, candidates)``."""
        sizes = np.array([sketch.sizes for sketch in sketches])
        flat = sizes.ravel()
        fields = np.repeat(np.tile(np.arange(3), len(sizes)), flat)
        name, owner, rest = _sums(table[:, words[np.arange(len(fields)), fields]], flat)
        total = NAME_WORTH * name + OWNER_WORTH * owner + rest / np.sqrt(np.maximum(rest[-1], 1))
        return np.asarray(total + TRAIT_WORTH * self._of_traits(table, sketches, sizes, words), dtype=np.float32)

    def _of_traits(self, table: Floats, sketches: Sequence[Sketch], sizes: Numbers, words: Numbers) -> Floats:
        facts = np.array([sketch.row for sketch in sketches], dtype=np.float32)[:, _FACT_PLACES]
        kinds = [self._tokens.get(kind_token(sketch.object_kind), self.unknown) for sketch in sketches]
        total = table[:, self._facts] @ facts.T + table[:, kinds]
        starts = np.cumsum(sizes.sum(axis=1)) - sizes.sum(axis=1)
        named = np.flatnonzero(sizes[:, 0])
        total[:, named] += table[:, words[starts[named], _FIRST]]
        total[:, named] += table[:, words[(starts + sizes[:, 0] - 1)[named], _LAST]]
        return np.asarray(total, dtype=np.float32)


def _sums(values: Floats, sizes: Numbers) -> tuple[Floats, ...]:
    """Sums over pieces of these sizes, ``(rows, numbers)``, of which every third belong together."""
    filled = np.flatnonzero(sizes)
    pieces = np.zeros((len(values), len(sizes)), dtype=np.float32)
    if len(filled):
        starts = (np.cumsum(sizes) - sizes)[filled]
        pieces[:, filled] = np.add.reduceat(values, starts, axis=1)
    return tuple(pieces[:, field::3] for field in range(3))
