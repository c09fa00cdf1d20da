from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from rag_demo.evaluate.baselines import FUSED_BM25, PLAIN, baselines
from rag_demo.evaluate.cases import make_case
from rag_demo.evaluate.plot import svg
from rag_demo.evaluate.report import BOTH, as_text, report
from rag_demo.evaluate.run import FUSED, answer_all, ranks_of, search_all
from rag_demo.testing import make_document
from rag_demo.types import Hit, LegRank

PRICE = make_document("CommonModule.Цены.ПолучитьЦену")
STOCK = make_document("CommonModule.Склад.ОстатокТовара", body="Остаток", doc="")
CARD = make_document("Catalog.Валюты", doc_type="metadata_object", text="<Name>Курс</Name>", body="Реквизит Курс")


def hits(*documents):
    return [Hit(document, 1.0, {"lexical": LegRank(10 * place, 1.0)}) for place, document in enumerate(documents, 1)]


def test_ranks_in_the_end_and_in_each_leg():
    case = make_case("1", "?", "own", [STOCK.full_name, "Catalog.Нет"])
    assert ranks_of(case, hits(PRICE, STOCK)) == {FUSED: [2, None], "lexical": [20, None]}


def test_the_card_of_an_object_answers_for_its_parts_if_it_names_them():
    named = make_case("1", "?", "own", ["Catalog.Валюты.Attribute.Курс"])
    other = make_case("1", "?", "own", ["Catalog.Валюты.Attribute.Код"])
    assert ranks_of(named, hits(PRICE, CARD))[FUSED] == [2]
    assert ranks_of(other, hits(PRICE, CARD))[FUSED] == [None]


def test_a_fact_wants_the_passage_that_holds_the_answer():
    for answer, rank in (("Наценка", None), ("Кур", None), ("Курс", 1)):
        case = make_case("1", "?", "fact", ["Catalog.Валюты"], answer=answer)
        assert ranks_of(case, hits(CARD))[FUSED] == [rank]


def test_figures_as_data_text_and_picture():
    cases = [make_case(str(n), "цена", "own", [PRICE.full_name]) for n in range(3)]
    outcomes = search_all(cases, lambda _: hits(STOCK, PRICE))
    outcomes += answer_all(
        [make_case("r", "ракета", "unanswerable")], lambda _: True, lambda _: hits(PRICE), on_progress=lambda *_: None
    )
    figures = report(outcomes, model="слова")
    assert json.loads(json.dumps(figures))["model"] == "слова"
    split = cases[0].split
    table = figures["sets"]["own"][split]
    assert table["questions"] == 3
    assert table["objects"] == 1
    assert table["legs"][FUSED]["hit@1"]["mean"] == 0.0
    assert table["legs"][FUSED]["hit@3"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    (refused,) = figures["sets"]["unanswerable"].values()
    assert refused["refused"]["mean"] == 1.0
    assert "own: 3 questions" in as_text(figures, split=split)
    assert ET.fromstring(svg(figures, split=split)).tag.endswith("svg")  # noqa: S314  # our own


def test_refusing_is_wrong_where_a_source_answers():
    cases = [make_case(said, said, "answerable", [PRICE.full_name]) for said in ("цена", "цены", "ракета")]
    outcomes = answer_all(
        cases,
        lambda question: question != "цена",
        lambda question: hits(STOCK) if question == "ракета" else hits(STOCK, PRICE),
        on_progress=lambda *_: None,
    )
    (table,) = report(outcomes)["sets"]["answerable"].values()
    assert table["refused"]["mean"] == pytest.approx(2 / 3, abs=1e-4)
    assert table["gold_among_sources"] == 2
    assert table["refused_with_gold"]["mean"] == 0.5
    assert "67% with a right source" in as_text(report(outcomes), split=cases[0].split)


def test_baselines_find_by_words():
    searches = baselines([PRICE, STOCK])
    assert set(searches) == {PLAIN, FUSED_BM25}
    for name, search in searches.items():
        (first, *_) = search("остаток товара")
        assert first.document == STOCK
        assert first.legs[name].rank == 1
        assert search("ракета") == []


def test_all_questions_in_one_table():
    cases = [
        make_case(name, "цена", "own", [f"CommonModule.{name}.Метод"]) for name in ("Цены", "Склад", "Заказы", "Курсы")
    ]
    outcomes = search_all(cases, lambda _: hits(STOCK, PRICE))
    assert len({case.split for case in cases}) == 2
    figures = report(outcomes, splits=[BOTH])
    assert figures["sets"]["own"][BOTH]["questions"] == 4
    assert "own: 4 questions" in as_text(figures, split=BOTH)
    assert "own: no questions" in as_text(figures, split="test")
