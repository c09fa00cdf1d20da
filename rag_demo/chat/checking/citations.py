"""Checks an answer against its sources and marks what they do not bear out. Pure functions.

An answer is taken apart into sentences. Each must cite a source that exists, and the source must say what the
sentence says: quotations word for word, every figure, every name, the same polarity, enough of the same words. Names
are also looked up in the catalogue of the configuration, so that a method in the wrong module is found out.

The check compares words, not meanings. It finds what a model makes up or changes; it cannot tell that a sentence made
of nothing but words of its source draws a wrong conclusion from them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag_demo.chat.checking.bindings import denies_exceptions, figures_of_others, is_turned, other_members, together
from rag_demo.chat.checking.claims import dotted_names, figures, identifiers, links, quotations
from rag_demo.chat.checking.sentences import Sentence, sentences_of, without_citations
from rag_demo.chat.checking.support import (
    STRESS,
    Evidence,
    content_of,
    contradicts,
    coverage,
    has_quotation,
    prepare,
    unsupported_figures,
)
from rag_demo.chat.ports import Names
from rag_demo.chat.suspicious import is_suspicious
from rag_demo.index.analyse import fold, stem
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.retrieve.kinds import canonical_name, spoken_kinds, words
from rag_demo.types import Mark, Source

Problem = Literal[
    "no_source",  # claims something and cites nothing
    "missing_source",  # cites a number that is not there
    "unknown_name",  # names what the configuration does not have
    "name_elsewhere",  # names what its source does not speak of
    "altered_quote",
    "figure",
    "negation",
    "unsupported",  # the source has too few of its words
    "wrong_source",  # another source says it, not the one that is cited
    "order",  # follows an order that stands in a source
    "link",
]
MARK = "⚠"
# Chosen on the statements in tests/unit/rag_demo/chat/statements.yaml.
ENOUGH = 0.5
_BETTER_ELSEWHERE = 0.34
_SHORT_CLAIM = 2  # roots
_REASONS: dict[Problem, tuple[str, str]] = {
    "no_source": ("источник не указан", "no source is given"),
    "missing_source": ("такого источника нет", "there is no such source"),
    "unknown_name": ("такого имени в конфигурации нет", "the configuration has no such name"),
    "name_elsewhere": ("источник об этом имени не говорит", "the source does not speak of this name"),
    "altered_quote": ("в источнике нет такой цитаты", "the source does not say it in these words"),
    "figure": ("в источнике нет такого числа", "the source does not have this figure"),
    "negation": ("источник говорит обратное или этого не говорит", "the source says the opposite, or not this"),
    "unsupported": ("источник этого не подтверждает", "the source does not bear this out"),
    "wrong_source": ("об этом говорит другой источник", "another source says this"),
    "order": ("это указание из источника, а не сведения", "this follows an order inside a source"),
    "link": ("в источнике нет такого адреса", "the source does not have this address"),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the marked sentences, how many there are in all, and how often each problem occurs."""

    marks: tuple[Mark, ...]
    sentences: int
    counts: Mapping[Problem, int] = field(default_factory=dict)


def reasons(mark: Mark, *, russian: bool) -> str:
    """What is wrong with a marked sentence, in words."""
    return "; ".join(_REASONS[problem][not russian] for problem in mark.problems if problem in _REASONS)


def amended(text: str, marks: Sequence[Mark]) -> str:
    """The answer with a warning sign behind every marked sentence."""
    for mark in sorted(marks, key=lambda mark: -mark.end):
        text = f"{text[: mark.end]} {MARK}{text[mark.end :]}"
    return text


def doubts(text: str, marks: Sequence[Mark], *, russian: bool) -> str:
    """What is wrong with each marked sentence of a text, a line each; for whoever was given the text without signs."""
    return "\n".join(f"{MARK} «{text[m.start : m.end]}» — {reasons(m, russian=russian)}" for m in marks)


def check(answer: str, sources: Sequence[Source], names: Names) -> Checked:
    """Compare an answer with the sources that were given for it.

    Args:
        answer: Markdown with ``[n]`` behind what source n says.
        sources: by number.
        names: the catalogue of the same spaces.
    """
    evidence = {source.n: prepare(source.hit.document) for source in sources}
    sentences = sentences_of(answer)
    found = [(sentence, _problems(sentence, evidence, names)) for sentence in sentences]
    marks = tuple(Mark(sentence.start, sentence.end, tuple(problems)) for sentence, problems in found if problems)
    counts: Counter[Problem] = Counter(problem for _, problems in found for problem in problems)
    return Checked(marks, len(sentences), dict(counts))


def _problems(sentence: Sentence, evidence: Mapping[int, Evidence], names: Names) -> list[Problem]:
    text = without_citations(sentence.text).replace(STRESS, "")
    problems: list[Problem] = ["missing_source"] if any(n not in evidence for n in sentence.cited) else []
    cited = [evidence[n] for n in sentence.cited if n in evidence]
    # Whatever a sentence names is looked up, cited or not.
    problems += _of_names(text, cited, names)
    if not cited:
        return _unique([*problems, "no_source"] if not problems and _claims(sentence, text) else problems)
    if sentence.kind == "code":
        return _unique(problems)
    content = content_of(_without_quotations(text))
    problems += ["altered_quote" for quote in quotations(text) if _is_altered(quote, cited, names)]
    spoken = together(source.spoken for source in cited)
    known = frozenset().union(*(source.words for source in cited))
    problems += ["figure" for _ in unsupported_figures(text, content_of(text), cited)]
    problems += ["figure" for _ in figures_of_others(text, spoken)]
    problems += ["link" for link in links(text) if not any(fold(link) in source.plain for source in cited)]
    bare = _without_quotations(text)
    turned = contradicts(text, cited) or is_turned(bare, spoken)
    turned = turned or other_members(bare, known) or denies_exceptions(bare, spoken, known)
    problems += ["negation"] if turned else []
    problems += _of_words(text, content, cited, evidence)
    return _unique(problems)


