"""Which words of a comment go with which words of a method: a table of counts, learned by `rag_demo.adapt.alignment`.

Numpy alone: whoever only searches needs no more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rag_demo.index.traits import FACTS, Traits

FILE = "translations.npz"
# How much a token that was seen seldom is taken for one that goes with any word: counts that are added.
SMOOTHING = 4.0
NAME, OWNER, WORD, FIRST, LAST = STEM_FIELDS = ("n", "o", "w", "1", "9")
_FACT, _KIND = "f", "k"
# That a comment is there follows from the comment; it tells nothing about what is said in it.
FACTS_SEEN = tuple(fact for fact in FACTS if fact != "described")
NAME_WORTH, OWNER_WORTH, TRAIT_WORTH = 3.0, 2.0, 0.5  # what one token counts; all words of the body: √ of their number

_LONGEST = 80  # letters; longer words are encoded pictures and keys
_log = logging.getLogger(__name__)


class Tokens(NamedTuple):
    """A document as the table sees it; one word is another token in each field."""

    name: tuple[str, ...]
    owner: tuple[str, ...]
    words: tuple[str, ...]
    traits: tuple[str, ...]  # first and last word of the name, facts, kind of object

    def without_name(self) -> Tokens:
        """The same without what its name tells."""
        return self._replace(name=(), traits=tuple(trait for trait in self.traits if trait[0] not in FIRST + LAST))


@dataclass(frozen=True, slots=True)
class Translations:
    """How often each word of a comment stood for each token, as learned: ``n`` tokens, ``m`` words, ``c`` cells.

    Attributes:
        tokens: the rows.
        words: the columns, stems.
        heard: how often each word stood in a comment, float32 ``(m,)``.
        totals: of the rows, what was too small to be kept included, float32 ``(n,)``.
        rows: of the cells, int32 ``(c,)``, column by column.
        starts: of the columns among the cells, int64 ``(m + 1,)``.
        counts: of the cells, float32 ``(c,)``.
    """

    tokens: tuple[str, ...]
    words: tuple[str, ...]
    heard: npt.NDArray[np.float32]
    totals: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit together."""
        sizes = len(self.totals), len(self.heard), len(self.starts) - 1, len(self.rows), int(self.starts[-1])
        fit = sizes == (len(self.tokens), *[len(self.words)] * 2, *[len(self.counts)] * 2)
        if not fit or not 0 <= self.rows.min(initial=0) <= self.rows.max(initial=0) < max(len(self.tokens), 1):
            raise ValueError("Tokens, words and their counts do not fit together.")
        if not all(np.isfinite(numbers).all() for numbers in (self.heard, self.totals, self.counts)):
            raise ValueError("Some counts are no numbers.")

    def save(self, folder: Path) -> None:
        """Write `FILE` into a folder."""
        np.savez_compressed(
            folder / FILE,
            tokens=np.array(self.tokens),
            words=np.array(self.words),
            heard=self.heard,
            totals=self.totals,
            rows=self.rows,
            starts=self.starts,
            counts=self.counts,
        )

    @classmethod
    def load(cls, folder: Path) -> Translations | None:
        """What `save` wrote; None: nothing, or a file that is damaged, which is told of."""
        file = folder / FILE
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as found:
                arrays: dict[str, Any] = dict(found)
            table = cls(**arrays | {name: tuple(arrays[name].tolist()) for name in ("tokens", "words")})
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001  # a damaged archive raises whatever its readers stumble over
            _log.warning("%s cannot be used: %s. It is not asked until the space is indexed again.", file, error)
            return None
        return table


def tokens_of(traits: Traits, object_kind: str, stem: Callable[[str], str]) -> Tokens:
    """The tokens of a document."""
    name = [stem(word) for word in traits.name]
    ends = (f"{FIRST} {name[0]}", f"{LAST} {name[-1]}") if name else ()
    facts = (fact_token(fact) for fact in FACTS_SEEN if fact in traits.facts)
    return Tokens(
        _tokens(NAME, name),
        _tokens(OWNER, map(stem, traits.owner)),
        _tokens(WORD, map(stem, traits.words)),
        (*ends, *facts, kind_token(object_kind)),
    )


def fact_token(fact: str) -> str:
    """The token of one of `FACTS`."""
    return f"{_FACT} {fact}"


def kind_token(object_kind: str) -> str:
    """The token of a kind of objects."""
    return f"{_KIND} {object_kind}"


def _tokens(field: str, stems: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"{field} {stem}" for stem in stems if len(stem) <= _LONGEST)
