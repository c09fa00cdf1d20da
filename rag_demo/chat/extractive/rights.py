"""Who may do what with an object: the roles that say so, and those that have rights to everything."""

from __future__ import annotations

from rag_demo.chat.extractive.phrases import Phrases
from rag_demo.chat.linked import Relations
from rag_demo.chat.ports import Knowledge
from rag_demo.ingest.rights import ALL_OBJECTS, LIMITED

_DATA = frozenset(
    {
        "BusinessProcess",
        "Catalog",
        "ChartOfAccounts",
        "ChartOfCalculationTypes",
        "ChartOfCharacteristicTypes",
        "Document",
        "ExchangePlan",
        "Task",
    }
)
_REGISTERS = frozenset({"AccountingRegister", "AccumulationRegister", "CalculationRegister", "InformationRegister"})
_CHANGED = _DATA | _REGISTERS | {"Constant", "Sequence", "SessionParameter"}
_READ = _CHANGED | {"CommonCommand", "CommonForm", "DataProcessor", "DocumentJournal", "FilterCriterion", "Report"}
_USED = _READ | {"CommonAttribute", "HTTPService", "IntegrationService", "Subsystem", "WebService"}
# By what is asked: the rights that allow it, and the kinds of objects that there are such rights to.
_ALLOW: dict[Relations, tuple[frozenset[str], frozenset[str]]] = {
    "roles": (frozenset({"Чтение", "Использование"}), _USED),
    "readers": (frozenset({"Чтение", "Просмотр"}), _USED),
    "adders": (frozenset({"Добавление"}), _DATA),
    "changers": (frozenset({"Изменение"}), _CHANGED),
    "deleters": (frozenset({"Удаление"}), _DATA),
    "posters": (frozenset({"Проведение"}), frozenset({"Document"})),
}
ASK_FOR_ROLES = frozenset(_ALLOW)


def roles_of(name: str, relations: Relations, knowledge: Knowledge) -> dict[str, str]:
    """Full names of the roles that allow something with an object, each with its rights to it.

    The rights are in Russian; those to everything come last and say what they leave out, perhaps nothing.

    Args:
        name: of the object.
        relations: one of `ASK_FOR_ROLES`.
        knowledge: the facts.
    """
    rights, kinds = _ALLOW[relations]
    over_all = [one.source for one in knowledge.relations_to(ALL_OBJECTS, "right")]
    said = {one.source: one.detail for one in knowledge.relations_to(name, "right") if one.source not in over_all}
    found = {role: detail for role, detail in said.items() if relations == "roles" or rights & _each(detail)}
    denied = {one.source: one.detail for one in knowledge.relations_to(name, "denial")}
    if name.partition(".")[0] in kinds:
        found |= {role: denied.get(role, "") for role in over_all if rights.isdisjoint(_each(denied.get(role, "")))}
    return found


def told_rights(name: str, relations: Relations, knowledge: Knowledge, phrases: Phrases) -> dict[str, str]:
    """What `roles_of` finds, with words for the rights to everything."""
    over_all = {one.source for one in knowledge.relations_to(ALL_OBJECTS, "right")}
    return {
        role: phrases.all_but.format(detail) if role in over_all and detail else detail or phrases.all_rights
        for role, detail in roles_of(name, relations, knowledge).items()
    }


def has_all(role: str, knowledge: Knowledge) -> bool:
    """Whether a role has rights to every object, so that its file says only what it denies."""
    return any(one.target == ALL_OBJECTS for one in knowledge.relations_from(role, "right"))


def _each(detail: str) -> set[str]:
    return {right.removesuffix(LIMITED) for right in detail.split(", ")}
