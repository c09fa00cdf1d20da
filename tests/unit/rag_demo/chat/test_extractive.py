from __future__ import annotations

import dataclasses
import re

import pytest

from rag_demo.chat.extractive.assembling import joined
from rag_demo.chat.extractive.compose import compose, enumerate_objects, refuse
from rag_demo.chat.extractive.phrases import phrases_for
from rag_demo.index.analyse import terms
from rag_demo.index.catalogue_reader import Listed
from rag_demo.index.ports import DocKey
from rag_demo.testing import make_document
from rag_demo.types import Hit, LegRank, Source

PRICE = make_document()
CATALOGUE = make_document(
    "Catalog.Товары",
    doc_type="metadata_object",
    path="Catalogs/Товары.xml",
    synonym="Номенклатура",
    header="Справочник Товары",
    doc="",
    body="Справочник Товары\n" + "\n".join(f"Реквизит Поле{n}: Строка" for n in range(40)),
    text="<Name>Товары</Name>",
    line_start=9,
    line_end=9,
)
OTHER = make_document(
    "CommonModule.Склад.Остаток", doc="", body="", header="", text="Процедура Остаток()\nКонецПроцедуры"
)


def answer(question, *documents):
    sources = [Source(n, Hit(document, 1.0)) for n, document in enumerate(documents, start=1)]
    return compose(question, sources, dict.fromkeys(terms(question), 1.0)).text


def test_a_method_is_named_described_quoted_and_cited():
    text = answer("цена товара", PRICE)
    assert "Функция CommonModule.Цены.ПолучитьЦену — Возвращает цену товара на дату. [1]" in text
    assert "    | Функция ПолучитьЦену(Товар, Дата) Экспорт\n    [1] CommonModules/Цены/Ext/Module.bsl:4-4" in text
    assert "    | // Возвращает цену товара на дату.\n    [1] CommonModules/Цены/Ext/Module.bsl:3-3" in text


def test_language_follows_the_question():
    assert answer("цена товара", PRICE).startswith("Вот что")
    assert answer("price of goods", PRICE).startswith("This is what")
    assert refuse("цена", []) != refuse("price", [])


def test_attributes_are_listed_up_to_a_limit():
    text = answer("какие реквизиты у справочника Товары", CATALOGUE)
    assert "Catalog.Товары — Номенклатура [1]" in text
    assert text.count("• Реквизит Поле") == 30
    assert "… и ещё строк: 10" in text


def test_an_object_asked_for_by_name_only_has_no_list():
    assert "•" not in answer("справочник Товары", CATALOGUE)


def test_weaker_sources_are_only_named():
    text = answer("цена товара на дату", PRICE, OTHER)
    assert "Смотрите также: CommonModule.Склад.Остаток [2]." in text
    assert "Процедура Остаток" not in text


def test_beside_what_the_question_names_the_similar_is_only_named():
    named = Source(1, Hit(PRICE, 1.0, {"exact": LegRank(1, 1.0)}))
    similar = Source(2, Hit(make_document("CommonModule.Цены2.ПолучитьЦену"), 1.0, {"lexical": LegRank(1, 1.0)}))
    text = compose("ПолучитьЦену", [named, similar], dict.fromkeys(terms("ПолучитьЦену"), 1.0)).text
    assert "Смотрите также: CommonModule.Цены2.ПолучитьЦену [2]." in text


def test_the_lines_behind_the_first_fact_are_quoted():
    document = dataclasses.replace(CATALOGUE, text="<Name>Товары</Name>\n<Name>Поле0</Name>\n<Comment/>", line_end=11)
    assert "    | <Name>Поле0</Name>\n    [1] Catalogs/Товары.xml:10-10" in answer(
        "реквизиты справочника Товары", document
    )


def test_the_same_lines_are_not_quoted_twice():
    text = answer("ПолучитьЦену", PRICE)
    places = re.findall(r"Module\.bsl:\d+-\d+", text)
    assert len(places) == len(set(places))


def test_a_refusal_names_the_nearest_once():
    text = refuse("погода", [PRICE, PRICE, OTHER])
    assert text.count("CommonModule.Цены.ПолучитьЦену") == 1
    assert "не нашёл" in text


@pytest.mark.parametrize(
    ("question", "russian"),
    [
        ("Which attributes does the catalog Контрагенты have?", False),
        ("What is ПолучитьЦенуНоменклатурыКонтрагента?", False),
        ("What is in Справочники.Контрагенты?", False),
        ("Что делает HTTPConnectionManager?", True),
        ("ПолучитьЦену", True),
        ("GetPrice", False),
        ("42", False),
    ],
)
def test_the_language_is_that_of_most_letters_outside_identifiers(question, russian):
    assert ("не нашёл" in refuse(question, [])) == russian


def test_a_list_cites_what_is_among_the_sources():
    listed = [Listed(DocKey("trade", f"Role.Р{n}"), f"Role.Р{n}", "Роль" if n else "") for n in range(120)]
    source = Source(1, Hit(make_document("Role.Р1"), 1.0))
    text = enumerate_objects("Какие роли есть?", listed, [source])
    assert "конфигурации: 120" in text
    assert "  • Role.Р0\n  • Role.Р1 — Роль [1]\n  • Role.Р2 — Роль\n" in text
    assert text.endswith("… и ещё строк: 20")


def test_further_sources_of_one_object_are_named_once():
    others = [Source(n, Hit(document, 1.0)) for n, document in ((3, CATALOGUE), (4, CATALOGUE), (5, OTHER))]
    text = joined([], others, phrases_for("Где?"))
    assert text.endswith("Catalog.Товары [3][4], CommonModule.Склад.Остаток [5].")
