"""Properties of metadata objects that answer questions, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rag_demo.ingest.events import EVENT_NAMES
from rag_demo.ingest.parts import Unit
from rag_demo.ingest.type_names import qualifiers_of, reference_name, type_text, type_texts
from rag_demo.ingest.xml_tree import Element

_TEXTS = {
    "BriefInformation": "Краткая информация",
    "DetailedInformation": "Подробная информация",
    "Explanation": "Пояснение",
    "ExtendedListPresentation": "Расширенное представление списка",
    "ExtendedObjectPresentation": "Расширенное представление объекта",
    "ExtendedPresentation": "Расширенное представление",
    "ExtendedRecordPresentation": "Расширенное представление записи",
    "ListPresentation": "Представление списка",
    "ObjectPresentation": "Представление объекта",
    "RecordPresentation": "Представление записи",
    "ToolTip": "Подсказка",
}
_VALUES = {
    "CodeLength": "Длина кода",
    "CodeType": "Тип кода",
    "Description": "Наименование",
    "DescriptionLength": "Длина наименования",
    "DescriptorFileName": "Файл описания",
    "HierarchyType": "Вид иерархии",
    "LanguageCode": "Код языка",
    "Namespace": "Пространство имен",
    "NumberLength": "Длина номера",
    "NumberPeriodicity": "Периодичность номера",
    "NumberType": "Тип номера",
    "RootURL": "Корневой URL",
    "LocationURL": "Адрес",
    "Vendor": "Поставщик",
    "Version": "Версия",
}
_WORDS = {
    "HierarchyFoldersAndItems": "иерархия групп и элементов",
    "HierarchyOfItems": "иерархия элементов",
    "Number": "Число",
    "String": "Строка",
    "Nonperiodical": "непериодический",
    "Day": "в пределах дня",
    "Month": "в пределах месяца",
    "Quarter": "в пределах квартала",
    "Year": "в пределах года",
}
_REFERENCES = {
    "Handler": "Обработчик",
    "Location": "Хранение",
    "MethodName": "Метод",
    "Task": "Задача",
    "ChartOfAccounts": "План счетов",
    "ChartOfCalculationTypes": "План видов расчета",
    "ExtDimensionTypes": "Виды субконто",
    "CharacteristicExtValues": "Дополнительные значения характеристик",
    "Addressing": "Адресация",
    "CurrentPerformer": "Текущий исполнитель",
    "MainDataCompositionSchema": "Основная схема компоновки",
}
_REFERENCE_LISTS = {
    "BasedOn": "Вводится на основании",
    "Content": "Состав",
    "Documents": "Документы",
    "Owners": "Владельцы",
    "RegisterRecords": "Движения",
    "RegisteredDocuments": "Документы журнала",
    "Use": "Использование",
}
_TYPES = {"CommandParameterType": "Тип параметра", "Source": "Источник", "Type": "Тип"}
_TRANSLATED = {
    "Posting": ("Проведение", {"Allow": "разрешено", "Deny": "запрещено"}),
    "RealTimePosting": ("Оперативное проведение", {"Allow": "разрешено", "Deny": "запрещено"}),
    "InformationRegisterPeriodicity": (
        "Периодичность",
        {
            "Nonperiodical": "непериодический",
            "Second": "в пределах секунды",
            "Day": "в пределах дня",
            "Month": "в пределах месяца",
            "Quarter": "в пределах квартала",
            "Year": "в пределах года",
            "RecorderPosition": "по позиции регистратора",
        },
    ),
    "WriteMode": ("Режим записи", {"Independent": "независимый", "RecorderSubordinate": "подчинение регистратору"}),
    "RegisterType": ("Вид регистра", {"Balance": "остатки", "Turnovers": "обороты", "Balances": "остатки"}),
    "ReturnValuesReuse": (
        "Повторное использование возвращаемых значений",
        {"DuringRequest": "на время вызова", "DuringSession": "на время сеанса", "DontUse": ""},
    ),
    "ObjectBelonging": ("Принадлежность объекта", {"Adopted": "заимствованный"}),
}
_FAR = 50  # lines: the names of that many types may fill a passage
_FLAGS = {
    "ClientManagedApplication": "Клиент (управляемое приложение)",
    "ClientOrdinaryApplication": "Клиент (обычное приложение)",
    "DistributedInfoBase": "Распределенная информационная база",
    "ExternalConnection": "Внешнее соединение",
    "Global": "Глобальный",
    "Hierarchical": "Иерархический",
    "Predefined": "Предопределенное",
    "Privileged": "Привилегированный",
    "Server": "Сервер",
    "ServerCall": "Вызов сервера",
}


def property_units(properties: Element) -> Iterator[Unit]:
    """Units of the properties that say something; defaults and settings of the interface do not."""
    flat = properties.value("Hierarchical") != "true"
    for element in properties.children:
        renderer = _RENDERERS.get(element.tag)
        # Designer writes the kind of hierarchy even where there is none.
        if renderer is not None and not (flat and element.tag == "HierarchyType"):
            yield from renderer(element)


def _text(element: Element) -> Iterator[Unit]:
    for item in element.all("item"):
        if content := " ".join(item.value("content").split()):
            yield Unit(element.line, element.line_end, f"{_TEXTS[element.tag]}: {content}")


def _value(element: Element) -> Iterator[Unit]:
    if element.text and element.text != "0":
        word = _WORDS.get(element.text, element.text)
        yield Unit(element.line, element.line_end, f"{_VALUES[element.tag]}: {word}")


def _event(element: Element) -> Iterator[Unit]:
    if element.text:
        name = EVENT_NAMES.get(element.text)
        said = f"{name} ({element.text})" if name else element.text
        yield Unit(element.line, element.line_end, f"Событие: {said}")


def _reference(element: Element) -> Iterator[Unit]:
    if element.text:
        name = reference_name(element.text)
        yield Unit(element.line, element.line_end, f"{_REFERENCES[element.tag]}: {name} ({element.text})")


def _reference_list(element: Element) -> Iterator[Unit]:
    label = _REFERENCE_LISTS[element.tag]
    if element.text in {"true", "false"} and element.tag == "Use":
        yield Unit(element.line, element.line_end, f"{label}: {'да' if element.text == 'true' else 'нет'}")
    for item in element.children:
        reference = item.value("Metadata") or item.text
        if reference:
            yield Unit(item.line, item.line_end, reference_name(reference), label)


def _type(element: Element) -> Iterator[Unit]:
    label = _TYPES[element.tag]
    if len(element.all("Type")) + len(element.all("TypeSet")) == 1:
        yield Unit(element.line, element.line_end, f"{label}: {type_text(element)}")
        return
    for child, text in type_texts(element):
        # Of hundreds of types the name of one stands in another passage than its length; that line says more.
        length = qualifiers_of(element, child)
        said = length if length is not None and length.line_end - child.line >= _FAR else child
        yield Unit(said.line, said.line_end, text, label)


def _translated(element: Element) -> Iterator[Unit]:
    label, words = _TRANSLATED[element.tag]
    if word := words.get(element.text, element.text):
        yield Unit(element.line, element.line_end, f"{label}: {word}")


def _flag(element: Element) -> Iterator[Unit]:
    if element.text == "true":
        yield Unit(element.line, element.line_end, _FLAGS[element.tag], "Признаки")


def _standard_attributes(element: Element) -> Iterator[Unit]:
    """Those that the developer renamed or explained; the others are the same everywhere."""
    for attribute in element.all("StandardAttribute"):
        texts = [
            content
            for tag in ("Synonym", "ToolTip")
            for item in getattr(attribute.child(tag), "children", ())
            if (content := " ".join(item.value("content").split()))
        ]
        if texts:
            name = _STANDARD_NAMES.get(attribute.attributes.get("name", ""), attribute.attributes.get("name", ""))
            yield Unit(attribute.line, attribute.line_end, f"Стандартный реквизит {name}: {'; '.join(texts)}")


_STANDARD_NAMES = {
    "Account": "Счет",
    "Active": "Активность",
    "Code": "Код",
    "Date": "Дата",
    "DeletionMark": "ПометкаУдаления",
    "Description": "Наименование",
    "Executed": "Выполнена",
    "IsFolder": "ЭтоГруппа",
    "LineNumber": "НомерСтроки",
    "Number": "Номер",
    "Order": "Порядок",
    "Owner": "Владелец",
    "Parent": "Родитель",
    "Period": "Период",
    "Posted": "Проведен",
    "Predefined": "Предопределенный",
    "PredefinedDataName": "ИмяПредопределенныхДанных",
    "RecordType": "ВидДвижения",
    "Recorder": "Регистратор",
    "Ref": "Ссылка",
    "ValueType": "ТипЗначения",
}

_RENDERERS: dict[str, Callable[[Element], Iterator[Unit]]] = {
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_VALUES, _value),
    **dict.fromkeys(_REFERENCES, _reference),
    **dict.fromkeys(_REFERENCE_LISTS, _reference_list),
    **dict.fromkeys(_TYPES, _type),
    **dict.fromkeys(_TRANSLATED, _translated),
    **dict.fromkeys(_FLAGS, _flag),
    "Event": _event,
    "StandardAttributes": _standard_attributes,
}
