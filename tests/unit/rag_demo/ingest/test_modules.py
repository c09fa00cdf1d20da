"""Modules as documents: their names, windows, ids and hashes."""

from __future__ import annotations

import dataclasses

import pytest

from rag_demo.ingest import read_configuration
from rag_demo.types import Document

from .conftest import CODE, find, read


@pytest.mark.parametrize(
    ("path", "full_name", "module_kind", "header"),
    [
        (
            "Catalogs/Т/Ext/ObjectModule.bsl",
            "Catalog.Т.ObjectModule.Цена",
            "ObjectModule",
            "Справочник Т › Модуль объекта",
        ),
        (
            "Catalogs/Т/Ext/ManagerModule.bsl",
            "Catalog.Т.ManagerModule.Цена",
            "ManagerModule",
            "Справочник Т › Модуль менеджера",
        ),
        ("Catalogs/Т/Forms/Ф/Ext/Form/Module.bsl", "Catalog.Т.Form.Ф.Цена", "FormModule", "Справочник Т › Форма Ф"),
        (
            "Catalogs/Т/Commands/К/Ext/CommandModule.bsl",
            "Catalog.Т.Command.К.Цена",
            "CommandModule",
            "Справочник Т › Команда К",
        ),
        ("CommonForms/Ф/Ext/Form/Module.bsl", "CommonForm.Ф.Цена", "FormModule", "Общая форма Ф"),
        ("CommonCommands/К/Ext/CommandModule.bsl", "CommonCommand.К.Цена", "CommandModule", "Общая команда К"),
        (
            "InformationRegisters/Р/Ext/RecordSetModule.bsl",
            "InformationRegister.Р.RecordSetModule.Цена",
            "RecordSetModule",
            "Регистр сведений Р › Модуль набора записей",
        ),
        (
            "Constants/К/Ext/ValueManagerModule.bsl",
            "Constant.К.ValueManagerModule.Цена",
            "ValueManagerModule",
            "Константа К › Модуль менеджера значения",
        ),
        ("WebServices/В/Ext/Module.bsl", "WebService.В.Цена", "WebServiceModule", "Веб-сервис В"),
        (
            "Ext/SessionModule.bsl",
            "Configuration.SessionModule.Цена",
            "SessionModule",
            "Конфигурация Маяк › Модуль сеанса",
        ),
        (
            "ExternalDataSources/Б/Tables/Т/Ext/ObjectModule.bsl",
            "ExternalDataSource.Б.Table.Т.ObjectModule.Цена",
            "ObjectModule",
            "Внешний источник данных Б › Таблица Т › Модуль объекта",
        ),
    ],
)
def test_names_of_methods_by_the_path_of_their_module(dump, path, full_name, module_kind, header):
    (method,) = find(read(dump({path: CODE})), full_name, "method")
    assert method.module_kind == module_kind
    assert method.header == f"{header} › ПрограммныйИнтерфейс › Функция Цена(Товар) Экспорт"


def test_a_long_method_becomes_windows_with_one_name(dump):
    code = "// Описание.\nПроцедура Длинная()\n" + "\tДействие(1, 2, 3);\n\n" * 500 + "КонецПроцедуры\n"
    windows = find(read(dump({"CommonModules/Цены/Ext/Module.bsl": code})), "CommonModule.Цены.Длинная", "method")
    assert len(windows) > 2
    assert [bool(window.doc) for window in windows] == [True] + [False] * (len(windows) - 1)
    assert len({window.header for window in windows}) == 1
    assert len({window.doc_id for window in windows}) == len(windows)
    assert "\n".join(window.text for window in windows) == code.rstrip("\n")


def test_the_description_of_a_module_is_a_document(dump):
    head = "#Если Сервер Тогда\n/////////////\n// ЦЕНЫ\n//\n// Цены считаются\n"
    head += "// по правилам скидок, заданных пользователем.\n\n"
    before = read(dump())
    documents = read(dump({"CommonModules/Цены/Ext/Module.bsl": head + CODE.lstrip("\ufeff")}))
    (found,) = find(documents, "CommonModule.Цены", "module")
    assert (found.line_start, found.line_end) == (5, 6)
    assert found.header == "Общий модуль Цены › Описание модуля"
    assert found.doc == "Цены считаются\nпо правилам скидок, заданных пользователем."
    assert found.text.split("\n")[0] == "// Цены считаются"
    assert {one.doc_id for one in documents} == {one.doc_id for one in before} | {found.doc_id}


def test_the_guard_of_object_modules_is_no_document(dump):
    guard = "#Иначе\nВызватьИсключение НСтр(\"ru = 'Нет'\");\n#КонецЕсли\n"
    code = f"#Если Сервер Тогда\nПроцедура А()\nКонецПроцедуры\n{guard}"
    documents = read(dump({"Catalogs/Т/Ext/ObjectModule.bsl": code}))
    assert [one.doc_type for one in documents if one.object_name == "Т"] == ["method"]


def test_ids_survive_edits_elsewhere_and_hashes_follow_the_content(dump):
    before = {one.doc_id: one for one in read(dump())}
    edited = CODE.replace("#Область", "// Новая строка\r\n\r\n#Область", 1)
    after = {one.doc_id: one for one in read(dump({"CommonModules/Цены/Ext/Module.bsl": edited}))}
    assert before.keys() == after.keys()
    assert {key: one.content_hash for key, one in before.items()} == {
        key: one.content_hash for key, one in after.items()
    }
    changed = {one.doc_id: one for one in read(dump({"CommonModules/Цены/Ext/Module.bsl": CODE.replace("1;", "2;")}))}
    assert before.keys() == changed.keys()
    assert [before[key].name for key in before if before[key].content_hash != changed[key].content_hash] == ["Цена"]


def test_another_space_has_other_ids_but_equal_content(dump):
    root = dump()
    first = read_configuration(root, space_id="a").documents
    second = read_configuration(root, space_id="b").documents
    assert not {one.doc_id for one in first} & {one.doc_id for one in second}
    assert [one.content_hash for one in first] == [one.content_hash for one in second]


def test_equal_names_get_ids_of_their_own(dump):
    code = "Процедура А()\nКонецПроцедуры\nПроцедура А()\nКонецПроцедуры\n"
    twins = find(read(dump({"CommonModules/Цены/Ext/Module.bsl": code})), "CommonModule.Цены.А", "method")
    assert len({twin.doc_id for twin in twins}) == 2


def test_documents_are_the_public_record(dump):
    assert {type(one) for one in read(dump())} == {Document}
    assert all(dataclasses.asdict(one)["space_id"] == "main" for one in read(dump()))
