"""Kinds of metadata objects: one table for folders, references and Russian names."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of metadata object under all the names it goes by."""

    name: str  # in references: "Catalog.Валюты"
    folder: str  # in dumps, and as the collection in code with English keywords: "Catalogs"
    ru: str  # "Регистр сведений"
    ru_plural: str  # "Регистры сведений"

    @property
    def word(self) -> str:
        """As queries and types have it: ``РегистрСведений``."""
        return _joined(self.ru)

    @property
    def word_plural(self) -> str:
        """As the collection in code: ``РегистрыСведений``."""
        return _joined(self.ru_plural)


def _joined(words: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[ -]", words))


KINDS: tuple[Kind, ...] = (
    Kind("AccountingRegister", "AccountingRegisters", "Регистр бухгалтерии", "Регистры бухгалтерии"),
    Kind("AccumulationRegister", "AccumulationRegisters", "Регистр накопления", "Регистры накопления"),
    Kind("Bot", "Bots", "Бот", "Боты"),
    Kind("BusinessProcess", "BusinessProcesses", "Бизнес-процесс", "Бизнес-процессы"),
    Kind("CalculationRegister", "CalculationRegisters", "Регистр расчета", "Регистры расчета"),
    Kind("Catalog", "Catalogs", "Справочник", "Справочники"),
    Kind("ChartOfAccounts", "ChartsOfAccounts", "План счетов", "Планы счетов"),
    Kind("ChartOfCalculationTypes", "ChartsOfCalculationTypes", "План видов расчета", "Планы видов расчета"),
    Kind(
        "ChartOfCharacteristicTypes",
        "ChartsOfCharacteristicTypes",
        "План видов характеристик",
        "Планы видов характеристик",
    ),
    Kind("CommandGroup", "CommandGroups", "Группа команд", "Группы команд"),
    Kind("CommonAttribute", "CommonAttributes", "Общий реквизит", "Общие реквизиты"),
    Kind("CommonCommand", "CommonCommands", "Общая команда", "Общие команды"),
    Kind("CommonForm", "CommonForms", "Общая форма", "Общие формы"),
    Kind("CommonModule", "CommonModules", "Общий модуль", "Общие модули"),
    Kind("CommonPicture", "CommonPictures", "Общая картинка", "Общие картинки"),
    Kind("CommonTemplate", "CommonTemplates", "Общий макет", "Общие макеты"),
    Kind("Constant", "Constants", "Константа", "Константы"),
    Kind("DataProcessor", "DataProcessors", "Обработка", "Обработки"),
    Kind("DefinedType", "DefinedTypes", "Определяемый тип", "Определяемые типы"),
    Kind("Document", "Documents", "Документ", "Документы"),
    Kind("DocumentJournal", "DocumentJournals", "Журнал документов", "Журналы документов"),
    Kind("DocumentNumerator", "DocumentNumerators", "Нумератор документов", "Нумераторы документов"),
    Kind("Enum", "Enums", "Перечисление", "Перечисления"),
    Kind("EventSubscription", "EventSubscriptions", "Подписка на событие", "Подписки на события"),
    Kind("ExchangePlan", "ExchangePlans", "План обмена", "Планы обмена"),
    Kind("ExternalDataSource", "ExternalDataSources", "Внешний источник данных", "Внешние источники данных"),
    Kind("FilterCriterion", "FilterCriteria", "Критерий отбора", "Критерии отбора"),
    Kind("FunctionalOption", "FunctionalOptions", "Функциональная опция", "Функциональные опции"),
    Kind(
        "FunctionalOptionsParameter",
        "FunctionalOptionsParameters",
        "Параметр функциональных опций",
        "Параметры функциональных опций",
    ),
    Kind("HTTPService", "HTTPServices", "HTTP-сервис", "HTTP-сервисы"),
    Kind("InformationRegister", "InformationRegisters", "Регистр сведений", "Регистры сведений"),
    Kind("IntegrationService", "IntegrationServices", "Сервис интеграции", "Сервисы интеграции"),
    Kind("Interface", "Interfaces", "Интерфейс", "Интерфейсы"),
    Kind("Language", "Languages", "Язык", "Языки"),
    Kind("PaletteColor", "PaletteColors", "Цвет палитры", "Цвета палитры"),
    Kind("Report", "Reports", "Отчет", "Отчеты"),
    Kind("Role", "Roles", "Роль", "Роли"),
    Kind("ScheduledJob", "ScheduledJobs", "Регламентное задание", "Регламентные задания"),
    Kind("Sequence", "Sequences", "Последовательность", "Последовательности"),
    Kind("SessionParameter", "SessionParameters", "Параметр сеанса", "Параметры сеанса"),
    Kind("SettingsStorage", "SettingsStorages", "Хранилище настроек", "Хранилища настроек"),
    Kind("Style", "Styles", "Стиль", "Стили"),
    Kind("StyleItem", "StyleItems", "Элемент стиля", "Элементы стиля"),
    Kind("Subsystem", "Subsystems", "Подсистема", "Подсистемы"),
    Kind("Task", "Tasks", "Задача", "Задачи"),
    Kind("WebService", "WebServices", "Веб-сервис", "Веб-сервисы"),
    Kind("WebSocketClient", "WebSocketClients", "WebSocket-клиент", "WebSocket-клиенты"),
    Kind("WSReference", "WSReferences", "WS-ссылка", "WS-ссылки"),
    Kind("XDTOPackage", "XDTOPackages", "XDTO-пакет", "XDTO-пакеты"),
)

# Objects that live inside others; their folders stand below the owner's folder.
NESTED_KINDS: tuple[Kind, ...] = (
    Kind("Command", "Commands", "Команда", "Команды"),
    Kind("Cube", "Cubes", "Куб", "Кубы"),
    Kind("DimensionTable", "DimensionTables", "Таблица измерения", "Таблицы измерений"),
    Kind("Form", "Forms", "Форма", "Формы"),
    Kind("Function", "Functions", "Функция", "Функции"),
    Kind("Recalculation", "Recalculations", "Перерасчет", "Перерасчеты"),
    Kind("Subsystem", "Subsystems", "Подсистема", "Подсистемы"),
    Kind("Table", "Tables", "Таблица", "Таблицы"),
    Kind("Template", "Templates", "Макет", "Макеты"),
)

CONFIGURATION = Kind("Configuration", "", "Конфигурация", "Конфигурации")

KIND_BY_FOLDER = {kind.folder: kind for kind in KINDS}
NESTED_BY_FOLDER = {kind.folder: kind for kind in NESTED_KINDS}
KIND_BY_NAME = {kind.name: kind for kind in (*NESTED_KINDS, *KINDS, CONFIGURATION)}
