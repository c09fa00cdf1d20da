"""Where a method or an object is used."""

from __future__ import annotations

from rag_demo.chat.extractive import related
from rag_demo.chat.extractive.about import MOST_FACTS, About, Composed
from rag_demo.chat.extractive.assembling import cited, numbers_of, object_line, with_documents
from rag_demo.chat.extractive.callers import calls_of, uses_of
from rag_demo.chat.extractive.methods import tell_calls, tell_lines
from rag_demo.chat.extractive.overview import is_all_that_is_asked
from rag_demo.chat.extractive.telling import headline, method_of
from rag_demo.index.analyse import fold
from rag_demo.ingest.facts import MethodFact
from rag_demo.retrieve.kinds import spoken_kinds, words
from rag_demo.retrieve.search import MOST_MENTIONING

# Besides the name of a module, what asks where it is used.
_MODULE_USED = """
    модуль используется используют вызывается вызывают применяется упоминается встречается обращаются ссылаются
    module used called referenced invoked uses calls references callers usages
"""


def usage(about: About) -> Composed | None:
    """Where a method or an object is used; of a method and an object of one name the one whose kind is said."""
    if about.asked.relations != "used":
        return None
    kinds = {spoken.kind for spoken in spoken_kinds(words(about.question))}
    namesakes = [about.knowledge.object(f"{kind}.{one.name}") for kind in kinds for one in about.methods_named()]
    ways = (_used, _called) if any(namesakes) else (_called, _used)
    return next(filter(None, (way(about) for way in ways)), None)


def _used(about: About) -> Composed | None:
    """Where an object is used: attributes of its type, and methods that name it."""
    names = (name for name in about.named_outright() if _is_asked_for(about, name))
    return next(filter(None, (_uses(about, name) for name in names)), None)


def _is_asked_for(about: About, name: str) -> bool:
    """Whether an object itself is asked for; of a common module it may be one of its methods."""
    return not name.startswith("CommonModule.") or is_all_that_is_asked(about, f"{name} {_MODULE_USED}")


def _uses(about: About, name: str) -> Composed | None:
    fact = about.knowledge.object(name)
    names = related.related(name, "used", about.knowledge)
    documents = about.mentions(fact.name) if fact is not None else []
    uses = uses_of(fact, documents) if fact is not None else []
    if not names and not uses:
        return None
    sources = with_documents(about.with_names([name, *names]), [use.caller for use in uses[:MOST_FACTS]])
    numbers = numbers_of(sources)
    held = related.tell(name, names, "used", numbers, about.knowledge, about.phrases) if names else ""
    are_all = len(documents) < MOST_MENTIONING
    lines = tell_lines(about.phrases.used, uses, numbers, about.phrases, are_all=are_all) if uses else []
    blocks = [object_line(name, about.knowledge, numbers), held, "\n".join(lines)]
    return about.composed(blocks, sources, {name, *names, *(use.caller.full_name for use in uses)})


def _called(about: About) -> Composed | None:
    """Who calls a method that the question names."""
    known = ((document, method_of(document, about.knowledge)) for document in about.methods_named())
    head, method = next(((document, fact) for document, fact in known if fact), (None, None))
    if head is None or method is None:
        return None
    facts = about.knowledge.find(method.name)
    namesakes = {fold(fact.full_name) for fact in facts if isinstance(fact, MethodFact)}
    documents = about.mentions(method.name)
    calls = calls_of(method, documents, only_one=len(namesakes) == 1)
    handled = about.knowledge.relations_to(method.full_name, "handler")
    sources = with_documents(about.sources, [call.caller for call in calls[:MOST_FACTS]])
    numbers = numbers_of(sources)
    blocks = [
        headline(head, about.phrases, method) + cited(head.full_name, numbers),
        tell_calls(calls, handled, numbers, about.phrases, are_all=len(documents) < MOST_MENTIONING),
    ]
    return about.composed(blocks, sources, {head.full_name, *(call.caller.full_name for call in calls)})
