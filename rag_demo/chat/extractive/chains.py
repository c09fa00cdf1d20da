"""What happens on an event: the handlers in the order in which they run, and what they call. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rag_demo.chat.asked import ALL_EVENTS, Asked
from rag_demo.chat.extractive.cards import description
from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.ports import Knowledge, Library
from rag_demo.chat.session import spoken_name
from rag_demo.index.analyse import fold
from rag_demo.index.facts import Handled
from rag_demo.ingest.facts import MethodFact

_CALL = re.compile(r"(?<![\w.])([^\W\d]\w*(?:\.[^\W\d]\w*)?)\s*\(")
_COMMENT = re.compile(r"//[^\n]*")
_STRING = re.compile(r'"[^"]*"')
_MOST_CALLS = 25


@dataclass(frozen=True, slots=True)
class Step:
    """A handler on the way. ``by`` is the subscription that calls it; ``own``: it stands in a module of the object."""

    event: str
    method: MethodFact
    by: str = ""
    own: bool = True


def steps(object_name: str, asked: Asked, knowledge: Knowledge) -> list[Step]:
    """The handlers of an object for the events that are asked for; the object's own before those of subscriptions."""
    handlers = list(knowledge.handlers(object_name))
    events = asked.events
    if events == ALL_EVENTS:
        events = tuple(dict.fromkeys(relation.detail for relation, _ in handlers))
    return [step for event in events for step in _of_event(handlers, object_name, event)]


def _of_event(handlers: list[Handled], object_name: str, event: str) -> Iterator[Step]:
    for own in (True, False):
        for relation, method in handlers:
            subscribed = relation.source.startswith("EventSubscription.")
            if method is None or fold(relation.detail) != fold(event):
                continue
            if own and relation.source == object_name:
                yield Step(event, method, own=method.full_name.startswith(f"{object_name}."))
            elif not own and subscribed:
                yield Step(event, method, by=relation.source)


def tell(  # what the caller has, handed on
    chain: list[Step],
    numbers: dict[str, int],
    knowledge: Knowledge,
    library: Library,
    phrases: Phrases,
    *,
    title: str = "",
) -> str:
    """The chain as a numbered list, each step with what it is for and, of the object's own handlers, what it calls.

    Args:
        chain: from `steps`.
        numbers: source numbers by full name of the method.
        knowledge: the facts.
        library: where the text of a handler is read.
        phrases: of the language of the answer.
        title: above the list; default: what happens.
    """
    lines = [title or phrases.happens]
    for place, step in enumerate(chain, start=1):
        said = step.method.name if step.own and not step.by else spoken_name(step.method.full_name)
        by = f" ({phrases.subscription} {step.by.partition('.')[2]})" if step.by else ""
        cited = f" [{numbers[step.method.full_name]}]" if step.method.full_name in numbers else ""
        told = " — ".join(filter(None, (f"{said}{by}", description(step.method))))
        lines.append(f"  {place}. {told}{cited}")
        extended = extensions(step.method.full_name, knowledge, phrases)
        if extended:
            lines.append(f"       {extended}")
        if not step.by:
            lines += [f"       → {line}" for line in _calls(step.method, knowledge, library)]
    return "\n".join(lines)


def extensions(method: str, knowledge: Knowledge, phrases: Phrases) -> str:
    """What extensions run before, after or instead of a method; empty if they leave it alone."""
    found = [f"{relation.detail} — {spoken_name(relation.source)}" for relation, _ in knowledge.wrappers(method)]
    return f"{phrases.extended} {', '.join(found)}." if found else ""


def movements(object_name: str, knowledge: Knowledge, phrases: Phrases) -> str:
    """The registers that a document writes to; empty if it writes to none."""
    registers = list(dict.fromkeys(relation.target for relation in knowledge.relations_from(object_name, "movement")))
    return f"{phrases.movements} {', '.join(map(spoken_name, registers))}." if registers else ""


def _calls(method: MethodFact, knowledge: Knowledge, library: Library) -> list[str]:
    """The methods of the configuration that the body of a method calls, in its order, with what they are for."""
    document = library.named(method.full_name)
    if document is None:
        return []
    code = _STRING.sub('""', _COMMENT.sub("", "\n".join(document.text.split("\n")[_body_from(method) :])))
    called: dict[str, MethodFact] = {}
    for name in dict.fromkeys(_CALL.findall(code)):
        found = _method(name if "." in name else f"{method.module}.{name}", knowledge)
        if found is not None and found.full_name != method.full_name:
            called.setdefault(found.full_name, found)
    return [
        " — ".join(filter(None, (_local(found, method), description(found))))
        for found in list(called.values())[:_MOST_CALLS]
    ]


def _body_from(method: MethodFact) -> int:
    return method.line_header - method.origin.line_start + 1


def _local(found: MethodFact, caller: MethodFact) -> str:
    return found.name if found.module == caller.module else spoken_name(found.full_name)


def _method(name: str, knowledge: Knowledge) -> MethodFact | None:
    return next((fact for fact in knowledge.find(name, limit=3) if isinstance(fact, MethodFact)), None)
