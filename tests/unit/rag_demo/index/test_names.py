"""All the ways to write a name come to one key."""

from __future__ import annotations

import pytest

from rag_demo.index.names import has_kind, name_key, without_table
from rag_demo.ingest.kinds import KINDS


@pytest.mark.parametrize(
    ("key", "names"),
    [
        (
            "catalog.валюты",
            (
                "Справочник.Валюты Справочники.Валюты Catalog.Валюты Catalogs.Валюты CatalogRef.Валюты "
                "СправочникСсылка.Валюты СправочникОбъект.валюты "
                "СПРАВОЧНИКМЕНЕДЖЕР.ВАЛЮТЫ Метаданные.Справочники.Валюты"
            ),
        ),
        (
            "document.счет.товары.цена",
            (
                "Document.Счёт.TabularSection.Товары.Attribute.Цена Документы.Счет.Товары.Цена "
                "Документ.Счет.ТабличнаяЧасть.Товары.Реквизит.Цена Documents.Счет.Товары.Attributes.Цена"
            ),
        ),
        ("enum.виды.опт", "Enum.Виды.EnumValue.Опт Перечисления.Виды.Опт ПеречислениеСсылка.Виды.Опт"),
        (
            "catalog.валюты.курс",
            "Catalog.Валюты.ManagerModule.Курс Справочники.Валюты.Курс() Справочник.Валюты.МодульМенеджера.Курс(А)",
        ),
        ("catalog.валюты.managermodule", "Catalog.Валюты.ManagerModule Справочники.Валюты.МодульМенеджера"),
        ("commonmodule.цены.цена", "CommonModule.Цены.Цена ОбщийМодуль.Цены.Цена ОбщиеМодули.Цены.Цена"),
        ("catalog.а.ф.приоткрытии", "Catalog.А.Form.Ф.ПриОткрытии Справочник.А.Форма.Ф.ПриОткрытии"),
        ("subsystem.а.б", "Subsystem.А.Subsystem.Б Подсистемы.А.Подсистемы.Б"),
        (
            "accumulationregister.а",
            "РегистрНакопленияНаборЗаписей.А РегистрыНакопления.А AccumulationRegisterRecordSet.А",
        ),
        ("businessprocess.а", "БизнесПроцессы.А БизнесПроцесс.А BusinessProcesses.А"),
        ("цены.цена", "Цены.Цена ЦЕНЫ.цена Цены.Цена()"),
    ],
)
def test_forms_of_one_name(key, names):
    assert {name_key(name) for name in names.split()} == {key}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_is_known_in_all_its_forms(kind):
    for word in (kind.name, kind.folder, kind.word, kind.word_plural):
        key = name_key(f"{word}.Имя")
        assert key == f"{kind.name.lower()}.имя"
        assert has_kind(key)


@pytest.mark.parametrize("name", ["", ".", "..", "Справочник", "а.", ".а", "()", "Форма"])
def test_anything_has_a_key(name):
    assert not has_kind(name_key(name)) or "." in name_key(name)


def test_virtual_tables_stand_for_their_register():
    assert without_table(name_key("РегистрСведений.Курсы.СрезПоследних")) == "informationregister.курсы"
    assert without_table(name_key("РегистрНакопления.Остатки")) == "accumulationregister.остатки"
