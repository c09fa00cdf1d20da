"""Records of the index in the words of the HTTP interface."""

from __future__ import annotations

import re

from rag_demo.index.facts import Facts
from rag_demo.index.store import Manifest
from rag_demo.ingest.facts import MethodFact
from rag_demo.ingest.kinds import Kind
from rag_demo.types import Hit
from rag_demo.web import schemas

_MOST_MEMBERS = 400
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*")


def source(n: int, hit: Hit) -> schemas.SourceOut:
    """A hit as the interface shows it."""
    document = hit.document
    return schemas.SourceOut(
        n=n,
        title=document.header or document.full_name,
        full_name=document.full_name,
        doc_type=document.doc_type,
        object_kind=document.object_kind,
        space_id=document.space_id,
        path=document.path,
        line_start=document.line_start,
        line_end=document.line_end,
        text=document.text,
    )


def described(facts: Facts, name: str) -> schemas.ObjectOut | None:
    """An object under any of its names with everything that is known of it; None: there is none."""
    found = facts.object(name)
    if found is None:
        return None
    full_name = found.full_name
    return schemas.ObjectOut(
        full_name=full_name,
        kind=found.kind,
        synonym=found.synonym,
        comment=found.comment,
        types=found.types,
        properties=list(found.properties),
        path=found.origin.path,
        members=[
            schemas.MemberOut(
                name=member.name,
                kind=member.kind,
                parent=member.parent,
                types=member.types,
                synonym=member.synonym,
                tooltip=member.tooltip,
            )
            for member in facts.members(full_name)[:_MOST_MEMBERS]
        ],
        methods=[method(fact) for fact in facts.methods(full_name)[:_MOST_MEMBERS]],
        movements=[relation.target for relation in facts.movements(full_name)],
        movers=[relation.source for relation in facts.movers(full_name)],
        subsystems=[relation.source for relation in facts.subsystems(full_name)],
        used_as_type_by=[fact.full_name for fact in facts.of_type(full_name)[:_MOST_MEMBERS]],
    )


def method(fact: MethodFact) -> schemas.MethodOut:
    """A method as the interface shows it."""
    return schemas.MethodOut(
        full_name=fact.full_name,
        signature=fact.signature,
        description=fact.doc.description,
        export=fact.export,
        deprecated=fact.deprecated,
        path=fact.origin.path,
        line_start=fact.origin.line_start,
        line_end=fact.origin.line_end,
    )


def kind(of: Kind, documents: int) -> schemas.KindOut:
    """A kind of objects that ``documents`` are about."""
    first, *rest = _WORD.findall(of.folder)
    english = " ".join([first, *(word if word.isupper() else word.lower() for word in rest)])
    return schemas.KindOut(name=of.name, ru=of.ru_plural, en=english, documents=documents)


def space(manifest: Manifest) -> schemas.SpaceOut:
    """An indexed configuration as the interface shows it."""
    return schemas.SpaceOut(
        id=manifest.space_id,
        title=manifest.configuration_name or manifest.space_id,
        documents=sum(manifest.counts.values()),
        created=manifest.created,
        model=manifest.model_name.replace("\\", "/").rpartition("/")[2],  # never a path of this machine
        problems=manifest.problems,
    )
