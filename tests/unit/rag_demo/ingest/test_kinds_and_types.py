"""Names of kinds, types and references."""

from __future__ import annotations

import pytest

from rag_demo.ingest.kinds import KIND_BY_FOLDER, KINDS, NESTED_KINDS
from rag_demo.ingest.type_names import reference_name, type_name, type_text
from rag_demo.ingest.xml_tree import parse_xml


def test_kinds_are_told_apart_by_every_name():
    for names in zip(*((kind.name, kind.folder, kind.word, kind.word_plural) for kind in KINDS), strict=True):
        assert len(set(names)) == len(KINDS)
    assert len({kind.folder for kind in NESTED_KINDS}) == len(NESTED_KINDS)


@pytest.mark.parametrize(
    ("folder", "word", "plural"),
    [
        ("Catalogs", "Справочник", "Справочники"),
        ("InformationRegisters", "РегистрСведений", "РегистрыСведений"),
        ("BusinessProcesses", "БизнесПроцесс", "БизнесПроцессы"),
        ("ChartsOfCharacteristicTypes", "ПланВидовХарактеристик", "ПланыВидовХарактеристик"),
        ("HTTPServices", "HTTPСервис", "HTTPСервисы"),
    ],
)
def test_words_of_code_and_queries(folder, word, plural):
    kind = KIND_BY_FOLDER[folder]
    assert (kind.word, kind.word_plural) == (word, plural)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cfg:CatalogRef.Валюты", "СправочникСсылка.Валюты"),
        ("d5p1:DocumentObject.Заказ", "ДокументОбъект.Заказ"),
        ("cfg:DefinedType.Сумма", "ОпределяемыйТип.Сумма"),
        ("cfg:ChartOfCharacteristicTypesRef.Виды", "ПланВидовХарактеристикСсылка.Виды"),
        ("cfg:ChartOfAccountsRef.Счета", "ПланСчетовСсылка.Счета"),
        ("cfg:InformationRegisterRecordSet.Цены", "РегистрСведенийНаборЗаписей.Цены"),
        ("cfg:InformationRegisterRecordKey.Цены", "РегистрСведенийКлючЗаписи.Цены"),
        ("cfg:Characteristic.Виды", "Характеристика.Виды"),
        ("cfg:ExchangePlanRef", "ПланОбменаСсылка"),
        ("cfg:ConstantValueManager.Курс", "КонстантаМенеджерЗначения.Курс"),
        ("v8:ValueStorage", "ХранилищеЗначения"),
        ("v8:UUID", "УникальныйИдентификатор"),
        ("xs:boolean", "Булево"),
        ("ent:Неизвестный", "Неизвестный"),
    ],
)
def test_type_names(name, expected):
    assert type_name(name) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Catalog.Валюты", "Справочник.Валюты"),
        ("Catalog.Catalog", "Справочник.Catalog"),
        ("Document.Заказ.TabularSection.Товары.Attribute.Цена", "Документ.Заказ.ТабличнаяЧасть.Товары.Реквизит.Цена"),
        ("CommonModule.Цены.Цена", "ОбщийМодуль.Цены.Цена"),
        ("00000000-0000", "00000000-0000"),
    ],
)
def test_reference_names(reference, expected):
    assert reference_name(reference) == expected


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<Type>xs:string</Type>", "Строка(неограниченная)"),
        ("<Type>xs:string</Type><StringQualifiers><Length>0</Length></StringQualifiers>", "Строка(неограниченная)"),
        ("<Type>xs:string</Type><StringQualifiers><Length>150</Length></StringQualifiers>", "Строка(150)"),
        ("<Type>xs:decimal</Type>", "Число"),
        (
            (
                "<Type>xs:decimal</Type><NumberQualifiers><Digits>10</Digits><FractionDigits>0</FractionDigits>"
                "<AllowedSign>Nonnegative</AllowedSign></NumberQualifiers>"
            ),
            "Число(10,0, неотрицательное)",
        ),
        ("<Type>xs:dateTime</Type><DateQualifiers><DateFractions>Date</DateFractions></DateQualifiers>", "Дата"),
        ("<Type>xs:dateTime</Type>", "Дата и время"),
        ("<Type>cfg:EnumRef.Цвета</Type><Type>xs:boolean</Type>", "ПеречислениеСсылка.Цвета, Булево"),
        ("<TypeSet>cfg:DefinedType.Сумма</TypeSet>", "ОпределяемыйТип.Сумма"),
        ("", ""),
    ],
)
def test_type_texts(inner, expected):
    assert type_text(parse_xml(f"<Type>{inner}</Type>")) == expected
