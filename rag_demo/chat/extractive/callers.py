"""Who calls a method or names an object: out of the documents whose text has its name. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rag_demo.chat.extractive.quotes import Quote
from rag_demo.index.analyse import fold
from rag_demo.ingest.facts import MethodFact, ObjectFact
from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.types import DocType, Document

CODE: tuple[DocType, ...] = ("method", "module")  # the documents that can call and name
_COMMENT = re.compile(r"//.*")
# A line that begins with «|» goes on with the string of the line above.
_UNSAID = re.compile(r'^\s*\|(?:[^"]|"")*(?:"|$)|"[^"]*(?:"|$)|//.*')


class Call(NamedTuple):
    """A method that calls another, and the first line that does."""

    caller: Document
    line: Quote


def calls_of(method: MethodFact, documents: Iterable[Document], *, only_one: bool) -> list[Call]:
    """The documents that call a method, each once, in the order of paths and lines.

    Without types it cannot be told whose method «Объект.Метод()» is, so a call through a variable counts only where
    the variable is called like the module or no other method is called so.

    Args:
        method: that is called.
        documents: that have its name somewhere.
        only_one: whether no other method has that name.
    """
    called = re.compile(rf"(?:(?<!\w)(\w+)\s*\.\s*|(?<![\w.])){re.escape(fold(method.name))}\s*\(")

    def call(document: Document) -> Call | None:
        inside = document.full_name.startswith(f"{method.module}.")

        def calls(line: str) -> bool:
            found = called.finditer(fold(_UNSAID.sub("", line)))
            return any(_is_meant(one[1], method, inside=inside, only_one=only_one) for one in found)

        return _first_line(document, calls)

    return _once(call(document) for document in documents if document.full_name != method.full_name)


def uses_of(fact: ObjectFact, documents: Iterable[Document]) -> list[Call]:
    """The documents whose code or queries name an object, each once.

    Objects are named with their kind («Справочники.Валюты», «Справочник.Валюты»), a common module before one of its
    methods («РаботаСКурсамиВалют.КурсВалюты»).
    """
    name = re.escape(fold(fact.name))
    if fact.kind == "CommonModule":
        named = re.compile(rf"(?<![\w.]){name}\s*\.\s*\w")
    else:
        kind = KIND_BY_NAME[fact.kind]
        kinds = "|".join(re.escape(fold(word)) for word in {kind.word, kind.word_plural, kind.name, kind.folder} - {""})
        named = re.compile(rf"(?<!\w)(?:{kinds})(?:\w*)\s*\.\s*{name}(?!\w)")

    def names(line: str) -> bool:
        return named.search(fold(_COMMENT.sub("", line))) is not None

    return _once(_first_line(document, names) for document in documents)


def _first_line(document: Document, says: Callable[[str], bool]) -> Call | None:
    if document.doc_type not in CODE:
        return None
    for number, line in enumerate(document.text.split("\n"), start=document.line_start):
        if says(line):
            return Call(document, Quote(document.path, number, number, line))
    return None


def _once(found: Iterable[Call | None]) -> list[Call]:
    """In the order of paths and lines; of a long method, which is several documents, the first line alone."""
    ordered = sorted(filter(None, found), key=lambda call: (call.line.path, call.line.line_start))
    first: dict[str, Call] = {}
    for call in ordered:
        first.setdefault(call.caller.full_name, call)
    return list(first.values())


def _is_meant(before: str | None, method: MethodFact, *, inside: bool, only_one: bool) -> bool:
    if before is None:
        return inside
    return only_one or before in set(_called(method))


def _called(method: MethodFact) -> Iterator[str]:
    """What code calls the module of a method."""
    module = fold(method.module.rpartition(".")[2])
    owner = fold(method.owner.rpartition(".")[2])
    yield owner if method.module_kind == "ManagerModule" else module
    yield f"модуль{module}"
