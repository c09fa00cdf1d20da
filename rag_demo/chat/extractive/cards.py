"""A method as an answer shows it: what it is for, how it is called, what it takes and gives back. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.shortened import shortened
from rag_demo.ingest.facts import DocField, MethodFact

_MOST_FIELDS = 20
_LONGEST = 400
_MOST_EXAMPLE_LINES = 8


def description(method: MethodFact) -> str:
    """What the comment above a method says it is for, on one line."""
    return shortened(" ".join(method.doc.description.split()), _LONGEST)


def card(method: MethodFact, phrases: Phrases) -> list[str]:
    """Blocks on parameters, the returned value and a call; what nobody described is left out."""
    blocks = [_block(phrases.parameters, _parameters(method, phrases))]
    if method.is_function:
        blocks.append(_block(phrases.returns, _fields(method.doc.returns)))
    blocks.append(_example(method, phrases))
    return [block for block in blocks if block]


def _block(title: str, lines: Iterator[str]) -> str:
    shown = list(lines)
    hidden = len(shown) - _MOST_FIELDS
    return "\n".join([title, *shown[:_MOST_FIELDS], *([f"  … {hidden}"] if hidden > 0 else [])]) if shown else ""


def _parameters(method: MethodFact, phrases: Phrases) -> Iterator[str]:
    described = {field.name.casefold(): field for field in method.doc.parameters}
    for parameter in method.parameters:
        field = described.get(parameter.name.casefold(), DocField(parameter.name))
        default = parameter.default
        note = "" if default is None else f", {phrases.optional.format(default)}"
        yield f"  • {_told(parameter.name, field, note)}"
        yield from _fields(field.fields, indent=4)


def _fields(fields: Sequence[DocField], *, indent: int = 2) -> Iterator[str]:
    for field in fields:
        told = _told(field.name, field, "")
        if told:
            yield f"{' ' * indent}• {told}"
        yield from _fields(field.fields, indent=indent + 2)


def _told(name: str, field: DocField, note: str) -> str:
    types = ", ".join(field.types)
    said = f"{types}{note}".removeprefix(", ")
    head = " ".join(filter(None, (name, f"({said})" if name and said else said)))
    see = f"→ {field.see}" if field.see and field.see not in field.text else ""
    return " — ".join(filter(None, (head, " ".join(field.text.split()), see)))


def _example(method: MethodFact, phrases: Phrases) -> str:
    if method.doc.examples:
        lines = [line for line in method.doc.examples.split("\n") if line.strip()][:_MOST_EXAMPLE_LINES]
        return "\n".join([phrases.example, *(f"    {line.strip()}" for line in lines)])
    if not method.export or method.module_kind != "CommonModule":
        return ""
    required = [parameter.name for parameter in method.parameters if parameter.default is None]
    call = f"{method.module.partition('.')[2]}.{method.name}({', '.join(required)})"
    result = "Результат = " if method.is_function else ""
    return f"{phrases.call}\n    {result}{call};"
