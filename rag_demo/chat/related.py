"""Which documents write to a register, and which registers a document writes to: lists out of the facts."""

from __future__ import annotations

from collections.abc import Mapping

from rag_demo.chat.asked import Relations
from rag_demo.chat.evidence import by_root
from rag_demo.chat.phrases import Phrases
from rag_demo.chat.ports import Knowledge
from rag_demo.chat.vocabulary import root
from rag_demo.index.analyse import terms

MOST_NAMED = 100


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
    if relations == "movers":
        return list(dict.fromkeys(one.source for one in knowledge.movers(about)))
    return list(dict.fromkeys(one.target for one in knowledge.movements(about)))


def tell(
    names: list[str], relations: Relations, numbers: Mapping[str, int], knowledge: Knowledge, phrases: Phrases
) -> str:
    """The names as a list, each with what users call it and the source that describes it.

    Args:
        names: from `related`.
        relations: what they are.
        numbers: source numbers by full name.
        knowledge: the facts.
        phrases: of the language of the answer.
    """
    title = phrases.movers if relations == "movers" else phrases.moved
    lines = [title.format(len(names))]
    for name in names[:MOST_NAMED]:
        fact = knowledge.object(name)
        said = " — ".join(filter(None, (name, fact.synonym if fact else "")))
        lines.append(f"  • {said}{f' [{numbers[name]}]' if name in numbers else ''}")
    if len(names) > MOST_NAMED:
        lines.append(phrases.more.format(len(names) - MOST_NAMED))
    return "\n".join(lines)
