"""One key for all the ways to write the name of an object, a member or a method. Pure functions.

Справочник.Валюты  Справочники.Валюты  Catalogs.Валюты  CatalogRef.Валюты  →  catalog.валюты
Документы.Заказ.Товары.Цена  Document.Заказ.TabularSection.Товары.Attribute.Цена  →  document.заказ.товары.цена
Справочники.Валюты.НайтиКурс  Catalog.Валюты.ManagerModule.НайтиКурс  →  catalog.валюты.найтикурс
"""

from __future__ import annotations

from collections.abc import Iterator

from rag_demo.index.analyse import fold
from rag_demo.ingest.kinds import CONFIGURATION, KINDS

# As they stand behind the word of a kind: «СправочникСсылка.Валюты», "CatalogManager.Валюты".
_FORMS = {
    "": "",
    "Ref": "Ссылка",
    "Object": "Объект",
    "Manager": "Менеджер",
    "Selection": "Выборка",
    "List": "Список",
    "RecordSet": "НаборЗаписей",
    "RecordManager": "МенеджерЗаписи",
    "RecordKey": "КлючЗаписи",
    "ValueManager": "МенеджерЗначения",
    "TabularSection": "ТабличнаяЧасть",
    "TabularSectionRow": "ТабличнаяЧастьСтрока",
}
# Words between names that say what the next name is. Only one of them may stand last: the module of an object.
_SECTIONS = {
    "AccountingFlag": "ПризнакУчета ПризнакиУчета",
    "AddressingAttribute": "РеквизитАдресации РеквизитыАдресации",
    "Attribute": "Attributes Реквизит Реквизиты",
    "Column": "Columns Графа Графы",
    "Command": "Commands Команда Команды",
    "Dimension": "Dimensions Измерение Измерения",
    "EnumValue": "EnumValues ЗначениеПеречисления ЗначенияПеречисления",
    "ExtDimensionAccountingFlag": "ПризнакУчетаСубконто",
    "Form": "Forms Форма Формы",
    "FormAttribute": "РеквизитФормы РеквизитыФормы",
    "FormCommand": "КомандаФормы КомандыФормы",
    "Item": "Items Элемент Элементы",
    "Method": "Methods Метод Методы",
    "Operation": "Operations Операция Операции",
    "Parameter": "Parameters Параметр Параметры",
    "Predefined": "Предопределенный Предопределенные ПредопределенныйЭлемент",
    "Resource": "Resources Ресурс Ресурсы",
    "StandardAttribute": "StandardAttributes СтандартныйРеквизит СтандартныеРеквизиты",
    "Subsystem": "Subsystems Подсистема Подсистемы",
    "TabularSection": "TabularSections ТабличнаяЧасть ТабличныеЧасти",
    "Template": "Templates Макет Макеты",
    "URLTemplate": "URLTemplates ШаблонURL ШаблоныURL",
    "CommandModule": "МодульКоманды",
    "ExternalConnectionModule": "МодульВнешнегоСоединения",
    "ManagedApplicationModule": "МодульУправляемогоПриложения",
    "ManagerModule": "МодульМенеджера",
    "ObjectModule": "МодульОбъекта",
    "OrdinaryApplicationModule": "МодульОбычногоПриложения",
    "RecordSetModule": "МодульНабораЗаписей",
    "SessionModule": "МодульСеанса",
    "ValueManagerModule": "МодульМенеджераЗначения",
}
_VIRTUAL_TABLES = frozenset(
    fold(name)
    for name in (
        *("СрезПоследних", "СрезПервых", "Остатки", "Обороты", "ОстаткиИОбороты", "ДвиженияССубконто", "ОборотыДтКт"),
        *("SliceLast", "SliceFirst", "Balance", "Turnovers", "BalanceAndTurnovers", "RecordsWithExtDimensions"),
        *("ДанныеГрафика", "ФактическийПериодДействия", "Субконто", "Границы", "ScheduleData", "ActualActionPeriod"),
    )
)
_METADATA = frozenset({"метаданные", "metadata"})


def _kind_words() -> Iterator[tuple[str, str]]:
    for kind in (*KINDS, CONFIGURATION):
        for word in filter(None, (kind.folder, kind.word_plural)):
            yield fold(word), fold(kind.name)
        for english, russian in _FORMS.items():
            yield fold(kind.name + english), fold(kind.name)
            yield fold(kind.word + russian), fold(kind.name)


_KIND_OF = dict(_kind_words())
_KIND_NAMES = frozenset(_KIND_OF.values())
_SECTION_OF = {fold(word): fold(name) for name, words in _SECTIONS.items() for word in (name, *words.split())}


def name_key(name: str) -> str:
    """The key of a name, full or not: lower case, «е» for «ё», kinds in English, sections left out."""
    parts = [part.strip() for part in fold(name).partition("(")[0].split(".")]
    while parts[0] in _METADATA and len(parts) > 1:
        del parts[0]
    first = [(_KIND_OF if len(parts) > 1 else _SECTION_OF).get(parts[0], parts[0])]
    middle = [part for part in parts[1:-1] if part not in _SECTION_OF]
    last = [_SECTION_OF.get(part, part) for part in parts[1:][-1:]]
    return ".".join([*first, *middle, *last])


def has_kind(key: str) -> bool:
    """Whether a key begins with a kind, so that it is the whole name."""
    first, dot, _ = key.partition(".")
    return bool(dot) and first in _KIND_NAMES


def without_table(key: str) -> str:
    """The key of a register without the virtual table: «РегистрСведений.КурсыВалют.СрезПоследних»."""
    rest, _, last = key.rpartition(".")
    return rest if last in _VIRTUAL_TABLES and "." in rest else key
