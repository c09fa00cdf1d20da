"""An answer without a language model: what was found, in its own words, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag_demo.chat.evidence import coverage
from rag_demo.chat.quotes import Quote, decisive, declaration
from rag_demo.index.analyse import is_compound, terms
from rag_demo.index.catalogue import Listed
from rag_demo.index.passages import first_sentence
from rag_demo.types import Document, Source

_CYRILLIC = re.compile(r"[А-Яа-яЁё]")
_LATIN = re.compile(r"[A-Za-z]")
_WORD = re.compile(r"\w+(?:\.\w+)*")
_QUOTED_LINES = 4
_TOLD = 3  # sources that the text speaks of; the others are named in one line
# A source is told beside the best one only if it covers nearly as much of the question.
_NEAR_BEST = 0.8
_LONGEST_DOC = 300
_MOST_FACTS = 30
_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class _Phrases:
    """The fixed words of an answer in one language."""

    found: str
    also: str
    more: str
    nothing: str
    nearest: str
    function: str
    procedure: str
    listed: str


_RUSSIAN = _Phrases(
    found="Вот что об этом есть в конфигурации:",
    also="Смотрите также:",
    more="… и ещё строк: {}",
    nothing="В проиндексированной конфигурации я не нашёл того, о чём вы спрашиваете.",
    nearest="Ближайшее по словам, но не ответ:",
    function="Функция",
    procedure="Процедура",
    listed="Объектов этого вида в конфигурации: {}",
)
_ENGLISH = _Phrases(
    found="This is what the configuration has on it:",
    also="See also:",
    more="… and more lines: {}",
    nothing="I found nothing in the indexed configuration about what you ask.",
    nearest="The nearest by words, but no answer:",
    function="Function",
    procedure="Procedure",
    listed="Objects of this kind in the configuration: {}",
)


def compose(question: str, sources: Sequence[Source], weights: Mapping[str, float]) -> str:
    """A short text in the language of the question that quotes the sources word for word and cites them.

    Args:
        question: as asked.
        sources: at least one, best first.
        weights: of the question's terms; they choose the lines that are quoted.
    """
    phrases = _phrases(question)
    told = [source for source in sources[:_TOLD] if _speaks_as_well(source, sources[0], weights)]
    blocks = [phrases.found, *(_tell(source, phrases, weights) for source in told)]
    others = [f"{source.hit.document.full_name} [{source.n}]" for source in sources if source not in told]
    if others:
        blocks.append(f"{phrases.also} {', '.join(others)}.")
    return "\n\n".join(blocks)


def enumerate_objects(question: str, listed: Sequence[Listed], sources: Sequence[Source]) -> str:
    """A list of objects; those among the sources are cited."""
    phrases = _phrases(question)
    number = {(source.hit.document.space_id, source.hit.document.doc_id): f" [{source.n}]" for source in sources}
    lines = [
        f"  • {' — '.join(filter(None, (entry.full_name, entry.synonym)))}{number.get(entry.key, '')}"
        for entry in listed[:_MOST_LISTED]
    ]
    if len(listed) > _MOST_LISTED:
        lines.append(phrases.more.format(len(listed) - _MOST_LISTED))
    return "\n".join([phrases.listed.format(len(listed)), *lines])


def refuse(question: str, nearest: Sequence[Document]) -> str:
    """The answer where nothing speaks of what is asked."""
    phrases = _phrases(question)
    names = list(dict.fromkeys(document.full_name for document in nearest))
    return f"{phrases.nothing} {phrases.nearest} {', '.join(names)}." if names else phrases.nothing


def _speaks_as_well(source: Source, best: Source, weights: Mapping[str, float]) -> bool:
    """Whether a source says as much on the question as the best one; what is named outdoes what is only similar."""
    if source is best:
        return True
    if "exact" in best.hit.legs and "exact" not in source.hit.legs:
        return False
    return coverage(source.hit.document, weights) >= _NEAR_BEST * coverage(best.hit.document, weights)


def _phrases(question: str) -> _Phrases:
    """The language of most letters outside identifiers: "Which attributes does Контрагенты have?" is English."""
    prose = "".join(word for word in _WORD.findall(question) if "." not in word and not is_compound(word)) or question
    cyrillic, latin = len(_CYRILLIC.findall(prose)), len(_LATIN.findall(prose))
    return _RUSSIAN if cyrillic and cyrillic >= latin else _ENGLISH


def _tell(source: Source, phrases: _Phrases, weights: Mapping[str, float]) -> str:
    document = source.hit.document
    blocks = [f"{_headline(document, phrases)} [{source.n}]"]
    facts = _facts(document, phrases, weights) if document.doc_type != "method" else []
    if facts:
        blocks.append("\n".join(f"  • {fact}" for fact in facts))
    declared = declaration(document)
    # Of an object, the lines behind the first fact are quoted: its name alone is all over its file.
    sought = dict.fromkeys(terms(facts[0]), 1.0) if facts else weights
    decided = decisive(document, sought, lines=_QUOTED_LINES, beside=declared)
    blocks += [_quoted(quote, source.n) for quote in (declared, decided) if quote]
    return "\n\n".join(blocks)


def _headline(document: Document, phrases: _Phrases) -> str:
    if document.doc_type != "method":
        return " — ".join(filter(None, (document.full_name, document.synonym)))
    kind = phrases.function if document.is_function else phrases.procedure
    return " — ".join(filter(None, (f"{kind} {document.full_name}", first_sentence(document.doc)[:_LONGEST_DOC])))


def _facts(document: Document, phrases: _Phrases, weights: Mapping[str, float]) -> list[str]:
    """Lines of the rendered object that say more about the question than its name does."""
    name = frozenset(terms(f"{document.header} {document.full_name} {document.synonym}"))
    asked = frozenset(weights) - name
    lines = [line for line in document.body.split("\n") if asked.intersection(terms(line))]
    hidden = len(lines) - _MOST_FACTS
    return lines[:_MOST_FACTS] + ([phrases.more.format(hidden)] if hidden > 0 else [])


def _quoted(quote: Quote, number: int) -> str:
    lines = "\n".join(f"    | {line}" for line in quote.text.split("\n"))
    return f"{lines}\n    [{number}] {quote.path}:{quote.line_start}-{quote.line_end}"
