"""How people and code call the kinds of 1C objects: «справочник», «Справочники.», «СправочникСсылка.», "Catalogs."."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag_demo.index.analyse import fold, stem, terms

# English kind, English plural, Russian singular as spoken, Russian prefix in code (collections are plural).
_TABLE: tuple[tuple[str, str, str, str], ...] = (
    ("AccountingRegister", "AccountingRegisters", "регистр бухгалтерии", "РегистрыБухгалтерии"),
    ("AccumulationRegister", "AccumulationRegisters", "регистр накопления", "РегистрыНакопления"),
    ("BusinessProcess", "BusinessProcesses", "бизнес процесс", "БизнесПроцессы"),
    ("CalculationRegister", "CalculationRegisters", "регистр расчета", "РегистрыРасчета"),
    ("Catalog", "Catalogs", "справочник", "Справочники"),
    ("ChartOfAccounts", "ChartsOfAccounts", "план счетов", "ПланыСчетов"),
    ("ChartOfCalculationTypes", "ChartsOfCalculationTypes", "план видов расчета", "ПланыВидовРасчета"),
    (
        "ChartOfCharacteristicTypes",
        "ChartsOfCharacteristicTypes",
        "план видов характеристик",
        "ПланыВидовХарактеристик",
    ),
    ("CommonForm", "CommonForms", "общая форма", "ОбщиеФормы"),
    ("CommonModule", "CommonModules", "общий модуль", "ОбщиеМодули"),
    ("Constant", "Constants", "константа", "Константы"),
    ("DataProcessor", "DataProcessors", "обработка", "Обработки"),
    ("DefinedType", "DefinedTypes", "определяемый тип", "ОпределяемыеТипы"),
    ("Document", "Documents", "документ", "Документы"),
    ("DocumentJournal", "DocumentJournals", "журнал документов", "ЖурналыДокументов"),
    ("Enum", "Enums", "перечисление", "Перечисления"),
    ("EventSubscription", "EventSubscriptions", "подписка на событие", "ПодпискиНаСобытия"),
    ("ExchangePlan", "ExchangePlans", "план обмена", "ПланыОбмена"),
    ("FunctionalOption", "FunctionalOptions", "функциональная опция", "ФункциональныеОпции"),
    ("HTTPService", "HTTPServices", "http сервис", "HTTPСервисы"),
    ("InformationRegister", "InformationRegisters", "регистр сведений", "РегистрыСведений"),
    ("Report", "Reports", "отчет", "Отчеты"),
    ("Role", "Roles", "роль", "Роли"),
    ("ScheduledJob", "ScheduledJobs", "регламентное задание", "РегламентныеЗадания"),
    ("Subsystem", "Subsystems", "подсистема", "Подсистемы"),
    ("Task", "Tasks", "задача", "Задачи"),
    ("WebService", "WebServices", "web сервис", "WebСервисы"),
)
_SUFFIXES = ("ссылка", "объект", "менеджер", "выборка", "список", "ref", "object", "manager", "selection", "list")


def _prefixes() -> Iterator[tuple[str, str]]:
    for english, plural, spoken, russian_plural in _TABLE:
        russian = "".join(word.capitalize() for word in spoken.split())
        for prefix in (english, plural, russian, russian_plural):
            yield fold(prefix), english
        for suffix in _SUFFIXES:
            yield fold(english) + suffix, english
            yield fold(russian) + suffix, english


_PREFIXES = dict(_prefixes())
_SPOKEN = tuple((tuple(terms(spoken)), english) for english, _, spoken, _ in _TABLE)


def canonical_name(name: str) -> str:
    """A dotted name with its kind as the index writes it: «Справочники.Валюты» → «Catalog.Валюты»."""
    first, dot, rest = name.partition(".")
    return f"{_PREFIXES[fold(first)]}.{rest}" if dot and fold(first) in _PREFIXES else name


def spoken_kinds(words: Sequence[str]) -> list[tuple[str, int]]:
    """Kinds that a question names, each with the position of the word after it.

    Args:
        words: the words of the question in order; case and inflection do not matter.
    """
    stems = [stem(fold(word)) for word in words]
    found: list[tuple[str, int]] = []
    position = 0
    while position < len(stems):
        matches = [(len(spoken), kind) for spoken, kind in _SPOKEN if _starts(stems, position, spoken)]
        if matches:
            length, kind = max(matches)
            position += length
            found.append((kind, position))
        else:
            position += 1
    return found


def _starts(stems: Sequence[str], position: int, spoken: tuple[str, ...]) -> bool:
    return tuple(stems[position : position + len(spoken)]) == spoken
