"""Reading words of a question that the configuration does not know: other language, other keyboard, slips.

A word that stands in the index stays as it is. Of the others, English ones are read as their Russian equivalents,
Latin spellings as Russian words, Cyrillic ones as Latin words («апи»), and misspelt ones as the nearest word of the
configuration's names, each only if that is in the index. What the dictionary of Russian has is not misspelt, though the
configuration lacks it: «снова» is not «слово», and a question about «метро» not one about «мета». Of a question that is
English as a whole, all words with an equivalent are read as Russian, unless the configuration itself is written in
English.

Then come other words for what it says: they are searched, too, but count less than those that were said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

from rag_demo.index.analyse import fold, is_compound, stem, terms
from rag_demo.index.nouns import is_verb, is_word
from rag_demo.index.words import FUNCTION_WORDS
from rag_demo.retrieve.glossary import RUSSIAN, cyrillic, latin
from rag_demo.retrieve.query import Query
from rag_demo.retrieve.relatives import relatives
from rag_demo.retrieve.thesaurus import thesaurus

_WORD = re.compile(r"[A-Za-z]+|[А-Яа-яЁё]+")
_LATIN = re.compile(r"[A-Za-z]+")
_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_SHORTEST, _LONG = 5, 8  # letters of a word that may hold one slip, and two
_ENGLISH = 2  # words with an equivalent make a question English; one may be a name
_SHORTEST_NAME = 3
_SOUNDS = str.maketrans("оеэя", "аиии")  # unstressed vowels
_GAPS = frozenset(" -")  # between the halves of a word that the index writes in one


class Spelling:
    """The words of a configuration's names by their stems, to find the nearest (Garbe: SymSpell, one deletion)."""

    def __init__(self, words: Iterable[str]) -> None:
        """Take words in lower case, each as often as it stands there."""
        self._words: dict[str, Counter[str]] = {}
        for word in words:
            self._words.setdefault(stem(word), Counter())[word] += 1
        self._near: dict[str, list[str]] = {}
        for known in self._words:
            for key in _deletions(known):
                self._near.setdefault(key, []).append(known)

    def nearest(self, word: str) -> str:
        """The word that was meant, the most frequent of the nearest; empty if none is near."""
        if len(word) < _SHORTEST:
            return ""
        meant, most = stem(word), 2 if len(word) >= _LONG else 1
        found = {other for key in _deletions(meant) for other in self._near.get(key, ()) if other[0] == meant[0]}
        ranked = sorted((distance(meant, other), -self._words[other].total(), other) for other in found)
        return self._words[ranked[0][2]].most_common(1)[0][0] if ranked and ranked[0][0] <= most else ""


def read_as(text: str, *, frequency: Callable[[str], int], spelling: Callable[[], Spelling]) -> str:
    """The question with every word that the index does not know in the spelling that it does.

    Args:
        text: the question.
        frequency: of a stem in the index.
        spelling: asked only if there is a word to look for.
    """

    def known(term: str) -> bool:
        return frequency(term) > 0

    def often(word: str) -> int:
        return frequency(stem(fold(word)))

    def mend(match: re.Match[str]) -> str:
        word = match[0]
        if fold(word) in FUNCTION_WORDS or is_compound(word):
            return word
        russian = _in_russian(word, known)
        if not russian or (of_the_index and often(word)):
            return word if often(word) else _spelt_otherwise(word, known, spelling) or word
        if english or not often(word):
            return " ".join(russian)
        return " ".join([word, *(other for other in russian if often(other) > often(word))])

    text = _in_one(text, known)
    # «rates» of some address in the code would outweigh «курс» of all names.
    translated = {word: _in_russian(word, known) for word in _WORD.findall(text)}
    translated = {word: russian for word, russian in translated.items() if russian}
    # A configuration that is written in English has these words themselves more often.
    in_russian = sum(max(map(often, russian)) for russian in translated.values()) > sum(map(often, translated))
    all_english = not _CYRILLIC.search(text) and len(translated) >= _ENGLISH
    english, of_the_index = all_english and in_russian, all_english and not in_russian
    return _WORD.sub(mend, text)


def _spelt_otherwise(word: str, known: Callable[[str], bool], spelling: Callable[[], Spelling]) -> str:
    """A word of the index in the other alphabet, or else the nearest one; empty if there is none."""
    folded = fold(word)
    if len(word) < _SHORTEST_NAME:
        return ""
    if _LATIN.fullmatch(word):
        in_other_letters = cyrillic(folded) if len(word) >= _SHORTEST - 1 else ""
    else:
        in_other_letters = latin(folded)
    if in_other_letters and known(stem(in_other_letters)):
        return in_other_letters
    other = spelling().nearest(folded)
    return other if other and _is_slip(folded, other) else ""


def _is_slip(word: str, meant: str) -> bool:
    """Whether one word may be another misspelt.

    A word of the dictionary is one only where vowels are written as they sound («волюты»). Where both begin alike, they
    are of one family («закупали», «закупки»), which does as well. No other verb becomes a noun.
    """
    if is_word(word):
        said, other = stem(word), stem(meant)
        alike = len(said) >= _SHORTEST - 1 and said.translate(_SOUNDS) == other.translate(_SOUNDS)
        return alike or said[:_SHORTEST] == other[:_SHORTEST]
    return is_verb(meant) or not is_verb(word)


def with_other_words(query: Query, frequency: Callable[[str], int]) -> Query:
    """The question with other names of its concepts, and with the verbs and nouns that go with its words.

    Args:
        query: what was asked.
        frequency: of a stem in the index.
    """
    words = [fold(word) for word in _WORD.findall(query.text) if not is_compound(word)]
    others = thesaurus().others(words, frequency)
    stems = [*(term for _, other in others for term in terms(other)), *relatives(words, frequency)]
    return replace(query, others=tuple(others), related=tuple(dict.fromkeys(stems)))


def _in_russian(word: str, known: Callable[[str], bool]) -> list[str]:
    """The equivalents of an English word that the index has."""
    if not _LATIN.fullmatch(word):
        return []
    return [other for other in RUSSIAN.get(stem(fold(word)), ()) if known(stem(fold(other)))]


def _in_one(text: str, known: Callable[[str], bool]) -> str:
    """«штрих-код» and «штрих код» as «штрихкод», if the index has that and not both of the halves by themselves."""
    found = list(_WORD.finditer(text))
    after = len(text) + 1
    for one, two in reversed(list(pairwise(found))):
        joined = _joined(one[0], two[0], text[one.end() : two.start()], known)
        if joined and two.end() < after:
            text = text[: one.start()] + joined + text[two.end() :]
            after = one.start()
    return text


def _joined(one: str, two: str, gap: str, known: Callable[[str], bool]) -> str:
    """Two halves as the one word that the index knows; empty if it is none."""
    if gap not in _GAPS or {fold(one), fold(two)} & FUNCTION_WORDS:
        return ""
    for halves in ((fold(one), fold(two)), (cyrillic(fold(one)), cyrillic(fold(two)))):
        joined = "".join(halves)
        apart = gap == " " and all(known(stem(half)) for half in halves)
        if len(joined) > _SHORTEST and not apart and known(stem(joined)):
            return joined
    return ""


def distance(one: str, other: str) -> int:
    """Least number of letters to insert, delete, replace or swap with the next (Damerau, CACM 1964)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _deletions(word: str) -> set[str]:
    return {word} | {word[:place] + word[place + 1 :] for place in range(len(word))}
