"""An answer taken apart: sentences with the sources they cite. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

SentenceKind = Literal["prose", "code", "lead"]
# [1], [1, 2], [1-3], and what models write instead: [^1], [источник 1], [source 1], 【1】, 【1†L5-L9】.
_OPEN = r"(?:\[\^?(?:(?:источник\w*|sources?|№)\s*)?|【)"
_NUMBERS = r"\d{1,9}(?:\s*[,;–-]\s*\d{1,9})*"
_CLOSE = r"(?:\]|(?:†[^\]】\n]{0,40})?】)"
_CITATION = re.compile(rf"{_OPEN}({_NUMBERS}){_CLOSE}", re.IGNORECASE)
_MOST_AT_ONCE = 50  # sources of one range
_FENCE = re.compile(r"^\s*(?:```|~~~)")
_BEHIND = rf"(?:\s*{_OPEN}{_NUMBERS}{_CLOSE}\.?)*"
_END = re.compile(
    r"(?<!\bт)(?<!\bт\.[едпк])(?<!\bсм)(?<!\bруб)(?<!\bнапр)(?<!\be\.g)(?<!\bi\.e)(?<!\d)[.!?…]+[»\"”)]*"
    rf"{_BEHIND}(?=\s+|$)"
    rf"|(?<=\d)[.!?…]{_BEHIND}(?=\s+[А-ЯЁA-Z`«\"]|\s*$)"
)
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)]|#{1,6}|>)\s+")
_RULE = re.compile(r"^[\s|:=-]+$")


@dataclass(frozen=True, slots=True)
class Sentence:
    """Letters ``start`` … ``end`` of an answer, and the sources that speak for them.

    ``own`` are the numbers cited within it; ``cited`` those and, where it has none, those of its block.
    """

    start: int
    end: int
    text: str
    kind: SentenceKind = "prose"
    own: tuple[int, ...] = ()
    cited: tuple[int, ...] = ()


def sentences_of(answer: str) -> list[Sentence]:
    """The sentences of an answer in Markdown, in order; headings, rules and blank lines are none."""
    return [sentence for block in _blocks(answer) for sentence in _inherit(block)]


def citations_in(text: str) -> tuple[int, ...]:
    """The numbers in ``[1]``, ``[1, 2]``, ``[1][3]``, ``[1-3]`` and ``【1】``, each once, in order."""
    found: list[int] = []
    for match in _CITATION.finditer(text):
        for part in re.split(r"[,;]", match[1]):
            ends = sorted(int(number) for number in re.split(r"[–-]", part))
            found += range(ends[0], ends[-1] + 1) if ends[-1] - ends[0] < _MOST_AT_ONCE else ends
    return tuple(dict.fromkeys(found))


def without_citations(text: str) -> str:
    """The text without the numbers of its sources."""
    return _CITATION.sub("", text)


def _blocks(answer: str) -> Iterator[list[Sentence]]:
    """Runs of sentences that may share a citation: a paragraph, a list with its lead-in, code with what is above."""
    block: list[Sentence] = []
    in_code = ended = False
    position = 0
    for line in answer.split("\n"):
        start, position = position, position + len(line) + 1
        fence = bool(_FENCE.match(line))
        if ended and line.strip() and not fence:
            yield block
            block, ended = [], False
        if fence:
            in_code, ended = not in_code, in_code
        elif in_code:
            if line.strip():
                block.append(Sentence(start, start + len(line), line, "code"))
        elif line.strip():
            block += _sentences(line, start)
        else:
            ended = bool(block) and block[-1].kind != "lead"
    yield block


def _sentences(line: str, offset: int) -> Iterator[Sentence]:
    if _RULE.match(line):
        return
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    for match in _END.finditer(line, start):
        yield from _sentence(line, start, match.end(), offset)
        start = match.end()
    yield from _sentence(line, start, len(line), offset)


def _sentence(line: str, start: int, end: int, offset: int) -> Iterator[Sentence]:
    text = line[start:end]
    if not re.search(r"\w", without_citations(text)):
        return
    start += len(text) - len(text.lstrip())
    own = citations_in(_uncoded(text))
    lead = text.rstrip(" *_").endswith(":")
    yield Sentence(offset + start, offset + end, line[start:end].rstrip(), "lead" if lead else "prose", own, own)


def _uncoded(text: str) -> str:
    return re.sub(r"`[^`]*`", "", text)


def _inherit(block: list[Sentence]) -> Iterator[Sentence]:
    """Sentences without a citation take the next one of their block, else the last before."""
    known: tuple[int, ...] = ()
    for place, sentence in enumerate(block):
        if sentence.own:
            known = sentence.own
            yield sentence
        else:
            later = next((other.own for other in block[place + 1 :] if other.own), ())
            first = known if sentence.kind == "code" or (known and block[0].kind == "lead") else later
            yield replace(sentence, cited=first or known or later)
