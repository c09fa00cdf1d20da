"""Every feature of the language that decides where a method begins and ends."""

from __future__ import annotations

import pytest

from rag_demo.ingest.bsl import Method, scan


def methods(text: str) -> list[Method]:
    return list(scan(text).methods)


def one(text: str) -> Method:
    (method,) = methods(text)
    return method


def spans(text: str) -> list[tuple[str, int, int]]:
    return [(method.name, method.line_start, method.line_end) for method in methods(text)]


@pytest.mark.parametrize(
    ("header", "end", "is_function"),
    [
        ("Процедура Имя()", "КонецПроцедуры", False),
        ("функция Имя()", "конецфункции", True),
        ("PROCEDURE Имя()", "EndProcedure", False),
        ("Function Имя()", "ENDFUNCTION", True),
        ("Функция Имя()", "EndFunction", True),
    ],
)
def test_both_languages_in_any_case(header, end, is_function):
    method = one(f"{header}\n\tА = 1;\n{end}")
    assert (method.name, method.is_function, method.line_start, method.line_end) == ("Имя", is_function, 1, 3)


def test_export_async_and_defaults():
    method = one('Асинх Функция Имя(Знач А, Б = ")", В = -1) Экспорт\nКонецФункции')
    assert method.is_async
    assert method.export
    assert method.signature == 'Асинх Функция Имя(Знач А, Б = ")", В = -1) Экспорт'


def test_export_in_a_comment_is_no_export():
    assert not one("Процедура Имя() // Экспорт\nКонецПроцедуры").export


def test_signature_of_several_lines_is_joined_without_comments():
    method = one(
        "Функция Имя(\n"
        "\tСсылка, // ссылка (или пусто)\n"
        '\tАдрес = "//сервер",\n'
        "\tПрочее = Неопределено)\n"
        "\tЭкспорт\n"
        "\tВозврат 1;\n"
        "КонецФункции\n"
    )
    assert method.signature == 'Функция Имя( Ссылка, Адрес = "//сервер", Прочее = Неопределено) Экспорт'.replace(
        "( ", "("
    )
    assert (method.line_start, method.line_code, method.line_end) == (1, 6, 7)


def test_keywords_in_strings_comments_and_behind_dots_are_words():
    text = (
        "Процедура Первая()\n"
        '\tА = "КонецПроцедуры";\n'
        "\t// КонецПроцедуры\n"
        '\tТекст = "ВЫБРАТЬ // все поля\n'
        "\t// комментарий между строками: КонецПроцедуры\n"
        "\n"
        '\t|\tКонецПроцедуры "" Процедура Ложная()";\n'
        "\tОбъект.КонецПроцедуры();\n"
        "\tЭтоКонецПроцедуры = Истина;\n"
        "\tДата = '00010101'; КонецПроцедуры // Первая\n"
        "Процедура Вторая() КонецПроцедуры\n"
    )
    assert spans(text) == [("Первая", 1, 10), ("Вторая", 11, 11)]


def test_a_closing_quote_ends_the_string_on_a_continuation_line():
    text = 'Функция А()\n\tТ = "а\n\t|б"; КонецФункции\nФункция Б()\nКонецФункции'
    assert spans(text) == [("А", 1, 3), ("Б", 4, 5)]


def test_directives_and_doc_comment_belong_to_the_method():
    text = (
        "Перем А;\n"
        "\n"
        "// Описание метода.\n"
        "//\n"
        "// Параметры:\n"
        "//  Б - Число - сколько\n"
        "//\n"
        "&НаКлиенте\n"
        '&Вместо("Имя")\n'
        "Процедура Расш_Имя(Б)\n"
        "КонецПроцедуры\n"
    )
    method = one(text)
    assert (method.line_start, method.line_header, method.line_end) == (3, 10, 11)
    assert method.directives == ("НаКлиенте", 'Вместо("Имя")')
    assert method.doc == "Описание метода.\n\nПараметры:\n Б - Число - сколько"


def test_directive_on_the_line_of_the_header():
    method = one("&AtServerNoContext Function Имя()\nEndFunction")
    assert method.directives == ("AtServerNoContext",)
    assert method.line_start == 1


def test_a_blank_line_separates_a_comment_from_the_method():
    method = one("// Не про метод.\n\nПроцедура Имя()\nКонецПроцедуры")
    assert method.doc == ""
    assert method.line_start == 3


