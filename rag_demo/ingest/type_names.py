"""Types and references in the words of a Russian 1C developer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_demo.ingest.kinds import KIND_BY_NAME
from rag_demo.ingest.xml_tree import Element

_PLAIN = {
    "AccumulationRecordType": "ВидДвиженияНакопления",
    "AccountType": "ВидСчета",
    "AnyIBRef": "ЛюбаяСсылка",
    "AnyRef": "ЛюбаяСсылка",
    "BinaryData": "ДвоичныеДанные",
    "Boolean": "Булево",
    "Chart": "Диаграмма",
    "Color": "Цвет",
    "ConstantsSet": "НаборКонстант",
    "DataCompositionSchema": "СхемаКомпоновкиДанных",
    "DynamicList": "ДинамическийСписок",
    "FixedArray": "ФиксированныйМассив",
    "FixedMap": "ФиксированноеСоответствие",
    "FixedStructure": "ФиксированнаяСтруктура",
    "Font": "Шрифт",
    "FormattedDocument": "ФорматированныйДокумент",
    "FormattedString": "ФорматированнаяСтрока",
    "FlowchartContextType": "ГрафическаяСхема",
    "Null": "Null",
    "Picture": "Картинка",
    "ReportBuilder": "ПостроительОтчета",
    "SettingsComposer": "КомпоновщикНастроекКомпоновкиДанных",
    "SpreadsheetDocument": "ТабличныйДокумент",
    "StandardBeginningDate": "СтандартнаяДатаНачала",
    "StandardPeriod": "СтандартныйПериод",
    "TextDocument": "ТекстовыйДокумент",
    "Type": "Тип",
    "TypeDescription": "ОписаниеТипов",
    "UUID": "УникальныйИдентификатор",
    "ValueListType": "СписокЗначений",
    "ValueStorage": "ХранилищеЗначения",
    "ValueTable": "ТаблицаЗначений",
    "VerticalAlign": "ВертикальноеПоложение",
    "ValueTree": "ДеревоЗначений",
    "base64Binary": "ДвоичныеДанные",
    "boolean": "Булево",
    "string": "Строка",
}
_SUFFIXES = {
    "": "",
    "List": "Список",
    "Manager": "Менеджер",
    "Object": "Объект",
    "RecordKey": "КлючЗаписи",
    "RecordManager": "МенеджерЗаписи",
    "RecordSet": "НаборЗаписей",
    "Ref": "Ссылка",
    "RoutePointRef": "ТочкаМаршрутаСсылка",
    "Selection": "Выборка",
    "ValueManager": "МенеджерЗначения",
}
_DATE_PARTS = {"Date": "Дата", "Time": "Время", "DateTime": "Дата и время"}
_NAMED = re.compile(
    rf"({'|'.join(sorted(KIND_BY_NAME, key=len, reverse=True))})({'|'.join(filter(None, _SUFFIXES))})?(?:\.(.+))?\Z"
)


def type_name(name: str) -> str:
    """``cfg:CatalogRef.Валюты`` → ``СправочникСсылка.Валюты``. Unknown names stay as they are."""
    bare = name.strip().rpartition(":")[2]
    if bare in _PLAIN:
        return _PLAIN[bare]
    if bare.startswith("Characteristic."):
        return f"Характеристика.{bare.partition('.')[2]}"
    found = _NAMED.match(bare)
    if found is None:
        return bare
    word = KIND_BY_NAME[found[1]].word + _SUFFIXES[found[2] or ""]
    return f"{word}.{found[3]}" if found[3] else word


def reference_name(reference: str) -> str:
    """``Catalog.Валюты.Form.ФормаСписка`` → ``Справочник.Валюты.Форма.ФормаСписка``."""
    words = reference.strip().split(".")
    words[::2] = [KIND_BY_NAME[word].word if word in KIND_BY_NAME else _SECTIONS.get(word, word) for word in words[::2]]
    return ".".join(words)


_SECTIONS = {
    "AccountingFlag": "ПризнакУчета",
    "AddressingAttribute": "РеквизитАдресации",
    "Attribute": "Реквизит",
    "Dimension": "Измерение",
    "EnumValue": "ЗначениеПеречисления",
    "Resource": "Ресурс",
    "StandardAttribute": "СтандартныйРеквизит",
    "StandardTabularSection": "СтандартнаяТабличнаяЧасть",
    "TabularSection": "ТабличнаяЧасть",
}


def type_text(element: Element | None) -> str:
    """The types that an element ``Type`` lists, with their qualifiers: ``Строка(150), СправочникСсылка.Валюты``."""
    return ", ".join(text for _, text in type_texts(element)) if element is not None else ""


def type_texts(element: Element) -> Iterator[tuple[Element, str]]:
    """The elements of the types that ``element`` lists, each with its text."""
    for child in element.children:
        if child.tag in {"Type", "TypeSet"}:
            bare = child.text.rpartition(":")[2]
            qualified = _QUALIFIED.get(bare)
            yield child, qualified(element) if qualified else type_name(bare)


def qualifiers_of(element: Element, child: Element) -> Element | None:
    """The element behind all types that says the length of one of them: ``StringQualifiers`` for a string."""
    tag = _QUALIFIERS.get(child.text.rpartition(":")[2])
    return element.child(tag) if tag else None


def referenced(element: Element | None) -> Iterator[tuple[Element, str, str]]:
    """Objects that the types of an element ``Type`` or ``Source`` name.

    Yields:
        The element of the type; ``Catalog.Валюты``, ``DefinedType.Контакт`` or, where any object of a kind is meant,
        ``Catalog``; and the form in which it appears: ``Ref``, ``Object``, ``RecordSet``, …
    """
    for child in element.children if element is not None else ():
        bare = child.text.strip().rpartition(":")[2]
        if bare.startswith("Characteristic."):
            bare = f"ChartOfCharacteristicTypes.{bare.partition('.')[2]}"
        found = _NAMED.match(bare) if child.tag in {"Type", "TypeSet"} else None
        if found is not None and (found[2] or found[3]):
            yield child, f"{found[1]}.{found[3]}" if found[3] else found[1], found[2] or ""


def _string(element: Element) -> str:
    qualifiers = element.child("StringQualifiers")
    length = qualifiers.value("Length") if qualifiers is not None else ""
    return f"Строка({length})" if length not in {"", "0"} else "Строка(неограниченная)"


def _number(element: Element) -> str:
    qualifiers = element.child("NumberQualifiers")
    if qualifiers is None or qualifiers.value("Digits") in {"", "0"}:
        return "Число"
    fraction = qualifiers.value("FractionDigits")
    sign = ", неотрицательное" if qualifiers.value("AllowedSign") == "Nonnegative" else ""
    return f"Число({qualifiers.value('Digits')},{fraction or 0}{sign})"


def _date(element: Element) -> str:
    qualifiers = element.child("DateQualifiers")
    parts = qualifiers.value("DateFractions") if qualifiers is not None else ""
    return _DATE_PARTS.get(parts, "Дата и время")


_QUALIFIED = {"string": _string, "decimal": _number, "dateTime": _date}
_QUALIFIERS = {"string": "StringQualifiers", "decimal": "NumberQualifiers", "dateTime": "DateQualifiers"}
