"""Doc comments by the 1C convention, in their parts."""

from __future__ import annotations

import pytest

from rag_demo.ingest.bsl import scan
from rag_demo.ingest.bsl.doc_comments import parse_doc
from rag_demo.ingest.bsl.parameters import parameters_of
from rag_demo.ingest.facts import DocComment, DocField, Parameter

FULL = """Возвращает значения реквизитов. См. ОбщегоНазначения.ЗначениеРеквизита.

Параметры:
 Ссылка    - ЛюбаяСсылка - объект, значения которого нужны.
           - Строка      - полное имя
                           предопределенного элемента.
 Реквизиты - Структура:
   * Имя - Строка - ключ.
   ** Глубже - Число, Неопределено
   * Ещё - см. Модуль.Описание
 Флаг - если Истина, то проверять.
 Форма - см. ПараметрыФормы

Возвращаемое значение:
 Структура:
  * Код - Строка
 Неопределено - если ссылка пустая.

Варианты вызова:
 Метод(Ссылка) - коротко

Пример:
 Значения = Метод(Ссылка);
"""


def test_every_part_of_a_full_comment():
    doc = parse_doc(FULL)
    assert doc.description.startswith("Возвращает значения реквизитов.")
    assert doc.see == ("ОбщегоНазначения.ЗначениеРеквизита",)
    link, attributes, flag, form = doc.parameters
    assert (link.name, link.types) == ("Ссылка", ("ЛюбаяСсылка", "Строка"))
    assert link.text == "объект, значения которого нужны. Строка: полное имя предопределенного элемента."
    assert attributes.types == ("Структура",)
    assert attributes.fields == (
        DocField("Имя", ("Строка",), "ключ.", (DocField("Глубже", ("Число", "Неопределено")),)),
        DocField("Ещё", see="Модуль.Описание"),
    )
    assert flag == DocField("Флаг", (), "если Истина, то проверять.")
    assert form.see == "ПараметрыФормы"
    assert doc.returns == (
        DocField("", ("Структура",), "", (DocField("Код", ("Строка",)),)),
        DocField("", ("Неопределено",), "если ссылка пустая."),
    )
    assert doc.examples == "Значения = Метод(Ссылка);"
    assert doc.call_options == "Метод(Ссылка) - коротко"
    assert doc.deprecated is None


def test_english_titles_and_of():
    doc = parse_doc(
        "Gets.\n\nParameters:\n Names - Array of String - names.\n\nReturns:\n String - text.\n\nExample:\n X();"
    )
    assert doc.parameters == (DocField("Names", ("Array of String",), "names."),)
    assert doc.returns == (DocField("", ("String",), "text."),)
    assert doc.examples == "X();"


@pytest.mark.parametrize(
    ("said", "types", "text"),
    [
        ("Строка - текст", ("Строка",), "текст"),
        ("Строка, Число - одно из двух", ("Строка", "Число"), "одно из двух"),
        ("Массив из СправочникСсылка.Валюты - валюты", ("Массив из СправочникСсылка.Валюты",), "валюты"),
        ("СправочникОбъект.Валюты, элемент справочника", ("СправочникОбъект.Валюты",), "элемент справочника"),
        ("Соответствие из КлючИЗначение:", ("Соответствие из КлючИЗначение",), ""),
        ("Строка.", ("Строка",), ""),
        ("имя элемента формы", (), "имя элемента формы"),
        ("Истина если нужно", (), "Истина если нужно"),
    ],
)
def test_types_and_what_is_said_of_them(said, types, text):
    assert parse_doc(f"Параметры:\n А - {said}").parameters == (DocField("А", types, text),)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("Устарела. Следует использовать Новая.", "Следует использовать Новая."),
        ("Устарела: Новая", "Новая"),
        ("Устаревшая процедура.", ""),
        ("Deprecated. Use New.", "Use New."),
        ("Устаревание записей.", None),
    ],
)
def test_deprecation_is_told_with_its_replacement(line, instead):
    assert parse_doc(f"{line}\n\nОписание.").deprecated == instead


def test_only_names_of_methods_are_links():
    assert parse_doc("См. документацию, см. описание и см. Модуль.Метод, см. также НовыйМетод().").see == (
        "Модуль.Метод",
        "НовыйМетод",
    )


def test_a_text_without_any_convention_is_the_description():
    assert parse_doc("Просто текст\n  * с пометкой - Строка") == DocComment("Просто текст\n  * с пометкой - Строка")


def test_a_licence_above_the_first_method_is_not_its_comment():
    banner = "/" * 80 + "\n// Copyright (c) 2024, ООО Маяк\n// Лицензия CC BY 4.0\n" + "/" * 80 + "\n"
    (method,) = scan(f"{banner}\n// Своё описание.\nПроцедура А()\nКонецПроцедуры").methods
    assert parse_doc(method.doc).description == "Своё описание."
    (bare,) = scan(f"{banner}Процедура А()\nКонецПроцедуры").methods
    assert parse_doc(bare.doc) == DocComment()


@pytest.mark.parametrize(
    ("signature", "parameters"),
    [
        ("Процедура А()", ()),
        (
            'Функция Б(Знач Имя, Знач = 1, Текст = "а, (б) ""в""", val X = Undefined) Экспорт',
            (
                Parameter("Имя", by_value=True),
                Parameter("Знач", default="1"),
                Parameter("Текст", default='"а, (б) ""в"""'),
                Parameter("X", by_value=True, default="Undefined"),
            ),
        ),
        (
            "Процедура В(Дата = '20250101', Число = -1)",
            (Parameter("Дата", default="'20250101'"), Parameter("Число", default="-1")),
        ),
    ],
)
def test_parameters_of_a_signature(signature, parameters):
    assert parameters_of(signature) == parameters
