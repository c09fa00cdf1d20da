"""What belongs to what in a sentence and in its source: figures, moments, steps. Pure functions.

A sentence may have nothing but words of its source and still say something else: another of its figures, «до» for
«после», its steps in another order, the two sides of a comparison changed. What stands near what tells.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag_demo.chat.checking.claims import figures
from rag_demo.chat.checking.sentences import without_citations
from rag_demo.chat.vocabulary import ABSOLUTE, NUMBER_WORDS, TURNS, UNLIMITED, closed_classes, roots
from rag_demo.index.analyse import fold, terms
from rag_demo.index.nouns import dictionary_form
from rag_demo.index.words import FUNCTION_WORDS

_TOKEN = re.compile(r"\d+(?:[ \u00a0\u202f]\d{3})*(?:[.,]\d+)*(?!\w)|[^\W\d_]\w*|[,;]")
_WORD = re.compile(r"[^\W\d_]+")
_PIECE = re.compile(r"[,;](?!\d)")
_NEARER = 1.3  # a figure belongs to another one's words where that one is so much nearer to them
_FIRST = re.compile(r"\b(?:сначала|сперва|порядок|порядке|first)\b", re.IGNORECASE)
_THEN = re.compile(r"[,;]|\b(?:потом|затем|далее|then)\b", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:важнее|главнее|больше|меньше|выше|ниже|старше|дороже|дешевле|чем|than|over)\b")
_OF_STEPS = 0.6  # of the words of all steps, for a line that can tell their order
_MOST_AFTER = 3  # words behind «до» and «после» that tell of what

_MARK: tuple[frozenset[str], ...] = (frozenset(),) * 2  # a comma keeps words apart as two words would

# Roots of a word, "#12" for a figure, the word itself where it is a function word, nothing for a mark.
Token: TypeAlias = "frozenset[str]"  # noqa: S105  # no secret


def read(text: str) -> tuple[Token, ...]:
    """The words and figures of a text in their order."""
    found = _TOKEN.findall(without_citations(text))
    return tuple(token for word in found for token in ([_token(word)] if word[0].isalnum() else _MARK))


@dataclass(frozen=True, slots=True)
class Spoken:
    """What sources say, read. Code bears a sentence out, but only what was written for people can speak against it."""

    all: tuple[tuple[Token, ...], ...]
    told: tuple[tuple[Token, ...], ...]


def together(several: Iterable[Spoken]) -> Spoken:
    """What several sources say."""
    known = list(several)
    return Spoken(tuple(line for one in known for line in one.all), tuple(line for one in known for line in one.told))


def figures_of_others(sentence: str, spoken: Spoken) -> list[str]:
    """Figures that the source has, but beside other words than the sentence has them."""
    found: list[str] = []
    for piece in _PIECE.split(sentence) if figures(sentence) else ():
        here = read(piece)
        own = frozenset(part for token in here for part in token if part.startswith("#"))
        for figure in own:
            context = frozenset().union(*(other for other in here if figure not in other)) - FUNCTION_WORDS
            if any(root[0].isalpha() for root in context) and _belongs_elsewhere(figure, context, own, spoken):
                found.append(figure[1:])
    return found


def is_turned(sentence: str, spoken: Spoken) -> bool:
    """Whether a sentence says «до X» where the source says «после X», or turns steps or a comparison round."""
    return (
        _at_another_time(read(sentence), spoken)
        or _in_another_order(sentence, spoken.told)
        or _swapped(sentence, spoken.told)
    )


def other_members(sentence: str, known: Iterable[str]) -> bool:
    """Whether a sentence names a day, unit or method that the source does not, which names another of that sort.

    «Всегда» is such a word, too: a source that makes no exception seldom says so, one that makes one never does.

    Args:
        sentence: without quotations.
        known: folded words of the sources.
    """
    said = _forms(_WORD.findall(fold(sentence)))
    classes = [members for members in closed_classes() if said & members.keys()]
    forms = _forms(known) if classes or said & ABSOLUTE else frozenset()
    if said & ABSOLUTE and not forms & (ABSOLUTE | UNLIMITED):
        return True
    for members in classes:
        here, there = ({members[form] for form in found & members.keys()} for found in (said, forms))
        if there and not here & there:
            return True
    return False


def _forms(folded: Iterable[str]) -> frozenset[str]:
    return frozenset(
        form for word in folded for form in (word, dictionary_form(word)[0], word.removesuffix("s")) if word.isalpha()
    )


def _belongs_elsewhere(figure: str, context: Token, own: Token, spoken: Spoken) -> bool:
    mine = max((near for found, near in _nearness(spoken.all, context) if figure in found), default=0.0)
    others = max((near for found, near in _nearness(spoken.told, context) if not found & own), default=0.0)
    return 0 < mine * _NEARER < others


def _nearness(lines: Iterable[tuple[Token, ...]], context: Token) -> Iterator[tuple[Token, float]]:
    """Each figure of the lines with how near the words of a context are to it."""
    for line in lines:
        figured = [place for place, token in enumerate(line) if any(part.startswith("#") for part in token)]
        places = [[n for n, token in enumerate(line) if root in token] for root in context] if figured else []
        for place in figured:
            apart = (min((abs(place - n) for n in found if n != place), default=0) for found in places)
            yield line[place], sum(1 / steps for steps in apart if steps)


def _at_another_time(said: Sequence[Token], spoken: Spoken) -> bool:
    for word, opposite in (*TURNS, *((other, word) for word, other in TURNS)):
        for meant in _behind(word, said):
            same = any(meant & behind for line in spoken.all for behind in _behind(word, line))
            if not same and any(meant & behind for line in spoken.told for behind in _behind(opposite, line)):
                return True
    return False


def _behind(word: str, tokens: Sequence[Token]) -> Iterator[Token]:
    for place, token in enumerate(tokens):
        if word in token:
            following = [other - FUNCTION_WORDS for other in tokens[place + 1 : place + 1 + _MOST_AFTER]]
            yield next((other for other in following if other), frozenset())


def _in_another_order(sentence: str, lines: Iterable[tuple[Token, ...]]) -> bool:
    if not _FIRST.search(sentence):
        return False
    steps = [frozenset().union(*read(step)) - FUNCTION_WORDS for step in _THEN.split(sentence)]
    steps = [step for step in steps if step]
    said = frozenset().union(*steps)
    for line in lines:
        if len(said & frozenset().union(*line)) < _OF_STEPS * len(said):
            continue
        places = [_place(step, steps, line) for step in steps]
        known = [place for place in places if place is not None]
        if len(known) >= 2 and len(known) == len(places) and known != sorted(known):
            return True
    return False


def _place(step: Token, steps: Sequence[Token], line: Sequence[Token]) -> float | None:
    """Where the words stand that only this step has."""
    own = step - frozenset().union(*(other for other in steps if other is not step))
    places = [place for place, token in enumerate(line) if token & own]
    return sum(places) / len(places) if places else None


def _swapped(sentence: str, lines: Iterable[tuple[Token, ...]]) -> bool:
    for piece in _PIECE.split(fold(sentence)):
        match = _COMPARED.search(piece)
        if not match:
            continue
        word = _token(match[0])
        before, after = (
            frozenset().union(*read(side)) - FUNCTION_WORDS for side in (piece[: match.start()], piece[match.end() :])
        )
        verdicts = [
            _sides(before - after, after - before, line, place)
            for line in lines
            for place, token in enumerate(line)
            if word & token
        ]
        if verdicts and max(verdicts) < 0:
            return True
    return False


def _sides(before: Token, after: Token, line: Sequence[Token], place: int) -> int:
    """1 where the sides of a comparison are those of a line, -1 where they are changed, else 0."""
    sides = (line[max(place - 4, 0) : place][::-1], line[place + 1 : place + 5])
    left, right = (frozenset().union(*itertools.takewhile(bool, side)) for side in sides)
    left, right = left - right, right - left
    straight = bool(before & left) + bool(after & right)
    crossed = bool(before & right) + bool(after & left)
    return (straight > crossed) - (crossed > straight)


def _token(word: str) -> Token:
    folded = fold(word)
    if word[0].isdigit():
        return frozenset(f"#{figure}" for figure in figures(word))
    if folded in NUMBER_WORDS:
        return frozenset({f"#{NUMBER_WORDS[folded]}"})
    if folded in FUNCTION_WORDS or folded in _KEPT:
        return frozenset({folded})
    return frozenset(roots(terms(word))) or frozenset({folded})


_KEPT = frozenset(word for pair in TURNS for word in pair)
