"""Other words for what a question says: everyday ones beside those that configurations use.

The concepts are written down in the modules `words_of_…`. Which of its names a concept goes by is
asked of the index: one that nobody uses there is never added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from rag_demo.index.analyse import fold, stem
from rag_demo.index.words import ABBREVIATIONS, FUNCTION_WORDS
from rag_demo.retrieve import words_of_business as business
from rag_demo.retrieve import words_of_code as code
from rag_demo.retrieve import words_of_office as office
from rag_demo.retrieve import words_of_program as program

_TEXTS = (
    *(business.PARTIES, business.SALES, business.PRICES, business.PURCHASES, business.STOCK, business.MONEY),
    *(office.TAXES, office.STAFF, office.PLANNING),
    *(program.PLATFORM, program.USERS, program.EXCHANGE, program.DATA, code.CODE, code.SYSTEM),
)
_SAME = 3  # first letters that all forms of a word share
Phrase = tuple[str, ...]
Concept = tuple[list[Phrase], list[Phrase]]  # what is said, what is meant


class Thesaurus:
    """Concepts by the phrases that name them. Safe to use from several threads."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        """Take phrases that are said and phrases that are meant by them, of folded words in any form."""
        self._concepts: dict[str, list[tuple[Phrase, list[Phrase]]]] = {}
        for said, phrases in concepts:
            # No index has «на» and «с»: a name is there if its other words are.
            meant = [kept for phrase in phrases if (kept := tuple(w for w in phrase if w not in FUNCTION_WORDS))]
            for phrase in said if meant else ():
                self._concepts.setdefault(phrase[0][:_SAME], []).append((phrase, meant))
        self._longest = max((len(phrase) for said, _ in concepts for phrase in said), default=0)
        self._stemmed: dict[str, dict[Phrase, list[list[Phrase]]]] = {}

    def others(self, words: Sequence[str], frequency: Callable[[str], int]) -> list[tuple[str, str]]:
        """Words of the question, each with another for the same: for each concept its commonest other name.

        Args:
            words: of the question in order, folded. Of «серийный номер» the longest phrase counts, not the «номер»
                inside it.
            frequency: of a stem in the index; names with a stem that is not there are passed over.
        """
        there = set(map(stem, words))
        pairs: list[tuple[str, str]] = []
        for said, concepts in self._named(words):
            for meant in concepts:
                if any(there.issuperset(_stems(phrase)) for phrase in meant):
                    continue
                often, best = max((min(map(frequency, _stems(phrase))), -place) for place, phrase in enumerate(meant))
                if often:
                    new = [word for word in meant[-best] if stem(word) not in there]
                    pairs += [(word, other) for word in said for other in new]
                    there.update(map(stem, new))
        return pairs

    def _named(self, words: Sequence[str]) -> Iterator[tuple[Sequence[str], list[list[Phrase]]]]:
        """Phrases of the question that name concepts, with what is meant by them."""
        start = 0
        while start < len(words):
            known = self._beginning(words[start][:_SAME])
            for length in range(min(self._longest, len(words) - start), 0, -1):
                said = words[start : start + length]
                concepts = known.get(_stems(said)) if known else None
                if concepts:
                    yield said, concepts
                    start += length
                    break
            else:
                start += 1

    def _beginning(self, letters: str) -> dict[Phrase, list[list[Phrase]]]:
        """Concepts whose phrases begin so, by stems; to stem them all at once would take a third of a second."""
        if letters not in self._stemmed:
            stemmed: dict[Phrase, list[list[Phrase]]] = {}
            for phrase, meant in self._concepts.get(letters, ()):
                stemmed.setdefault(_stems(phrase), []).append(meant)
            self._stemmed[letters] = stemmed
        return self._stemmed[letters]


@lru_cache(maxsize=1)
def thesaurus() -> Thesaurus:
    """The one of this package."""
    abbreviations: list[Concept] = [([(said,)], [tuple(meant.split())]) for said, meant in ABBREVIATIONS.items()]
    return Thesaurus([*abbreviations, *(concept for text in _TEXTS for concept in concepts_of(text))])


def concepts_of(text: str) -> list[Concept]:
    """Concepts of lines «said said > meant meant» and «one = another», «_» between the words of a phrase."""
    concepts: list[Concept] = []
    for line in text.strip().splitlines():
        said, directed, meant = line.partition(" > ")
        if directed:
            concepts.append((_phrases(said), _phrases(meant)))
        else:
            names = _phrases(line.replace(" = ", " "))
            concepts += [([name], [other for other in names if other != name]) for name in names]
    return concepts


def _phrases(text: str) -> list[Phrase]:
    return [tuple(phrase.split("_")) for phrase in fold(text).split()]


def _stems(phrase: Sequence[str]) -> Phrase:
    return tuple(map(stem, phrase))
