"""What belongs to what in a sentence and in its source: figures, moments, steps. Pure functions.

A sentence may have nothing but words of its source and still say something else: another of its figures, «до» for
«после», its steps in another order, the two sides of a comparison changed. What stands near what tells.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag_demo.chat.checking.claims import figures
from rag_demo.chat.checking.sentences import without_citations
from rag_demo.chat.vocabulary import ABSOLUTE, EXCEPTIONS, NUMBER_WORDS, TURNS, UNLIMITED, closed_classes, roots
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
# What has more is a table or worse, not a sentence: each figure is compared with each of the sources.
_MOST_FIGURES = 20  # of a piece
_MOST_PIECES = 50  # of a sentence

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
    if not figures(sentence):
        return []
    figured = (piece for piece in map(read, _PIECE.split(sentence)) if _figures(piece))
    pieces = list(itertools.islice(figured, _MOST_PIECES))
    told, code_too = ([_Figured.of(line) for line in lines] for lines in (spoken.told, spoken.all))
    return [figure[1:] for piece in pieces for figure in _elsewhere(piece, code_too, told)]


def is_turned(sentence: str, spoken: Spoken) -> bool:
    """Whether a sentence says «до X» where the source says «после X», or turns steps or a comparison round."""
    return (
        _at_another_time(read(sentence), spoken)
        or _in_another_order(sentence, spoken.told)
        or _swapped(sentence, spoken.told)
    )


def other_members(sentence: str, known: Iterable[str]) -> bool:
    """Whether a sentence names a day, unit or method that the source does not, which names another of that sort.

    Args:
        sentence: without quotations.
        known: folded words of the sources.
    """
    said = _forms(_WORD.findall(fold(sentence)))
    classes = [members for members in closed_classes() if said & members.keys()]
    forms = _forms(known) if classes else frozenset()
    for members in classes:
        here, there = ({members[form] for form in found & members.keys()} for found in (said, forms))
        if there and not here & there:
            return True
    return False


def denies_exceptions(sentence: str, spoken: Spoken, known: Iterable[str]) -> bool:
    """Whether a sentence says «всегда» of what the source makes an exception for; one that makes none seldom says so.

    Args:
        sentence: without quotations.
        spoken: what the sources say.
        known: their folded words.
    """
    if not _forms(_WORD.findall(fold(sentence))) & ABSOLUTE or _forms(known) & (ABSOLUTE | UNLIMITED):
        return False
    said = frozenset().union(*read(sentence))
    about = said - FUNCTION_WORDS - ABSOLUTE
    told = (frozenset().union(*line) for line in spoken.told)
    return not said & EXCEPTIONS and any(line & EXCEPTIONS and 2 * len(line & about) >= len(about) for line in told)


def _forms(folded: Iterable[str]) -> frozenset[str]:
    return frozenset(
        form for word in folded for form in (word, dictionary_form(word)[0], word.removesuffix("s")) if word.isalpha()
    )


@dataclass(frozen=True, slots=True)
class _Figured:
    """A line with where its figures and its words stand."""

    figures: tuple[tuple[int, Token], ...]
    places: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, line: Sequence[Token]) -> _Figured:
        places: dict[str, list[int]] = {}
        found = tuple((place, token) for place, token in enumerate(line) if _figures([token]))
        for place, token in enumerate(line) if found else ():
            for part in token:
                places.setdefault(part, []).append(place)
        return cls(found, places)

    def nearness(self, context: Token) -> list[tuple[Token, dict[str, float]]]:
        """Each figure with how near each word of a context is to it."""
        known = [(part, self.places[part]) for part in context if part in self.places]
        return [(token, _nearness(place, known)) for place, token in self.figures] if known else []


def _nearness(place: int, known: Iterable[tuple[str, Sequence[int]]]) -> dict[str, float]:
    apart = {part: min((abs(place - other) for other in places if other != place), default=0) for part, places in known}
    return {part: 1 / steps for part, steps in apart.items() if steps}


def _figures(tokens: Iterable[Token]) -> Token:
    return frozenset(part for token in tokens for part in token if part.startswith("#"))


def _elsewhere(piece: Sequence[Token], lines: Iterable[_Figured], told: Iterable[_Figured]) -> Iterator[str]:
    """Figures of a piece to which other figures of the source are nearer than they are themselves."""
    own = _figures(piece)
    context = frozenset().union(*piece) - FUNCTION_WORDS
    if len(own) > _MOST_FIGURES or context == own:
        return
    mine, others = ([near for line in some for near in line.nearness(context)] for some in (lines, told))
    others = [(found, near) for found, near in others if not found & own]
    for figure in own if others else ():
        beside = frozenset().union(*(token for token in piece if figure not in token)) & context
        here = _nearest((near for found, near in mine if figure in found), beside)
        if 0 < here * _NEARER < _nearest((near for _, near in others), beside):
            yield figure


def _nearest(several: Iterable[Mapping[str, float]], context: Token) -> float:
    return max((sum(share for part, share in near.items() if part in context) for near in several), default=0.0)


def _at_another_time(said: Sequence[Token], spoken: Spoken) -> bool:
    for word, opposite in (*TURNS, *((other, word) for word, other in TURNS)):
        meant = [behind for behind in _behind(word, said) if behind]
        if meant:
            same = frozenset().union(*(behind for line in spoken.all for behind in _behind(word, line)))
            turned = frozenset().union(*(behind for line in spoken.told for behind in _behind(opposite, line)))
            if any(behind & turned and not behind & same for behind in meant):
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
    in_steps = Counter(word for step in steps for word in step)
    own = [frozenset(word for word in step if in_steps[word] == 1) for step in steps]
    if len(own) < 2 or not all(own):
        return False
    for line in lines:
        if len(in_steps.keys() & frozenset().union(*line)) < _OF_STEPS * len(in_steps):
            continue
        places = [_place(step, line) for step in own]
        known = [place for place in places if place is not None]
        if len(known) == len(places) and known != sorted(known):
            return True
    return False


def _place(own: Token, line: Sequence[Token]) -> float | None:
    """Where the words stand that only one step has."""
    places = [place for place, token in enumerate(line) if token & own]
    return sum(places) / len(places) if places else None


def _swapped(sentence: str, lines: Iterable[tuple[Token, ...]]) -> bool:
    compared = ((piece, _COMPARED.search(piece)) for piece in _PIECE.split(fold(sentence)))
    for piece, match in itertools.islice(((piece, match) for piece, match in compared if match), _MOST_PIECES):
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


_KEPT = frozenset(word for pair in TURNS for word in pair) | EXCEPTIONS | ABSOLUTE
