"""Module text outside methods, windows of long methods, and cleaned code."""

from __future__ import annotations

import pytest

from rag_demo.ingest.bsl import clean_code, cut_windows, scan


def blocks(text):
    return [(block.kind, block.names, block.line_start, block.line_end) for block in scan(text).blocks]


def test_variables_with_directives_comments_and_export():
    text = (
        "// Лицензия\n"
        "\n"
        "#Область ОписаниеПеременных\n"
        "// Кэш настроек.\n"
        "&НаКлиенте\n"
        "Перем Кэш, Настройки Экспорт; // общие\n"
        "\n"
        "Var Second,\n"
        "\tThird;\n"
        "#КонецОбласти\n"
        "Процедура А()\n"
        "\tПерем Местная;\n"
        "КонецПроцедуры\n"
    )
    assert blocks(text) == [("variables", ("Кэш", "Настройки", "Second", "Third"), 4, 9)]


LICENCE = "//////////\n// Copyright (c) 2025, ООО Маяк\n// Все права защищены.\n//////////\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("// Разбирает выписки банка, ничего не записывая в базу.\n#Область А\n", [("head", (), 1, 1)]),
        (
            f"{LICENCE}\n// РАЗБОР\n//\n// Разбирает выписки банка:\n// ничего не записывает в базу данных.\n//\n",
            [("head", (), 8, 9)],
        ),
        ("#Если Сервер Тогда\n// Разбирает выписки банка для обмена.\n\n// Цена.\nФункция А()", [("head", (), 2, 2)]),
        (
            "// Этот модуль проверяет лицензии внешних компонент.\n\nПерем А;",
            [("head", (), 1, 1), ("variables", ("А",), 3, 3)],
        ),
        (LICENCE, []),
        (
            "//////////\n// ОБРАБОТЧИКИ СОБЫТИЙ ФОРМЫ И ЕЕ ПОЛЕЙ\n//\n\n// Экспортные процедуры модуля\n\nФункция А()",
            [],
        ),
        ("// Функция Старая(Первый, Второй, Третий, Четвертый)\n//\tВозврат Первый + Второй;\n\nФункция А()", []),
        ("#Область А\n// Следующие процедуры нужны для обмена с банком.\n\nФункция А()", []),
        ("// Разбирает выписки банка, ничего не записывая.\nФункция А()", []),
    ],
    ids=["plain", "framed", "before a method", "about licences", "licence", "titles", "code", "region", "method"],
)
def test_the_description_at_the_head_of_a_module(text, found):
    assert blocks(text) == found


def test_module_body_behind_the_methods():
    text = "Процедура А()\nКонецПроцедуры\n\n// Начало.\nКэш = Новый Структура;\nА();\n\n#КонецЕсли\n"
    assert blocks(text) == [("body", (), 4, 6)]


def test_a_module_without_methods():
    assert blocks('Сообщить("Процедура");') == [("body", (), 1, 1)]
    assert blocks("#Область Пустая\n// ничего\n#КонецОбласти") == []


def test_a_short_method_is_one_window():
    lines = ["Процедура А()", "КонецПроцедуры"]
    assert [(window.first, window.last) for window in cut_windows(lines, 100)] == [(0, 1)]


def test_windows_are_cut_at_blank_lines_rather_than_inside_statements():
    lines = ["Процедура А()", *["\tБ = В +", "\tГ;", "", "\tД();"] * 30, "КонецПроцедуры"]
    windows = cut_windows(lines, 200)
    assert len(windows) > 2
    for window in windows[1:]:
        assert lines[window.first] in {"", "\tД();"}
        assert sum(len(line) + 1 for line in lines[window.first : window.last + 1]) <= 220


def test_windows_are_cut_at_statement_ends_where_there_are_no_blank_lines():
    lines = ["Процедура А()", *["\tРезультат = Первое", "\t\t+ Второе;"] * 40, "КонецПроцедуры"]
    for window in cut_windows(lines, 300)[1:]:
        assert lines[window.first - 1].endswith(";")


def test_a_string_that_fits_a_window_is_not_cut():
    query = ['\tТекст = "ВЫБРАТЬ', *["\t|\tПоле,", "", "\t// пояснение"] * 12, '\t|Конец";']
    lines = ["Функция А()", *["\tБ();"] * 40, *query, *["\tВ();"] * 40, "КонецФункции"]
    windows = cut_windows(lines, 400)
    assert len(windows) > 1
    assert not any(lines[window.first].lstrip().startswith("|") for window in windows)


def test_a_string_longer_than_a_window_is_cut_between_its_lines():
    query = ['\tТекст = "ВЫБРАТЬ', *["\t|\tПоле,", "", "\t// пояснение"] * 60, '\t|Конец";']
    lines = ["Функция А()", "\tБ();", *query, "\tВ();", "КонецФункции"]
    windows = cut_windows(lines, 400)
    assert max(sum(len(line) + 1 for line in lines[one.first : one.last + 1]) for one in windows) <= 440
    assert len(windows) < 8


def test_doc_comment_and_signature_stay_in_the_first_window():
    lines = ["// описание " * 3] * 20 + ["Процедура А()"] + ["\tБ();"] * 100
    assert cut_windows(lines, 300, keep=21)[0].last >= 20


def test_no_scrap_is_left_behind_a_long_line():
    lines = ["Функция А()", "\tБ();", f'\tВ = "{"г" * 700}";', "\tВозврат 1;", "КонецФункции"]
    assert [(window.first, window.last) for window in cut_windows(lines, 600)] == [(0, len(lines) - 1)]


def test_clean_code_keeps_words_and_drops_marks():
    code = '\tТекст = "ВЫБРАТЬ\n\t|\tПоле КАК ""Имя""\n\n\t// пояснение\n#Удаление\nСтарое();\n#КонецУдаления\nНовое();'
    assert clean_code(code).split("\n") == ["Текст =  ВЫБРАТЬ", "Поле КАК   Имя", "пояснение", "Новое();"]
