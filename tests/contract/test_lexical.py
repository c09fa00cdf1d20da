"""What every `LexicalIndex` must do. A new implementation inherits the class and gives it two fixtures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.analyse import terms
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.ports import LexicalIndex, Where
from rag_demo.testing import make_document

PLAIN = {"signature": "", "header": "", "doc": "", "body": "", "synonym": ""}
RATE = make_document(
    "CommonModule.Курсы.ПолучитьКурсВалюты", space_id="а", **PLAIN | {"doc": "Возвращает курс валюты на дату."}
)
PRICE = make_document("CommonModule.Цены.ПолучитьЦену", space_id="а", **PLAIN | {"body": "КурсВалюты = 1;"})
CURRENCY = make_document(
    "Catalog.Валюты", space_id="а", doc_type="metadata_object", **PLAIN | {"synonym": "Денежные знаки"}
)
LATIN = make_document("CommonModule.Http.SendQuery", space_id="б", **PLAIN | {"doc": "Sends the data of a query."})


def found(index: LexicalIndex, question: str, **options) -> list[str]:
    return [hit.key.doc_id for hit in index.search(terms(question), 10, **options)]


class LexicalIndexContract:
    @pytest.fixture
    def index(self) -> LexicalIndex:
        """A new, empty index."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self, index: LexicalIndex) -> LexicalIndex:
        index.add([RATE, PRICE])
        index.add([CURRENCY, LATIN])
        index.seal()
        return index

    @pytest.mark.parametrize(
        ("question", "best"),
        [
            ("какой курс у валюты", RATE),
            ("ПолучитьКурсВалюты", RATE),
            ("получить цену", PRICE),
            ("денежные знаки", CURRENCY),
            ("sending queries", LATIN),
        ],
    )
    def test_best_match_comes_first(self, filled, question, best):
        assert found(filled, question)[0] == best.doc_id

    def test_a_name_weighs_more_than_a_body(self, filled):
        assert found(filled, "курс") == [RATE.doc_id, PRICE.doc_id]

    def test_scores_fall(self, filled):
        scores = [hit.score for hit in filled.search(terms("получить курс валюты"), 10)]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (Where(("а",)), {RATE.doc_id, PRICE.doc_id, CURRENCY.doc_id}),
            (Where(("б",)), {LATIN.doc_id}),
            (Where(("а", "б"), ("method",)), {RATE.doc_id, PRICE.doc_id, LATIN.doc_id}),
            (Where((), ("metadata_object",)), {CURRENCY.doc_id}),
            (Where(("б",), ("metadata_object",)), set()),
            (Where(("нет",)), set()),
        ],
    )
    def test_filters(self, filled, where, expected):
        assert set(found(filled, "получить курс валюты send", where=where)) == expected

    @pytest.mark.parametrize("question", ["", "и в на", "бегемот", '" * NOT a:b [x TO', "курс~ OR (", "\0"])
    def test_odd_questions_are_no_syntax(self, filled, question):
        assert set(found(filled, question)) <= {RATE.doc_id, PRICE.doc_id}

    def test_limit(self, filled):
        assert len(filled.search(terms("валюта"), 1)) == 1

    def test_frequency_counts_documents(self, filled):
        assert filled.count() == 4
        assert filled.frequency(terms("валюты")[0]) >= 1
        assert filled.frequency(terms("бегемот")[0]) == 0

    def test_an_empty_index_finds_nothing(self, index):
        index.seal()
        assert index.search(["курс"], 5) == []
        assert index.count() == 0

    def test_many_threads_search_at_once(self, filled):
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: found(filled, "получить курс валюты"), range(64)))
        assert all(result == results[0] for result in results)

    def test_close_twice(self, filled):
        filled.close()
        filled.close()

    def test_closing_without_seal_drops_what_was_added(self, index):
        index.add([RATE])
        index.close()


class TestWhoosh(LexicalIndexContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "слова"

    @pytest.fixture
    def index(self, folder):
        index = WhooshIndex.create(folder)
        yield index
        index.close()

    def test_what_was_sealed_is_there_after_opening_again(self, filled, folder):
        filled.close()
        again = WhooshIndex.open(folder)
        assert found(again, "курс валюты")[0] == RATE.doc_id
        again.close()

    def test_a_second_writer_is_refused(self, index, folder):
        with pytest.raises(IndexBusy, match="Another process writes"):
            WhooshIndex.create(folder)

    def test_several_readers(self, filled, folder):
        readers = [WhooshIndex.open(folder) for _ in range(3)]
        assert all(found(reader, "курс") == found(filled, "курс") for reader in readers)
        for reader in readers:
            reader.close()

    @pytest.mark.parametrize("make", [False, True])
    def test_a_folder_without_index_is_broken(self, tmp_path, make):
        folder = tmp_path / "нет"
        if make:
            folder.mkdir()
        with pytest.raises(IndexBroken, match="Index again"):
            WhooshIndex.open(folder)

    def test_in_a_large_index_common_words_do_not_hide_the_rare_one(self, index):
        names = [f"CommonModule.Модуль{n}.Метод{n}" for n in range(5_200)]
        index.add([make_document(name, **PLAIN | {"doc": "Возвращает значение."}) for name in names])
        index.add([RATE])
        index.seal()
        assert found(index, "возвращает значение курса")[0] == RATE.doc_id
        assert len(found(index, "возвращает значение")) == 10
