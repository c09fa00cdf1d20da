"""Facts as rows of SQLite. Revisions hang on files, as in a catalogue."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from rag_demo.index.names import name_key
from rag_demo.ingest.facts import DocComment, DocField, MemberFact, MethodFact, ObjectFact, Origin, Parameter

Named = ObjectFact | MemberFact | MethodFact
SCHEMA = """
CREATE TABLE files (id INTEGER PRIMARY KEY, space_id TEXT NOT NULL, path TEXT NOT NULL,
    gen_from INTEGER NOT NULL, gen_to INTEGER NOT NULL);
CREATE TABLE facts (id INTEGER PRIMARY KEY, file INTEGER NOT NULL, sort TEXT NOT NULL, owner TEXT NOT NULL,
    module TEXT NOT NULL, line_start INTEGER NOT NULL, line_end INTEGER NOT NULL, content TEXT NOT NULL);
CREATE TABLE names (name TEXT NOT NULL, key TEXT NOT NULL, fact INTEGER NOT NULL);
CREATE TABLE relations (file INTEGER NOT NULL, kind TEXT NOT NULL, source_key TEXT NOT NULL, target_key TEXT NOT NULL,
    source TEXT NOT NULL, target TEXT NOT NULL, detail TEXT NOT NULL,
    line_start INTEGER NOT NULL, line_end INTEGER NOT NULL);
"""
INDEXES = """
CREATE INDEX IF NOT EXISTS files_by_path ON files (path);
CREATE INDEX IF NOT EXISTS facts_by_file ON facts (file);
CREATE INDEX IF NOT EXISTS facts_by_owner ON facts (owner);
CREATE INDEX IF NOT EXISTS facts_by_module ON facts (module);
CREATE INDEX IF NOT EXISTS names_by_name ON names (name);
CREATE INDEX IF NOT EXISTS names_by_fact ON names (fact);
CREATE INDEX IF NOT EXISTS relations_by_file ON relations (file);
CREATE INDEX IF NOT EXISTS relations_by_source ON relations (source_key);
CREATE INDEX IF NOT EXISTS relations_by_target ON relations (target_key);
"""
_SORTS: dict[str, type[Named]] = {"object": ObjectFact, "member": MemberFact, "method": MethodFact}
_SORT_OF = {cls: sort for sort, cls in _SORTS.items()}
_FIELDS = {
    cls: tuple(field.name for field in dataclasses.fields(cls) if field.name != "origin") for cls in _SORTS.values()
}


def fact_row(fact: Named) -> tuple[Any, ...]:
    """Sort, keys of owner and module, lines and content of a fact."""
    kind = type(fact)
    owner = "" if isinstance(fact, ObjectFact) else name_key(fact.owner)
    module = name_key(fact.module) if isinstance(fact, MethodFact) else ""
    content = json.dumps([getattr(fact, name) for name in _FIELDS[kind]], ensure_ascii=False)
    return _SORT_OF[kind], owner, module, fact.origin.line_start, fact.origin.line_end, content


def fact_keys(fact: Named) -> set[str]:
    """Keys that a fact is found by."""
    key = name_key(fact.full_name)
    if isinstance(fact, MemberFact) and fact.kind == "standard_attribute":
        return {key, f"{name_key(fact.owner)}.{name_key(fact.name)}"}  # English and Russian
    return {key}


def fact_of(sort: str, content: str, origin: Origin) -> Named:
    """The fact that was stored."""
    cls = _SORTS[sort]
    read = [tuple(value) if isinstance(value, list) else value for value in json.loads(content)]
    values: dict[str, Any] = dict(zip(_FIELDS[cls], read, strict=True))
    if cls is MethodFact:
        values["parameters"] = tuple(Parameter(*one) for one in values["parameters"])
        values["doc"] = _doc(values["doc"])
    return cls(origin=origin, **values)


def _doc(content: list[Any]) -> DocComment:
    description, parameters, returns, examples, call_options, see, deprecated = content
    return DocComment(
        description, tuple(_fields(parameters)), tuple(_fields(returns)), examples, call_options, tuple(see), deprecated
    )


def _fields(content: list[Any]) -> Iterator[DocField]:
    for name, types, text, inner, see in content:
        yield DocField(name, tuple(types), text, tuple(_fields(inner)), see)
