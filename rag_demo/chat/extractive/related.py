"""What an object is linked with: registers, subsystems, bases, owners, attributes of its type. Lists of facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rag_demo.chat.evidence import by_root
from rag_demo.chat.extractive.assembling import cited, object_line
from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.extractive.rights import ASK_FOR_ROLES, has_all, roles_of, told_rights
from rag_demo.chat.linked import Relations
from rag_demo.chat.ports import Knowledge
from rag_demo.chat.vocabulary import root
from rag_demo.index.analyse import terms
from rag_demo.ingest.facts import MemberFact, ObjectFact, RelationKind

MOST_NAMED = 100
_MOST_OF_ONE = 10
# The arrows to follow, and whether against their direction.
_ARROWS: dict[Relations, tuple[RelationKind, bool]] = {
    "movers": ("movement", True),
    "movements": ("movement", False),
    "content": ("content", False),
    "subsystems": ("content", True),
    "bases": ("based_on", False),
    "based": ("based_on", True),
    "owners": ("owner", False),
    "owned": ("owner", True),
    "rights": ("right", False),
    "subjects": ("subject", False),
}


def is_meant(object_name: str, weights: Mapping[str, float]) -> bool:
    """Whether a question says at least half of an object's name: a list of another register would be an answer, too.

    Args:
        object_name: «ТоварыНаСкладах».
        weights: of the question's terms.
    """
    words = [term for term in terms(object_name) if not term.startswith("#")]
    asked = by_root(weights)
    return 2 * sum(root(word) in asked for word in words) >= len(words)


def related(about: str, relations: Relations, knowledge: Knowledge) -> list[str]:
    """Full names of what stands in a relation to an object, each once; none if the object is of another sort."""
    if relations == "used":
        return list(dict.fromkeys(map(_owner, knowledge.of_type(about))))
    if relations in ASK_FOR_ROLES:
        return list(roles_of(about, relations, knowledge))
    kind, inwards = _ARROWS[relations]
    if relations == "rights" and has_all(about, knowledge):
        kind = "denial"
    if inwards:
        found = dict.fromkeys(one.source for one in knowledge.relations_to(about, kind))
    else:
        found = dict.fromkeys(one.target for one in knowledge.relations_from(about, kind))
    return [name for name in found if relations != "subsystems" or name.startswith("Subsystem.")]


def tell(  # noqa: PLR0917  # what the caller has, handed on
    about: str,
    names: Sequence[str],
    relations: Relations,
    numbers: Mapping[str, int],
    knowledge: Knowledge,
    phrases: Phrases,
) -> str:
    """The names as a list, each with what users call it and the source that describes it.

    Args:
        about: the object that stands in the relation.
        names: from `related`.
        relations: what they are.
        numbers: source numbers by full name.
        knowledge: the facts.
        phrases: of the language of the answer.
    """
    denied = relations == "rights" and has_all(about, knowledge)
    lines = [(phrases.denied if denied else phrases.related[relations]).format(len(names))]
    held = _details(about, relations, knowledge, phrases)
    for name in names[:MOST_NAMED]:
        said = f"{name}: {held[name]}{cited(name, numbers)}" if name in held else ""
        lines.append(f"  • {said or object_line(name, knowledge, numbers)}")
    if len(names) > MOST_NAMED:
        lines.append(phrases.more.format(len(names) - MOST_NAMED))
    return "\n".join(lines)


def _owner(fact: ObjectFact | MemberFact) -> str:
    return fact.owner if isinstance(fact, MemberFact) else fact.full_name


def _details(about: str, relations: Relations, knowledge: Knowledge, phrases: Phrases) -> dict[str, str]:
    """What there is to say of each name: the attributes of the type of the object, the rights."""
    if relations == "rights":
        kind: RelationKind = "denial" if has_all(about, knowledge) else "right"
        return {one.target: one.detail for one in knowledge.relations_from(about, kind)}
    if relations in ASK_FOR_ROLES:
        return told_rights(about, relations, knowledge, phrases)
    held: dict[str, list[MemberFact]] = {}
    for fact in knowledge.of_type(about) if relations == "used" else ():
        if isinstance(fact, MemberFact):
            held.setdefault(fact.owner, []).append(fact)
    return {owner: ", ".join(_members(facts)) for owner, facts in held.items()}


def _members(facts: Sequence[MemberFact]) -> Iterator[str]:
    for fact in facts[:_MOST_OF_ONE]:
        yield f"{fact.name} ({fact.parent})" if fact.parent else fact.name
    if len(facts) > _MOST_OF_ONE:
        yield f"… {len(facts) - _MOST_OF_ONE}"
