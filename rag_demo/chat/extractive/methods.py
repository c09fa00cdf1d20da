"""The methods of a module as a list, and who calls a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag_demo.chat.extractive.assembling import cited, quoted
from rag_demo.chat.extractive.callers import Call
from rag_demo.chat.extractive.cards import description
from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.shortened import shortened
from rag_demo.ingest.facts import MethodFact, Relation

MOST_METHODS = 100
_QUOTED = 10  # callers whose line is shown
_LONGEST = 140


def tell_methods(
    module: str, sort: str, found: Sequence[MethodFact], numbers: Mapping[str, int], phrases: Phrases
) -> str:
    """What a module offers, in the order of its text.

    Args:
        module: full name of the module or of its object.
        sort: what was looked for, in words: «экспортные методы».
        found: those methods.
        numbers: source numbers by full name.
        phrases: of the language of the answer.
    """
    if not found:
        return phrases.no_methods.format(module, sort) + cited(module, numbers)
    lines = [phrases.methods_of.format(sort.capitalize(), module, len(found)) + cited(module, numbers)]
    for method in found[:MOST_METHODS]:
        kind = phrases.function if method.is_function else phrases.procedure
        called = method.full_name.removeprefix(f"{module}.")
        parameters = ", ".join(parameter.name for parameter in method.parameters)
        said = f"{kind} {called}({parameters}){' ' + phrases.exported if method.export else ''}"
        warning = phrases.deprecated if method.deprecated else ""
        described = " ".join(filter(None, (warning, shortened(description(method), _LONGEST))))
        told = " — ".join(filter(None, (said, described)))
        lines.append(f"  • {told}{cited(method.full_name, numbers)}")
    if len(found) > MOST_METHODS:
        lines.append(phrases.more.format(len(found) - MOST_METHODS))
    return "\n".join(lines)


def tell_calls(
    calls: Sequence[Call], handled: Sequence[Relation], numbers: Mapping[str, int], phrases: Phrases, *, are_all: bool
) -> str:
    """Who calls a method, the first of them with the line that does, and the events that it handles."""
    lines = (
        tell_lines(phrases.called, calls, numbers, phrases, are_all=are_all)
        if calls
        else ["" if handled else phrases.uncalled]
    )
    if handled:
        events = dict.fromkeys(f"{relation.source} ({relation.detail})" for relation in handled)
        lines.append(f"{phrases.handler_of} {', '.join(events)}.")
    return "\n".join(filter(None, lines))


def tell_lines(
    title: str, calls: Sequence[Call], numbers: Mapping[str, int], phrases: Phrases, *, are_all: bool
) -> list[str]:
    """The methods under their title, the first of them with the line that calls or names something."""
    lines = [title.format(len(calls) if are_all else phrases.at_least.format(len(calls)))]
    for place, (caller, line) in enumerate(calls[:MOST_METHODS]):
        lines.append(f"  • {caller.full_name}{cited(caller.full_name, numbers)}")
        if place < _QUOTED and caller.full_name in numbers:
            lines.append(quoted(line, numbers[caller.full_name]))
    return [*lines, *([phrases.more.format(len(calls) - MOST_METHODS)] if len(calls) > MOST_METHODS else [])]
