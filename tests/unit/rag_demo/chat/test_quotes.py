from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.chat.extractive.quotes import Quote, decisive, declaration
from rag_demo.index.analyse import terms
from rag_demo.testing import make_document

METHOD = make_document()
CATALOGUE = make_document(
    "Catalog.Валюты",
    doc_type="metadata_object",
    line_start=10,
    line_end=14,
    text='<Catalog uuid="1">\n\t<Name>Валюты</Name>\n\t<Comment/>\n\t<Name>Курс</Name>\n</Catalog>',
)


def weights(text):
    return dict.fromkeys(terms(text), 1.0)


def test_the_line_that_answers_is_quoted_with_its_number():
    assert decisive(METHOD, weights("цена товара на дату"), lines=1) == Quote(
        METHOD.path, 3, 3, "// Возвращает цену товара на дату."
    )


def test_tags_are_no_words():
    quote = decisive(CATALOGUE, weights("catalog курс"), lines=2)
    assert (quote.line_start, quote.line_end, quote.text) == (13, 13, "\t<Name>Курс</Name>")


def test_nothing_in_common_gives_no_quote():
    assert decisive(METHOD, weights("бегемот"), lines=3) is None
    assert decisive(METHOD, {}, lines=3) is None


def test_blank_ends_are_cut_off():
    document = make_document(text="\n\nцена\n\n\n", line_start=1, line_end=6)
    assert decisive(document, weights("цена"), lines=4) == Quote(document.path, 3, 3, "цена")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("// Функция\nФункция Цена(А)\nКонец", (4, "Функция Цена(А)")),
        ("&НаСервере\nАсинх Процедура Цена(А,\n\tБ) Экспорт\n\tВ();", (4, "Асинх Процедура Цена(А,\n\tБ) Экспорт")),
        ("function Price()", (3, "function Price()")),
        ("Procedure Price(", (3, "Procedure Price(")),
    ],
)
def test_declaration(text, expected):
    quote = declaration(make_document(text=text))
    assert (quote.line_start, quote.text) == expected


def test_an_object_has_no_declaration():
    assert declaration(CATALOGUE) is None


@given(
    st.lists(st.sampled_from(["", "цена", "\tтовар", "Функция А(", "бегемот", "<Цена>", "дата)"]), min_size=1),
    st.integers(1, 6),
)
def test_quotes_are_exactly_the_lines_they_name(lines, most):
    document = make_document(text="\n".join(lines), line_start=7, line_end=6 + len(lines))
    declared = declaration(document)
    question = weights("цена товар дата")
    quotes = [decisive(document, question, lines=most), decisive(document, question, lines=most, beside=declared)]
    for quote in (*quotes, declared):
        if quote is not None:
            assert quote.text == "\n".join(lines[quote.line_start - 7 : quote.line_end - 6])
            assert document.line_start <= quote.line_start <= quote.line_end <= document.line_end
    if declared and quotes[1]:
        assert quotes[1].line_start > declared.line_end or quotes[1].line_end < declared.line_start
