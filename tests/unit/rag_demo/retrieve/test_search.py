"""The retriever over real indexes in a temporary folder; only the model is a stand-in."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag_demo.index.build import Parts, fill
from rag_demo.index.catalogue import Catalogue
from rag_demo.index.dense import EdgeIndex, Hnsw
from rag_demo.index.fact_store import FactStore
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.ports import Where
from rag_demo.retrieve.search import OpenSpace, Retriever
from rag_demo.testing import WordEmbedder, make_document

EMBEDDER = WordEmbedder()
WEIGHTS = {"lexical": 1.0, "exact": 2.0, "dense": 0.2}


def price(n, **changes):
    return make_document(f"CommonModule.Цены.ПолучитьЦену{n}", **changes)


def currency(first, last, **changes):
    values = {"doc_type": "metadata_object", "export": False, "region": "", "doc": "", "signature": ""}
    lines = "\n".join(f"<Name>Валюты{line}</Name>" for line in range(first, last + 1))
    place = {"path": "Catalogs/Валюты.xml", "line_start": first, "line_end": last, "text": lines}
    return make_document("Catalog.Валюты", doc_id=f"Catalog.Валюты:{first}", **values | place | changes)


TRADE = [
    *(price(n) for n in range(6)),
    currency(3, 5, body="Справочник Валюты\nРеквизит Курс: Число"),
    currency(6, 9, body="Реквизит Код: Строка справочника"),
    make_document("CommonModule.Склад.ОстатокТовара", doc="Сколько товара лежит на складе."),
    make_document("Document.Заказ", doc_type="form", doc="Форма заказа товара, catalogs"),
]
STORE = [make_document("CommonModule.Склад.ОстатокТовара", space_id="store", doc="Другая конфигурация.")]


def open_space(folder, documents):
    space_id = documents[0].space_id
    parts = Parts(
        EdgeIndex.create(folder / space_id / "dense", dimension=EMBEDDER.dimension, hnsw=Hnsw()),
        WhooshIndex.create(folder / space_id / "lexical"),
        Catalogue.create(folder / space_id / "catalogue.sqlite"),
        FactStore.create(folder / space_id / "facts.sqlite"),
    )
    fill(parts, documents, embedder=EMBEDDER, progress=lambda *_: None)
    opened = OpenSpace(space_id, parts.lexical.at(1), parts.catalogue.at(1), parts.dense.at(1))
    parts.close()
    return opened


@pytest.fixture(scope="module")
def retriever(tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexes")
    spaces = [open_space(folder, documents) for documents in (TRADE, STORE)]
    retriever = Retriever(spaces, encode_query=EMBEDDER.encode_query, weights=WEIGHTS, candidates=50)
    yield retriever
    retriever.close()


def names(found):
    return [hit.document.full_name for hit in found.hits]


def test_all_legs_find_and_say_where(retriever):
    (hit, *_) = retriever.search("ОстатокТовара на складе", 5, where=Where(("trade",))).hits
    assert hit.document.full_name == "CommonModule.Склад.ОстатокТовара"
    assert set(hit.legs) == {"lexical", "exact", "dense"}
    assert hit.legs["exact"].rank == 1


def test_at_most_two_of_one_object_among_the_first_five(retriever):
    found = retriever.search("получить цену товара", 8, where=Where(("trade",)))
    objects = [hit.document.object_name for hit in found.hits[:5]]
    assert objects.count("Цены") == 2
    assert [hit.document.object_name for hit in found.hits].count("Цены") >= 4


def test_an_object_named_in_the_question_is_shown_whole_and_once(retriever):
    found = retriever.search("Какие реквизиты у справочника Валюты?", 5, where=Where(("trade",)))
    (whole,) = [hit.document for hit in found.hits if hit.document.full_name == "Catalog.Валюты"]
    assert (whole.line_start, whole.line_end) == (3, 9)
    assert whole.text.split("\n")[-1] == "<Name>Валюты9</Name>"
    assert "Курс" in whole.body
    assert "Код" in whole.body
    assert names(found)[0] == "Catalog.Валюты"


def test_documents_that_mention_a_name(retriever):
    name = "ОстатокТовара"
    assert [one.space_id for one in retriever.mentioning(name, where=Where(("store",)))] == ["store"]
    both = retriever.mentioning(name, where=Where())
    assert {(one.space_id, one.name) for one in both} == {("trade", name), ("store", name)}
    assert retriever.mentioning(name, where=Where(doc_types=("form",))) == []
    assert len(retriever.mentioning("ПолучитьЦену", where=Where(), limit=1)) <= 1


@pytest.mark.parametrize("question", ["Какие справочники есть?", "which catalogs exist", "list all catalogs"])
def test_a_list_is_asked_for_in_both_languages(retriever, question):
    # The index has «справочник» more often than "catalog": as a word, not as a kind, it would be read in Russian, too.
    listed = retriever.search(question, 5, where=Where(("trade",))).listed
    assert {entry.full_name for entry in listed} == {"Catalog.Валюты"}


@pytest.mark.parametrize("spaces", [("trade",), ("store",), ("trade", "store")])
def test_spaces_do_not_leak(retriever, spaces):
    found = retriever.search("остаток товара", 20, where=Where(spaces))
    assert {hit.document.space_id for hit in found.hits} == set(spaces)


def test_doc_type_filter_holds_in_every_leg(retriever):
    found = retriever.search("Валюты ОстатокТовара заказ товара", 20, where=Where(("trade",), ("form",)))
    assert names(found) == ["Document.Заказ"]


def test_limit_and_score_order(retriever):
    found = retriever.search("товар", 3, where=Where(("trade",)))
    assert len(found.hits) == 3


def test_rarity_is_largest_for_unknown_words(retriever):
    rarity = retriever.search("бегемот товар склад", 3, where=Where(("trade",))).rarity
    assert rarity["бегемот"] == pytest.approx(np.log(22))
    assert rarity["бегемот"] > rarity["склад"] > rarity["товар"] > 0


@pytest.mark.parametrize("question", ["?", "а в на", "\0", "🙂", "бегемот"])
def test_odd_questions_do_not_break(retriever, question):
    retriever.search(question, 5, where=Where(("trade",)))


def test_a_model_that_fails_costs_only_its_leg(tmp_path, caplog):
    def broken(_text):
        raise RuntimeError("the device is gone")

    retriever = Retriever([open_space(tmp_path, STORE)], encode_query=broken, weights=WEIGHTS, candidates=50)
    with caplog.at_level(logging.WARNING):
        found = retriever.search("остаток товара", 5, where=Where(("store",)))
    retriever.close()
    assert found.degraded == ("dense",)
    assert names(found) == ["CommonModule.Склад.ОстатокТовара"]
    assert "the device is gone" in caplog.text


def test_a_space_without_vectors_is_degraded(tmp_path):
    space = open_space(tmp_path, STORE)
    space.dense.close()
    space = OpenSpace(space.space_id, space.lexical, space.catalogue)
    retriever = Retriever([space], encode_query=EMBEDDER.encode_query, weights=WEIGHTS, candidates=50)
    assert retriever.search("остаток", 5, where=Where()).degraded == ("dense",)
    retriever.close()


def test_many_questions_at_once(retriever):
    def ask(_):
        return names(retriever.search("получить цену товара", 5, where=Where(("trade",))))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(ask, range(40)))
    assert all(result == results[0] for result in results)


def test_an_object_is_named_by_its_synonym_unless_another_is_called_so(tmp_path):
    values = {"doc_type": "metadata_object", "export": False, "region": "", "doc": "", "signature": ""}
    calendars = make_document(
        "Catalog.Календари", synonym="Графики (работы)", body="Реквизит Описание: Строка", **values
    )
    others = make_document("Catalog.Другие", synonym="Календари", body="Реквизит Описание: Строка", **values)
    retriever = Retriever(
        [open_space(tmp_path, [*TRADE, others, calendars])],
        encode_query=EMBEDDER.encode_query,
        weights=WEIGHTS,
        candidates=50,
    )
    for said in ("Графики работы", "Календари"):
        found = retriever.search(f"Какого типа реквизит Описание у справочника {said}?", 5, where=Where(("trade",)))
        assert names(found)[0] == "Catalog.Календари"
        assert [hit.document.full_name for hit in found.hits if "exact" in hit.legs] == ["Catalog.Календари"]
    retriever.close()


@pytest.mark.parametrize(("said", "meant"), [("Графики работы", "Catalog.Кал"), ("Графики", "Catalog.НеделиИМесяцы")])
def test_the_longer_of_two_synonyms_is_meant(tmp_path, said, meant):
    values = {"doc_type": "metadata_object", "export": False, "region": "", "doc": "", "signature": ""}
    body = {"body": "Реквизит Описание: Строка"}
    objects = [
        make_document("Catalog.Кал", synonym="Графики работы", **body, **values),
        make_document("Catalog.НеделиИМесяцы", synonym="Графики", **body, **values),
    ]
    spaces = [open_space(tmp_path, [*TRADE, *objects])]
    retriever = Retriever(spaces, encode_query=EMBEDDER.encode_query, weights=WEIGHTS, candidates=50)
    found = retriever.search(f"Какого типа реквизит Описание у справочника {said}?", 5, where=Where(("trade",)))
    retriever.close()
    assert names(found)[0] == meant
    assert [hit.document.full_name for hit in found.hits if "exact" in hit.legs] == [meant]
