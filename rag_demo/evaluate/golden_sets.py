"""Questions with known answers, made from any configuration without a language model. Pure functions."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rag_demo.evaluate.cases import Case, make_case
from rag_demo.index.analyse import fold, is_compound
from rag_demo.index.passages import first_sentence
from rag_demo.ingest.facts import Fact, MemberFact, Relation
from rag_demo.types import Document

_SHORTEST, _LONGEST = 25, 200  # characters of a question
# Kinds of objects as they stand after «у».
_OF_KIND = {
    "AccumulationRegister": "регистра накопления",
    "BusinessProcess": "бизнес-процесса",
    "Catalog": "справочника",
    "ChartOfAccounts": "плана счетов",
    "ChartOfCharacteristicTypes": "плана видов характеристик",
    "DataProcessor": "обработки",
    "Document": "документа",
    "ExchangePlan": "плана обмена",
    "InformationRegister": "регистра сведений",
    "Report": "отчета",
    "Task": "задачи",
}
_HANDLED = {
    "EventSubscription": "Какой обработчик у подписки на событие {name}?",
    "ScheduledJob": "Какой метод выполняет регламентное задание {name}?",
}
# Endings that the modules of one subject differ by.
_FAMILY = re.compile(
    "(?:клиентсервер|клиент|сервер|вызовсервера|служебный|переопределяемый|локализация|повтисп|глобальный"
    "|clientserver|client|server|servercall|internal|overridable|cached|global)+$"
)
_WORD = re.compile(r"\w+")


def known_items(documents: Sequence[Document]) -> list[Case]:
    """Set (a): the first sentence of a doc comment, identifiers taken out, asks for the method below it.

    Sentences that stand over several methods have several right answers and are left out.
    """
    asked: dict[str, list[tuple[str, Document]]] = defaultdict(list)
    for document in documents:
        if document.doc_type == "method" and document.doc:
            question = without_identifiers(first_sentence(document.doc))
            if _SHORTEST <= len(question) <= _LONGEST:
                asked[fold(question)].append((question, document))
    return [
        make_case(
            f"known-item:{document.doc_id}", question, "known-item", [document.full_name], source_id=document.doc_id
        )
        for ((question, document),) in (found for found in asked.values() if len(found) == 1)
    ]


def identifiers(documents: Sequence[Document], *, most: int = 600) -> list[Case]:
    """Set (b): names of methods and objects, as written, that only one thing has; a sample by hash."""
    named: dict[str, set[str]] = defaultdict(set)
    written: dict[str, str] = {}
    for document in documents:
        if document.doc_type in {"method", "metadata_object"}:
            named[fold(document.name)].add(document.full_name)
            written.setdefault(fold(document.name), document.name)
    unique = [(written[name], next(iter(owners))) for name, owners in named.items() if len(owners) == 1]
    cases = [make_case(f"identifier:{full_name}", name, "identifier", [full_name]) for name, full_name in unique]
    return sample(cases, most)


def facts(found: Iterable[Fact], *, most: int = 600) -> list[Case]:
    """Set (c): types of attributes, dimensions of registers, handlers, movements; a sample by hash.

    Right is the description of the object, and of it the passage that holds the answer.
    """
    unique = {case.question: case for fact in found for case in _asked_of(fact)}
    return sample(unique.values(), most)


def foreign(documents: Sequence[Document], others: Sequence[Document], *, most: int = 200) -> list[Case]:
    """Set (d), second half: names of another configuration that this one knows nothing of."""
    known = {fold(document.name) for document in documents} | {fold(document.object_name) for document in documents}
    return [
        make_case(f"foreign:{case.question}", f"Где используется {case.question}?", "foreign-name")
        for case in identifiers(others, most=2 * most)
        if fold(case.question) not in known and is_compound(case.question)
    ][:most]


def family(object_name: str) -> str:
    """What the modules of one subject have in common: «РаботаСКурсамиВалютКлиент» → «работаскурсамивалют»."""
    return _FAMILY.sub("", fold(object_name)) or fold(object_name)


def left_out(documents: Sequence[Document]) -> frozenset[str]:
    """One family of objects in twenty, by hash, to be removed so that questions on them have no answer."""
    names = {family(document.object_name) for document in documents if document.object_name}
    return frozenset(name for name in names if hashlib.sha256(name.encode()).digest()[0] < 256 / 20)


def unanswerable(cases: Iterable[Case], removed: frozenset[str], kind: str = "removed-object") -> list[Case]:
    """Set (d), first half: the known-item questions on removed families; nothing answers them any more."""
    return [
        make_case(f"removed:{case.case_id}", case.question, kind, source_id=case.source_id)
        for case in cases
        if family(case.gold[0].split(".")[1]) in removed
    ]


def _asked_of(fact: Fact) -> Iterator[Case]:
    if isinstance(fact, MemberFact):
        kind, _, name = fact.owner.partition(".")
        whose = f"{_OF_KIND.get(kind)} {name}"
        if kind not in _OF_KIND or "." in name or fact.adopted:
            return
        if fact.kind == "attribute" and fact.types:
            yield _fact_case(f"Какого типа реквизит {fact.name} у {whose}?", "type", [fact.owner], fact.name)
        elif fact.kind == "dimension":
            yield _fact_case(f"Какие измерения у {whose}?", "dimensions", [fact.owner], fact.name)
    elif isinstance(fact, Relation):
        kind, _, name = fact.source.partition(".")
        if fact.kind == "handler" and kind in _HANDLED:
            yield _fact_case(_HANDLED[kind].format(name=name), "handler", [fact.source, fact.target])
        elif fact.kind == "movement":
            register = fact.target.rpartition(".")[2]
            yield _fact_case(f"Какие движения делает документ {name}?", "movements", [fact.source], register)


def _fact_case(question: str, what: str, gold: Sequence[str], answer: str = "") -> Case:
    return make_case(f"fact-{what}:{question}", question, f"fact-{what}", gold, answer=answer)


def sample(cases: Iterable[Case], most: int) -> list[Case]:
    """At most ``most`` cases, the same ones on every machine and whatever else is there."""
    ordered = sorted(cases, key=lambda case: hashlib.sha256(case.case_id.encode()).digest())
    return ordered[:most]


def without_identifiers(sentence: str) -> str:
    """The sentence without the words that are identifiers of several parts («ПолучитьКурсВалюты»)."""
    words = [word for word in sentence.split() if not any(is_compound(part) for part in _WORD.findall(word))]
    return " ".join(words).strip(" .,:;-–()")
