"""Whether a source says what a sentence says of it. Pure functions on prepared sources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag_demo.chat.checking.bindings import Spoken, read
from rag_demo.chat.checking.claims import Negated, clauses, counted, figures, has_negation, negated
from rag_demo.chat.compress import readable
from rag_demo.chat.suspicious import is_suspicious_name, parted
from rag_demo.chat.vocabulary import ABSENCES, framing, opposites, roots
from rag_demo.index.analyse import fold, terms
from rag_demo.types import Document

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n")
_TAG = re.compile(r"<[^>]*>")
_COMMENT = re.compile(r"^\s*//+\s?", re.MULTILINE)
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w+")
_GAP = re.compile(r"\[?(?:…|\.\.\.)\]?")
STRESS = "\u0301"  # «бо́льшая» is the word «большая»
_CYRILLIC = re.compile(r"[а-яё]")
_ALIGNED = 0.88  # a clause speaks of the same as the best one if it shares that much of what that one shares
_MOST_ALIGNED = 4


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence or line of a source. ``around`` are the roots of the whole sentence."""

    text: str
    roots: frozenset[str]
    negated: frozenset[str]
    affirmed: frozenset[str]  # those that it has once more without a negation
    around: frozenset[str]
    denied_around: bool  # something in the sentence is negated


@dataclass(frozen=True, slots=True)
class Evidence:
    """A source prepared for checks; lines that give orders are left out."""

    document: Document
    clauses: tuple[Clause, ...]
    lines: tuple[tuple[frozenset[str], frozenset[str]], ...]  # roots and figures
    spoken: Spoken
    roots: frozenset[str]
    words: frozenset[str]  # folded, as written
    plain: str  # folded, blanks made one, for quotations
    orders: frozenset[str]  # roots of the lines left out
    counts: frozenset[str]  # how many lines and items it lists
    names: frozenset[str]  # folded dotted endings of what the source is called


@lru_cache(maxsize=256)
def prepare(document: Document) -> Evidence:
    """The evidence that a document can give; follow-ups mostly rest on the same ones."""
    (shown, orders), (described, more) = parted(readable(document)), parted(document.doc)
    # Of markup only names and quotations are of use. What is suspicious there was found in what is read of it.
    code = document.text if shown is document.text or not orders else parted(document.text)[0]
    called = [document.full_name, document.header, document.synonym, document.name, document.path.replace("/", " ")]
    titles = [title for title in called if not is_suspicious_name(title)]
    texts = [_COMMENT.sub("", text).replace(STRESS, "") for text in dict.fromkeys([*titles, described, shown])]
    bare = _TAG.sub(" ", _COMMENT.sub("", code))
    # A sentence of a comment may go over several lines; a line of code stands alone.
    whole = " ".join(described.split("\n")).replace(STRESS, "")
    sentences = [part for text in [*texts, whole] for part in _SENTENCE_END.split(text)]
    lines = [(frozenset(roots(terms(text))), frozenset(figures(text))) for text in dict.fromkeys(sentences)]
    return Evidence(
        document=document,
        clauses=tuple(_clauses(dict.fromkeys(sentences))),
        lines=tuple(lines),
        spoken=_spoken(sentences, code=shown if document.doc_type in {"method", "module"} else ""),
        roots=frozenset().union(*(found for found, _ in lines)),
        words=frozenset(word for text in (*texts, bare) for word in _WORD.findall(fold(text))),
        plain=_plain("\n".join([*texts, bare, code])),
        orders=frozenset(roots(terms("\n".join([orders, more, *(title for title in called if title not in titles)])))),
        counts=_counts(shown),
        names=_endings(document.full_name),
    )


def _spoken(sentences: Iterable[str], *, code: str) -> Spoken:
    """The sentences read; lines of code apart."""
    written = (line for line in code.split("\n") if not line.lstrip().startswith("//"))
    of_code = frozenset(_SENTENCE_END.split("\n".join(written)))
    lines = {text: read(text) for text in sentences}
    return Spoken(tuple(lines.values()), tuple(tokens for text, tokens in lines.items() if text not in of_code))


def content_of(sentence: str) -> list[str]:
    """The roots that carry the claim of a sentence, each once."""
    return [found for found in dict.fromkeys(roots(terms(sentence))) if found not in framing() and not found.isdigit()]


def coverage(content: Sequence[str], evidence: Iterable[Evidence]) -> float:
    """Share of the content that the sources have words for; 1 for a sentence that claims nothing in words.

    Words of another language than the sources speak cannot be compared and are left out, but one must be known.
    """
    known = frozenset().union(*(source.roots for source in evidence))
    cyrillic = any(_CYRILLIC.search(found) for found in known)
    comparable = [found for found in content if found in known or bool(_CYRILLIC.search(found)) == cyrillic]
    if not content:
        return 1.0
    return sum(found in known for found in comparable) / len(comparable) if comparable else 0.0