@pytest.mark.parametrize(
    "banner",
    [
        "//////////////////\n// Copyright (c) 2030, ООО Маяк. Все права защищены.\n//////////////////\n",
        "// Copyright (c) 2030, ООО Маяк.\n// Лицензия: как есть.\n",
        "//////////////////\n// СЛУЖЕБНЫЕ ПРОЦЕДУРЫ И ФУНКЦИИ\n//////////////////\n",
    ],
)
def test_banners_are_no_doc_comments(banner):
    assert one(f"{banner}Процедура Имя()\nКонецПроцедуры").doc == ""


def test_doc_comment_below_a_banner():
    text = "//////////\n// РАЗДЕЛ\n//////////\n// Делает дело.\nПроцедура Имя()\nКонецПроцедуры"
    assert one(text).doc == "Делает дело."


def test_service_marks_are_no_doc():
    text = "// @skip-check module-unused-method\n// Делает дело.\nПроцедура Имя()\nКонецПроцедуры"
    assert one(text).doc == "Делает дело."


@pytest.mark.parametrize("doc", ["Устарела. Следует использовать Другая.", "Deprecated. Use Other."])
def test_deprecated_by_doc_comment(doc):
    assert one(f"// {doc}\nПроцедура Имя()\nКонецПроцедуры").deprecated


def test_deprecated_by_region():
    text = "#Область УстаревшиеПроцедурыИФункции\nПроцедура Имя()\nКонецПроцедуры\n#КонецОбласти"
    assert one(text).deprecated
    assert not one("Процедура Имя()\nКонецПроцедуры").deprecated


def test_regions_nest_and_may_lie_inside_methods():
    text = (
        "#Область ПрограммныйИнтерфейс\n"
        "# Область Вложенная\n"
        "Процедура А()\n"
        "\t#Region Inside\n"
        "\t#EndRegion\n"
        "КонецПроцедуры\n"
        "#КонецОбласти\n"
        "Процедура Б()\n"
        "КонецПроцедуры\n"
        "#КонецОбласти\n"
        "Процедура В()\n"
        "КонецПроцедуры\n"
    )
    assert [method.region for method in methods(text)] == [
        ("ПрограммныйИнтерфейс", "Вложенная"),
        ("ПрограммныйИнтерфейс",),
        (),
    ]


def test_preprocessor_chooses_between_headers_of_one_body():
    text = (
        "#Если Сервер Тогда\n"
        "Процедура Имя(А) Экспорт\n"
        "#ИначеЕсли Клиент Тогда\n"
        "Процедура Имя(Б)\n"
        "#Иначе\n"
        "Процедура Имя()\n"
        "#КонецЕсли\n"
        "\tДействие();\n"
        "КонецПроцедуры\n"
    )
    method = one(text)
    assert (method.line_start, method.line_end) == (2, 9)
    assert method.variants == ("Процедура Имя(Б)", "Процедура Имя()")


def test_preprocessor_variants_with_their_own_bodies_are_two_methods():
    text = (
        "#Если Сервер Тогда\nФункция Имя()\nКонецФункции\n#Иначе\nФункция Имя()\n\tВозврат 2;\nКонецФункции\n#КонецЕсли"
    )
    assert spans(text) == [("Имя", 2, 3), ("Имя", 5, 7)]


def test_a_forgotten_end_costs_one_method_only():
    text = "Процедура А()\n\tБ = 1;\n\n// Про В.\nПроцедура В()\nКонецПроцедуры\n"
    assert spans(text) == [("А", 1, 2), ("В", 4, 6)]


def test_a_method_cut_off_at_the_end_of_the_file():
    assert spans("Функция А()\n\tВозврат 1;\n\n") == [("А", 1, 2)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_numbers_with_any_line_end(newline):
    text = newline.join(
        ["\ufeff// Первая", "", "Процедура А()", "\tБ();", "КонецПроцедуры", "Функция В()", "КонецФункции"]
    )
    assert spans(text) == [("А", 3, 5), ("В", 6, 7)]


def test_lone_carriage_returns_and_form_feeds_end_no_line():
    text = "// a\rb\x0b\x0c\x85\u2028c\nПроцедура А()\r\nКонецПроцедуры"
    assert spans(text) == [("А", 1, 3)]
    assert scan(text).source.line_count == 3


def test_two_methods_on_one_line():
    assert spans("Процедура А() КонецПроцедуры Процедура Б() КонецПроцедуры") == [("А", 1, 1), ("Б", 1, 1)]


@pytest.mark.parametrize(
    "text", ["", "\ufeff", "\n\n", "// только комментарий", "Процедура", "Процедура А", "КонецПроцедуры"]
)
def test_nothing_to_find(text):
    assert methods(text) == []


def test_an_unclosed_parameter_list_ends_with_its_line():
    assert spans("Процедура А(Б\n\tВ();\nКонецПроцедуры") == [("А", 1, 3)]
