"""Facts of a module: its methods, what they handle by their name, and what they extend."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_demo.ingest.bsl import Method, Module
from rag_demo.ingest.bsl.doc_comments import parse_doc
from rag_demo.ingest.bsl.parameters import parameters_of
from rag_demo.ingest.events import EVENT_NAMES, MODULE_EVENTS
from rag_demo.ingest.facts import Fact, MethodFact, Origin, Relation
from rag_demo.ingest.modules import ModuleKind
from rag_demo.ingest.owners import Owner

_EXTENDS = re.compile(r"(\w+)\s*\(\s*\"\s*(\w+)\s*\"\s*\)")
_RUSSIAN = {"before": "Перед", "after": "После", "around": "Вместо", "changeandvalidate": "ИзменениеИКонтроль"}
_EVENTS = {name.lower(): ru for en, ru in {**EVENT_NAMES, **MODULE_EVENTS}.items() for name in (en, ru)}
# In these modules the platform calls methods by their name; forms and services list theirs in their own files.
_CALLED_BY_NAME = {
    "CommandModule",
    "ExternalConnectionModule",
    "ManagedApplicationModule",
    "ManagerModule",
    "ObjectModule",
    "OrdinaryApplicationModule",
    "RecordSetModule",
    "SessionModule",
    "ValueManagerModule",
}


def module_facts(module: Module, owner: Owner, kind: ModuleKind, space_id: str, path: str) -> Iterator[Fact]:
    """Facts of a scanned module, in the order of its methods."""
    name = owner.module_name + kind.suffix
    for method in module.methods:
        full_name, origin = f"{name}.{method.name}", Origin(space_id, path, method.line_start, method.line_end)
        yield _method(method, owner, kind, origin)
        event = _EVENTS.get(method.name.lower()) if kind.name in _CALLED_BY_NAME else None
        if event is not None:
            yield Relation("handler", owner.module_name, full_name, origin, event)
        for directive in method.directives:
            if found := _EXTENDS.match(directive):
                how = _RUSSIAN.get(found[1].lower(), found[1])
                yield Relation("extends", full_name, f"{name}.{found[2]}", origin, how)


def _method(method: Method, owner: Owner, kind: ModuleKind, origin: Origin) -> MethodFact:
    module = owner.module_name + kind.suffix
    return MethodFact(
        full_name=f"{module}.{method.name}",
        name=method.name,
        module=module,
        module_kind=kind.name,
        owner=owner.full_name if owner.is_top_level else owner.top_name,
        origin=origin,
        line_header=method.line_header,
        signature=method.signature,
        parameters=parameters_of(method.signature),
        is_function=method.is_function,
        is_async=method.is_async,
        export=method.export,
        directives=method.directives,
        region=method.region,
        deprecated=method.deprecated,
        doc=parse_doc(method.doc),
    )
