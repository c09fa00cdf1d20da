"""Kinds of metadata, their folders, and the two derived names: synonym and uuid."""

from __future__ import annotations

import re
import uuid

# In the order in which Configuration.xml lists them.
KIND_FOLDERS: dict[str, str] = {
    "Language": "Languages",
    "Subsystem": "Subsystems",
    "SessionParameter": "SessionParameters",
    "Role": "Roles",
    "CommonTemplate": "CommonTemplates",
    "CommonModule": "CommonModules",
    "EventSubscription": "EventSubscriptions",
    "ScheduledJob": "ScheduledJobs",
    "FunctionalOption": "FunctionalOptions",
    "DefinedType": "DefinedTypes",
    "HTTPService": "HTTPServices",
    "CommonCommand": "CommonCommands",
    "Constant": "Constants",
    "CommonForm": "CommonForms",
    "Catalog": "Catalogs",
    "Document": "Documents",
    "DocumentJournal": "DocumentJournals",
    "Enum": "Enums",
    "Report": "Reports",
    "DataProcessor": "DataProcessors",
    "InformationRegister": "InformationRegisters",
    "AccumulationRegister": "AccumulationRegisters",
    "ChartOfCharacteristicTypes": "ChartsOfCharacteristicTypes",
}

_NAMESPACE = uuid.UUID("0f2a5c0e-8f4e-5b52-9d0e-5a1f6f0b7c11")
_WORD = re.compile(r"[А-ЯЁA-Z]+(?=[А-ЯЁA-Z][а-яёa-z])|[А-ЯЁ]?[а-яё]+|[A-Z]?[a-z]+|[А-ЯЁ]+|[A-Z]+|\d+")


def stable_uuid(*parts: str) -> str:
    """The same uuid for the same full name, on every machine and in every run."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def words(name: str) -> str:
    """``ТоварыНаСкладах`` → ``Товары на складах``; acronyms keep their capitals."""
    found = [str(word) for word in _WORD.findall(name)]
    lowered = [w if len(w) > 1 and w.isupper() else w.lower() for w in found]
    text = " ".join(lowered)
    return text[:1].upper() + text[1:]