def _of_words(
    text: str, content: Sequence[str], cited: Sequence[Evidence], evidence: Mapping[int, Evidence]
) -> list[Problem]:
    covered = coverage(content, cited)
    problems: list[Problem] = []
    if is_suspicious(text) or _follows_an_order(content, cited):
        problems.append("order")
    anchored = bool(identifiers(text) or dotted_names(text) or figures(text) or quotations(text))
    if covered < ENOUGH and content and (len(content) >= _SHORT_CLAIM or not anchored):
        problems.append("unsupported")
    elif any(coverage(content, [other]) >= covered + _BETTER_ELSEWHERE for other in evidence.values()):
        problems.append("wrong_source")
    return problems


def _follows_an_order(content: Sequence[str], cited: Sequence[Evidence]) -> bool:
    """Whether what is said stands in the lines that give orders rather than in the rest of the source."""
    only_there = [found for found in content if any(found in source.orders - source.roots for source in cited)]
    return bool(only_there) and 2 * len(only_there) >= len(content)


def _of_names(text: str, cited: Sequence[Evidence], names: Names) -> list[Problem]:
    problems: list[Problem] = []
    for name in dotted_names(text):
        problems += _of_dotted(name, cited, names)
    for name in identifiers(text):
        if not any(fold(name) in source.words for source in cited):
            problems.append("name_elsewhere" if names.exists(name) else "unknown_name")
    return [*problems, *_of_pairs(text, names), *_of_kinds(text, cited, names)]


def _of_dotted(name: str, cited: Sequence[Evidence], names: Names) -> list[Problem]:
    folded = fold(name)
    if any(re.search(rf"(?<![\w.]){re.escape(folded)}(?!\w)", source.plain) for source in cited):
        return []
    if any(fold(canonical_name(name)) in source.names for source in cited):
        return []
    parts = folded.split(".")
    if names.exists(name):
        return [] if any(source.words.issuperset(parts[1:]) for source in cited) else ["name_elsewhere"]
    # A variable of the code is no name of the configuration: what counts is that the source has the parts.
    variable = not names.exists(parts[0]) and canonical_name(name) == name
    return [] if variable and any(source.words.issuperset(parts) for source in cited) else ["unknown_name"]


_MODULE_OF = re.compile(r"(?:модул[а-яё]*|module)\s+[`«\"]?(\w+)", re.IGNORECASE)
_METHOD_OF = re.compile(
    r"(?:функци[а-яё]*|процедур[а-яё]*|метод[а-яё]*|function|procedure|method)\s+[`«\"]?(\w+)", re.IGNORECASE
)


def _of_pairs(text: str, names: Names) -> list[Problem]:
    """«Функция X модуля Y»: both may exist, and X not in Y."""
    modules, methods = _MODULE_OF.findall(text), _METHOD_OF.findall(text)
    if len(modules) != 1 or len(methods) != 1 or not names.exists(modules[0]) or not names.exists(methods[0]):
        return []
    return [] if names.exists(f"{modules[0]}.{methods[0]}") else ["unknown_name"]


def _of_kinds(text: str, cited: Sequence[Evidence], names: Names) -> list[Problem]:
    """«справочник Самолёты»: a kind followed by a word with a capital is an object, and must be one."""
    written = words(text)
    following = ((spoken.kind, "".join(written[spoken.end : spoken.end + 1])) for spoken in spoken_kinds(written))
    problems: list[Problem] = []
    for kind, word in dict.fromkeys(following):
        if not word[:1].isupper() or word.isupper() or kind not in KIND_BY_NAME:
            continue
        known = any(stem(fold(word)) in {stem(other) for other in source.words} for source in cited)
        if not known and not re.search(rf"\w[.!?:]\s+[`«]?{re.escape(word)}\b", text):
            problems.append("name_elsewhere" if names.exists(f"{kind}.{word}") else "unknown_name")
    return problems


def _is_altered(quote: str, cited: Sequence[Evidence], names: Names) -> bool:
    if has_quotation(quote, cited):
        return False
    bare = re.sub(r"\([^()]*\)", "", quote).strip()
    # The name of an object in quotation marks is a name, and a call with other arguments is an example.
    return not (names.exists(bare) or dotted_names(bare) == [bare] or identifiers(bare) == [bare])


def _without_quotations(text: str) -> str:
    return re.sub(r"`[^`]*`", " ", text)


def _claims(sentence: Sentence, text: str) -> bool:
    """Whether a sentence says something of the configuration at all."""
    if text.rstrip().endswith("?") or sentence.kind == "code":
        return False
    content = content_of(text)
    if sentence.kind == "lead":
        return bool(figures(text))
    return bool(content) or bool(figures(text)) or bool(identifiers(text)) or bool(links(text))


def _unique(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
