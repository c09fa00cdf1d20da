"""From text to search terms: the one analyser for questions and documents. Pure functions.

An identifier gives one term for the whole of it and one for each of its parts, so that both
«ПолучитьКурсВалюты» and «как получить курс валюты» find it:

    "ПолучитьКурсВалюты"  →  #получитькурсвалюты  получ  курс  валют

Parts are stemmed by the stemmer of their own script: a Russian stemmer cuts Latin words to pieces
("data" → "dat"), an English one leaves Cyrillic words whole.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import snowballstemmer

from rag_demo.index.nouns import plain_form
from rag_demo.index.words import FUNCTION_WORDS, KEYWORDS

_WORD = re.compile(r"\w+")
# Borders: lower to upper case, the last capital of an acronym before a word, letters to digits, and one
# script to the other. Capitals of the same script stay together: "HTTPСоединение" → HTTP, Соединение.
_PART = re.compile(
    r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+"
    r"|[А-ЯЁ]+(?=[А-ЯЁ][а-яё])|[А-ЯЁ]?[а-яё]+|[А-ЯЁ]+"
    r"|[^\W\d_A-Za-zА-Яа-яЁё]+|\d+"
)
_LATIN = re.compile(r"[A-Za-z]+")
_CYRILLIC = re.compile(r"[А-Яа-яЁё]+")
_LATIN_LOOKS = "aceopxyABCEHKMOPTXY"
_CYRILLIC_LOOKS = "асеорхуАВСЕНКМОРТХУ"
_TO_CYRILLIC = dict(zip(_LATIN_LOOKS, _CYRILLIC_LOOKS, strict=True))
_TO_LATIN = dict(zip(_CYRILLIC_LOOKS, _LATIN_LOOKS, strict=True))
# Longer terms are hashes and encoded pictures; they only make the index larger.
_LONGEST_TERM = 80
_thread = threading.local()


def fold(text: str) -> str:
    """Spelling without meaning removed: composed letters, lower case, «е» for «ё»."""
    return unicodedata.normalize("NFC", text).lower().replace("ё", "е")


def split_identifier(word: str) -> list[str]:
    """Words that a CamelCase or snake_case identifier of either script is made of, spelling kept."""
    return _PART.findall(word)


def natural(identifier: str) -> str:
    """The identifier as a person would write it: «ПолучитьКурсВалюты» → «получить курс валюты»."""
    parts = split_identifier(identifier)
    return " ".join(part if part.isupper() and len(part) > 1 else part.lower() for part in parts)


def is_compound(word: str) -> bool:
    """Whether the word is an identifier of several parts, which people do not write by accident."""
    return len(split_identifier(word)) > 1


def terms(text: str, *, code: bool = False) -> list[str]:
    """Search terms of ``text`` in reading order, repetitions kept.

    Args:
        text: prose, an identifier, or program text.
        code: also leave out the words of the language itself («Если», «КонецПроцедуры», "Return").
            They carry meaning in a question («возврат товара»), but none in a body.
    """
    found: list[str] = []
    for word in _WORD.findall(unicodedata.normalize("NFC", text)):
        if not (code and fold(word) in KEYWORDS):
            found.extend(_terms_of_word(word))
    return found


@lru_cache(maxsize=200_000)
def _terms_of_word(word: str) -> tuple[str, ...]:
    result = dict.fromkeys(_terms_of_spelling(word))
    for other in _other_spellings(word):
        result.update(dict.fromkeys(_terms_of_spelling(other)))
    return tuple(result)


def _terms_of_spelling(word: str) -> Iterator[str]:
    if len(word) > _LONGEST_TERM:
        return
    parts = split_identifier(word)
    if len(parts) > 1:
        yield "#" + fold(word)
    for part in parts:
        folded = fold(part)
        if folded in FUNCTION_WORDS or (len(parts) > 1 and len(folded) == 1):
            continue
        yield stem(folded)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Stem of a folded word, by the stemmer of its script; words of other scripts stay as they are."""
    if _CYRILLIC.fullmatch(word):
        return _stemmer("russian", plain_form(word))
    if _LATIN.fullmatch(word) and len(word) > 3:  # "ids", "sms", "was": too short to cut safely
        return _stemmer("english", word)
    return word


def _stemmer(language: str, word: str) -> str:
    # Stemmers keep the word they work on in themselves, so each thread has its own pair.
    stemmer = getattr(_thread, language, None)
    if stemmer is None:
        stemmer = snowballstemmer.stemmer(language)
        setattr(_thread, language, stemmer)
    return str(stemmer.stemWord(word))


def _other_spellings(word: str) -> Iterator[str]:
    """The word with look-alike letters of the wrong script put right, if it mixes scripts.

    Real code contains «видимоcть» and «ТелефонCДобавочным» with a Latin c. Runs of two and more capitals
    are left alone, and single Cyrillic capitals too: in "COMОбъект" the one is an acronym, in "JSONВXML"
    the other a preposition.
    """
    latin, cyrillic = len("".join(_LATIN.findall(word))), len("".join(_CYRILLIC.findall(word)))
    if not latin or not cyrillic:
        return
    run, table = (_LATIN, _TO_CYRILLIC) if cyrillic >= latin else (_CYRILLIC, _TO_LATIN)

    def mend(match: re.Match[str]) -> str:
        letters = match[0]
        slip = letters.islower() or (len(letters) == 1 and run is _LATIN)
        slip = slip and all(letter in table for letter in letters)
        return "".join(table[letter] for letter in letters) if slip else letters

    mended = run.sub(mend, word)
    if mended != word:
        yield mended