def contradicts(sentence: str, evidence: Sequence[Evidence]) -> bool:
    """Whether a sentence denies what its source affirms, affirms what it denies, or says the opposite.

    Each clause is laid beside the clauses of the source that share most of its words.
    """
    whole = frozenset(roots(terms(sentence)))
    return any(_contradicts(clause, whole, evidence) for clause in clauses(sentence))


def unsupported_figures(sentence: str, content: Sequence[str], evidence: Sequence[Evidence]) -> list[str]:
    """The figures of a sentence that no source has near anything else the sentence speaks of."""
    wanted = frozenset(content)
    listed = frozenset(counted(sentence)) & frozenset().union(*(source.counts for source in evidence))
    return [
        figure
        for figure in figures(sentence)
        if figure not in listed and not any(_near(figure, wanted, source) for source in evidence)
    ]


def has_quotation(quote: str, evidence: Iterable[Evidence]) -> bool:
    """Whether each part of a quotation stands in one of the sources, blanks, case and «ё» aside."""
    sources = list(evidence)
    parts = [part for part in (_plain(part).strip(" .,;:!?") for part in _GAP.split(quote)) if part]
    return all(any(part in source.plain for source in sources) for part in parts)


def _contradicts(clause: str, whole: frozenset[str], evidence: Sequence[Evidence]) -> bool:
    own = frozenset(roots(terms(clause)))
    denials = negated(clause)
    beside = _beside(own, whole, evidence)
    if not beside:
        return bool(denials)
    denied = frozenset(entry.root for entry in denials)
    if any(_wrongly_denied(entry, own, beside, evidence) for entry in denials):
        return True
    open_denials = denied - beside[0].negated  # of other words than the source denies: said differently, perhaps
    affirmed = (own - framing() - denied) if not open_denials else frozenset()
    if any(_only_denied(found, beside) for found in affirmed):
        return True
    heard = frozenset().union(*(other.around for other in beside))
    return any(_opposed(found, heard - own) for found in own - heard)


def _opposed(found: str, heard: frozenset[str]) -> bool:
    """Whether the source says the opposite of a root."""
    return any(
        found.startswith(one) and any(other_root.startswith(other) for other_root in heard)
        for one, other in opposites()
    )


def _wrongly_denied(
    denial: Negated, own: frozenset[str], beside: Sequence[Clause], evidence: Sequence[Evidence]
) -> bool:
    """Whether a sentence denies what its source only affirms."""
    if beside[0].negated & own or (denial.word in ABSENCES and beside[0].denied_around):
        return False  # the source denies something of it, too, in other words
    everywhere = (other for source in evidence for other in source.clauses if denial.root in other.roots)
    said = [denial.root not in other.negated for other in beside if denial.root in other.roots] or [
        denial.root not in other.negated for other in everywhere
    ]
    if said:
        return all(said) and not beside[0].negated
    return not any(has_negation(other.text) for other in beside[:2])


def _only_denied(found: str, beside: Sequence[Clause]) -> bool:
    said = [found not in other.negated or found in other.affirmed for other in beside if found in other.roots]
    return bool(said) and not any(said)


def _beside(own: frozenset[str], whole: frozenset[str], evidence: Sequence[Evidence]) -> list[Clause]:
    """The clauses of the sources that share most with a clause, then with the whole sentence; the best first."""
    scored = [
        (2 * len(other.roots & own) + len(other.around & whole), -len(other.roots), other)
        for source in evidence
        for other in source.clauses
        if other.roots & own
    ]
    scored.sort(key=lambda entry: entry[:2], reverse=True)
    return [other for score, _, other in scored[:_MOST_ALIGNED] if score >= _ALIGNED * scored[0][0]]


def _near(figure: str, wanted: frozenset[str], source: Evidence) -> bool:
    for place, (_, found) in enumerate(source.lines):
        if figure in found:
            around = source.lines[max(place - 1, 0) : place + 2]
            if not wanted or any(wanted & known for known, _ in around):
                return True
    return False


def _clauses(sentences: Iterable[str]) -> Iterator[Clause]:
    for sentence in sentences:
        around = frozenset(roots(terms(sentence)))
        around_denied = has_negation(sentence)
        for text in clauses(sentence):
            denied, said = [entry.root for entry in negated(text)], Counter(roots(terms(text)))
            affirmed = frozenset(said - Counter(denied)) if denied else frozenset(said)
            yield Clause(text, frozenset(said), frozenset(denied), affirmed, around, around_denied)


def _plain(text: str) -> str:
    return _SPACE.sub(" ", fold(text).replace('""', '"').replace(STRESS, "")).strip()


def _counts(text: str) -> frozenset[str]:
    """How many items a list has: «шесть значений» counts what the source enumerates."""
    lines = text.split("\n")
    kinds = Counter(line.split(" ", 1)[0] for line in lines)
    items = [line.count(", ") + 1 for line in lines if ", " in line]
    return frozenset(str(number) for number in (*kinds.values(), *items) if number > 1)


def _endings(full_name: str) -> frozenset[str]:
    parts = fold(full_name).split(".")
    return frozenset(".".join(parts[start:]) for start in range(len(parts)))
