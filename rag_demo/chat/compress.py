"""What of a long passage goes to the model: the statements that speak of the question. Pure functions.

A passage is cut into pieces that are understood alone: a statement of code with its continuation lines, a line of a
comment or of a rendered object, a sentence of prose. The head stays (what is it called, what is it for), then pieces
are taken by how much of the question they cover, then their neighbours, until the budget of tokens is full. Whatever
is taken stays word for word, so that a quotation of it can be found in the source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag_demo.index.analyse import terms
from rag_demo.types import Document

GAP = "[…]"
_LONGEST_LINE = 1_000  # longer ones are data (pictures, keys); their beginning tells what they are
_STATEMENT_END = re.compile(
    r"(?:;|\b(?:тогда|цикл|попытка|исключение|иначе|экспорт|then|do|try|except|else|export)|\))\s*(?://.*)?$",
    re.IGNORECASE,
)
_DECLARATION = re.compile(
    r"^\s*(?:асинх\s+|async\s+)?(?:процедура|функция|procedure|function)\s+\w+\s*\(", re.IGNORECASE
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[А-ЯЁA-Z«\"])")
_LIST = re.compile(r"(?<=,)\s+")
_LONG_LIST = 12  # items
_NEIGHBOUR = 0.3  # of its own worth that a piece lends the ones beside it


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a passage that is kept or left out as a whole. ``glue`` stands between it and the next one."""

    text: str
    head: bool = False
    glue: str = "\n"


def readable(document: Document) -> str:
    """What a person reads of a document: code as it stands, objects, forms and pages without their markup."""
    if document.doc_type in {"method", "module"} or not document.body:
        return document.text
    return document.body


def pieces_of(document: Document) -> list[Piece]:
    """The passage in pieces, in order; joined by their glue they give `readable` again, long lines shortened."""
    text = readable(document)
    if document.doc_type in {"method", "module"}:
        return _code("\n".join(line[:_LONGEST_LINE] for line in text.split("\n")))
    return [replace(piece, text=piece.text[:_LONGEST_LINE]) for piece in _prose(text)]


def compress(
    pieces: Sequence[Piece], tokens: Sequence[int], weights: Mapping[str, float], *, budget_tokens: int
) -> tuple[str, bool]:
    """The pieces that fit the budget, with ``[…]`` for what is left out; and whether anything was.

    Args:
        pieces: from `pieces_of`.
        tokens: of each piece, by the tokenizer of the model.
        weights: of the question's terms.
        budget_tokens: of the result. The first piece is kept even where it is larger.
    """
    if sum(tokens) <= budget_tokens:
        return _joined(pieces, range(len(pieces))), False
    kept: set[int] = set()
    left = budget_tokens
    for place in _by_worth(pieces, weights):
        # A gap costs a token or two on each side of what is kept.
        if not kept or tokens[place] + 2 <= left:
            kept.add(place)
            left -= tokens[place] + 2
    return _joined(pieces, sorted(kept)), True


def _by_worth(pieces: Sequence[Piece], weights: Mapping[str, float]) -> list[int]:
    """Places of the pieces, the most useful first: heads, then cover of the question, then order."""
    own = [_cover(piece.text, weights) for piece in pieces]
    beside = [max(own[max(place - 1, 0) : place + 2], default=0.0) for place in range(len(own))]
    worth = [(mine + _NEIGHBOUR * near) for mine, near in zip(own, beside, strict=True)]
    said = [place for place, piece in enumerate(pieces) if piece.text.strip()]
    return sorted(said, key=lambda place: (not pieces[place].head, -worth[place], place))


def _cover(text: str, weights: Mapping[str, float]) -> float:
    return sum(weights.get(term, 0.0) for term in set(terms(text)))


def _joined(pieces: Sequence[Piece], places: Sequence[int]) -> str:
    parts: list[str] = []
    following = 0
    for place in places:
        if place > following:
            said = any(piece.text.strip() for piece in pieces[following:place])
            own_line = not parts or parts[-1].endswith("\n")
            parts.append((f"{GAP}\n" if own_line else f" {GAP} ") if said else "\n")
        parts.append(pieces[place].text + pieces[place].glue)
        following = place + 1
    if following < len(pieces):
        parts.append(GAP)
    return "".join(parts).strip("\n")


def _code(text: str) -> list[Piece]:
    lines = text.split("\n")
    pieces: list[Piece] = []
    statement: list[str] = []
    described = False
    for line in lines:
        statement.append(line)
        bare = line.strip()
        if _is_open(statement) and bare and not bare.startswith("//"):
            continue
        whole = "\n".join(statement)
        comment = bare.startswith("//")
        head = bool(_DECLARATION.match(statement[0])) or (comment and not described and len(bare) > 2)
        described |= head
        pieces.append(Piece(whole, head=head))
        statement = []
    return pieces + ([Piece("\n".join(statement))] if statement else [])


def _is_open(statement: Sequence[str]) -> bool:
    """Whether a statement goes on in the next line: a text or a bracket is open, or nothing ends it."""
    text = " ".join(statement)
    if text.count('"') % 2:
        return True
    bare = re.sub(r'"[^"]*"', '""', text)
    return bare.count("(") > bare.count(")") or not _STATEMENT_END.search(statement[-1])


def _prose(text: str) -> list[Piece]:
    pieces: list[Piece] = []
    for number, line in enumerate(text.split("\n")):
        parts = _LIST.split(line) if line.count(", ") >= _LONG_LIST else _SENTENCE.split(line)
        pieces += [Piece(part, head=number == 0 and not place, glue=" ") for place, part in enumerate(parts)]
        pieces[-1] = Piece(pieces[-1].text, head=pieces[-1].head)
    return pieces
