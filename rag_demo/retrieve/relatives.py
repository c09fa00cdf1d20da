"""Verbs and their nouns, which a stemmer keeps apart: «отгрузить», «отгружать», «отгрузка». Pure functions.

The forms are made by the rules of the language, so that most of them are no words; the index knows which are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from rag_demo.index.analyse import stem
from rag_demo.index.nouns import dictionary_form
from rag_demo.index.words import FUNCTION_WORDS

_SHORTEST = 5
_MOST = 2  # relatives of one word
# Endings of verbs, and those of nouns and of other verbs that replace them: the first that fits.
_OF_VERBS = (
    ("ировать", "ирование ация ировка"),
    ("ывать", "ывание ка ание ение ать ить"),
    ("ивать", "ивание ка ение ание ить ать еть"),
    ("овать", "ование овка ация"),
    ("ать", "ание ение ка ить ывать ивать"),
    ("ять", "ение яние ка ить"),
    ("ить", "ение ка ять ать ивать ывать"),
    ("еть", "ение"),
    ("ыть", "ытие ывать"),
)
_OF_NOUNS = (
    ("ирование", "ировать"),
    ("ировка", "ировать"),
    ("ация", "ировать овать"),
    ("ывание", "ывать ать ить"),
    ("ивание", "ивать ить ать"),
    ("ование", "овать"),
    ("овка", "овать"),
    ("ытие", "ыть ывать"),
    ("ание", "ать"),
    ("яние", "ять"),
    ("ение", "ить ять еть"),
    ("ка", "ить ать ывать ивать ять"),
)
# How a consonant softens before «-ение» and «-ать»: «отразить», «отражение».
_SOFTENED = (
    *(("ст", "щ"), ("д", "жд"), ("д", "ж"), ("т", "щ"), ("т", "ч"), ("з", "ж"), ("с", "ш")),
    *(("б", "бл"), ("п", "пл"), ("в", "вл"), ("м", "мл")),
)


def relatives(words: Sequence[str], frequency: Callable[[str], int]) -> list[str]:
    """Stems of verbs for the nouns among ``words`` and of nouns for the verbs, the commonest that the index has.

    Args:
        words: of a question, folded.
        frequency: of a stem in the index.
    """
    there = set(map(stem, words))
    found: list[str] = []
    for word in words:
        stems = {stem(other) for other in _forms(word)} - there
        known = sorted((-frequency(other), other) for other in stems if frequency(other))[:_MOST]
        found += [other for _, other in known]
        there.update(found)
    return found


@lru_cache(maxsize=50_000)
def _forms(word: str) -> tuple[str, ...]:
    if len(word) < _SHORTEST or word in FUNCTION_WORDS:
        return ()
    plain, part = dictionary_form(word)
    if part == "noun":
        return tuple(form for form in _replaced(plain, _OF_NOUNS, harden=True) if dictionary_form(form)[1] == "verb")
    if part == "verb":
        plain = plain.removesuffix("ся").removesuffix("сь")
        made = _replaced(plain, _OF_VERBS, harden=False)
        return (plain, *(form for form in made if dictionary_form(form) in {(form, "noun"), (form, "verb")}))
    return ()


def _replaced(word: str, rules: Sequence[tuple[str, str]], *, harden: bool) -> Iterator[str]:
    for ending, others in rules:
        if word.endswith(ending):
            root = word.removesuffix(ending)
            pairs = [(soft, hard) if harden else (hard, soft) for hard, soft in _SOFTENED]
            roots = [root, *(root.removesuffix(one) + two for one, two in pairs if root.endswith(one))]
            yield from (base + other for base in roots for other in others.split())
            return
