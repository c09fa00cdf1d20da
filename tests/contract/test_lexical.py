"""What every `LexicalIndex` must do. A new implementation inherits the class and gives it two fixtures."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from whoosh.filedb.structfile import StructFile

from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.analyse import terms
from rag_demo.index.fields import OTHER_WORD
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.lexical_tantivy import TantivyIndex
from rag_demo.index.ports import LexicalIndex, LexicalReader, Where, version_of
from rag_demo.testing import make_document
from tests.contract.versioned import VersionedContract

PLAIN = {"signature": "", "header": "", "doc": "", "body": "", "synonym": ""}
RATE = make_document(
    "CommonModule.Курсы.ПолучитьКурсВалюты", space_id="а", **PLAIN | {"doc": "Возвращает курс валюты на дату."}
)
PRICE = make_document("CommonModule.Цены.ПолучитьЦену", space_id="а", **PLAIN | {"body": "КурсВалюты = 1;"})
CURRENCY = make_document(
    "Catalog.Валюты", space_id="а", doc_type="metadata_object", **PLAIN | {"synonym": "Денежные знаки"}
)
LATIN = make_document("CommonModule.Http.SendQuery", space_id="б", **PLAIN | {"doc": "Sends the data of a query."})


def found(reader: LexicalReader, question: str, **options) -> list[str]:
    return [hit.key.doc_id for hit in reader.search(terms(question), 10, **options)]


class LexicalIndexContract(VersionedContract):
    def put(self, index, documents, revision):
        index.add(documents, revision=revision)

    def shown(self, reader):
        return [hit.key.doc_id for hit in reader.search(terms("цены склад"), 100)]

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

    @pytest.fixture
    def reader(self, filled: LexicalIndex) -> LexicalReader:
        reader = filled.at(1)
        yield reader
        reader.close()

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
    def test_best_match_comes_first(self, reader, question, best):
        assert found(reader, question)[0] == best.doc_id

    def test_a_name_weighs_more_than_a_body(self, reader):
        assert found(reader, "курс") == [RATE.doc_id, PRICE.doc_id]

    def test_scores_fall(self, reader):
        scores = [hit.score for hit in reader.search(terms("получить курс валюты"), 10)]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0

    def test_another_word_for_the_same_counts_less_than_one_that_was_said(self, reader):
        (said,), (other,) = (reader.search(terms("цена"), 1), reader.search((), 1, others=terms("цена")))
        assert other.key == said.key
        assert other.score == pytest.approx(OTHER_WORD * said.score, rel=1e-5)
        assert reader.search(terms("цена"), 1, others=terms("цена")) == [said]

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (Where(("а",)), {RATE.doc_id, PRICE.doc_id, CURRENCY.doc_id}),
            (Where(("б",)), {LATIN.doc_id}),
            (Where(("а", "б"), ("method",)), {RATE.doc_id, PRICE.doc_id, LATIN.doc_id}),
            (Where((), ("metadata_object",)), {CURRENCY.doc_id}),
            (Where(("б",), ("metadata_object",)), set()),
            (Where(("нет",)), set()),
            (Where(kinds=("Catalog",)), {CURRENCY.doc_id}),
            (Where(("а",), (), ("CommonModule", "Catalog")), {RATE.doc_id, PRICE.doc_id, CURRENCY.doc_id}),
            (Where((), ("method",), ("Catalog",)), set()),
        ],
    )
    def test_filters(self, reader, where, expected):
        assert set(found(reader, "получить курс валюты send", where=where)) == expected

    @pytest.mark.parametrize("question", ["", "и в на", "бегемот", '" * NOT a:b [x TO', "курс~ OR (", "\0"])
    def test_odd_questions_are_no_syntax(self, reader, question):
        assert set(found(reader, question)) <= {RATE.doc_id, PRICE.doc_id}

    def test_limit(self, reader):
        assert len(reader.search(terms("валюта"), 1)) == 1

    def test_frequency_counts_documents(self, reader):
        assert reader.count() == 4
        assert reader.frequency(terms("валюты")[0]) >= 1
        assert reader.frequency(terms("бегемот")[0]) == 0

    def test_an_empty_index_finds_nothing(self, index):
        index.seal()
        with contextlib.closing(index.at(1)) as reader:
            assert reader.search(["курс"], 5) == []
            assert reader.count() == 0

    def test_many_threads_search_at_once(self, reader):
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: found(reader, "получить курс валюты"), range(64)))
        assert all(result == results[0] for result in results)

    def test_close_twice(self, filled, reader):
        for _ in range(2):
            reader.close()
            filled.close()

    def test_closing_without_seal_drops_what_was_added(self, index):
        index.add([RATE])
        index.close()


class FolderContract(LexicalIndexContract):
    """A word index in a folder; ``kind`` is its class."""

    kind: type

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "слова"

    @pytest.fixture
    def index(self, folder):
        index = self.kind.create(folder)
        yield index
        index.close()

    def test_what_was_sealed_is_there_after_opening_again(self, filled, folder):
        filled.close()
        again = self.kind.open(folder).at(1)
        assert found(again, "курс валюты")[0] == RATE.doc_id
        again.close()

    def test_a_second_writer_is_refused(self, index, folder):
        with pytest.raises(IndexBusy, match="Another process writes"):
            self.kind.create(folder)

    def test_several_readers(self, reader, folder):
        others = [self.kind.open(folder).at(1) for _ in range(3)]
        assert all(found(other, "курс") == found(reader, "курс") for other in others)
        for other in others:
            other.close()

    @pytest.mark.parametrize("make", [False, True])
    def test_a_folder_without_index_is_broken(self, tmp_path, make):
        folder = tmp_path / "нет"
        if make:
            folder.mkdir()
        with pytest.raises(IndexBroken, match="Index again"):
            self.kind.open(folder)


class TestTantivy(FolderContract):
    kind = TantivyIndex


class TestWhoosh(FolderContract):
    kind = WhooshIndex

    def test_a_search_in_the_middle_of_another_does_not_disturb_it(self, reader, monkeypatch):
        alone = found(reader, "курс валюты")
        others: list[threading.Thread] = []
        read_int = StructFile.read_int

        def interrupted(file):
            if not others:  # the position was set just now, and is read next
                others.append(threading.Thread(target=found, args=(reader, "цены значение данных")))
                others[0].start()
                others[0].join(0.2)
            return read_int(file)

        monkeypatch.setattr(StructFile, "read_int", interrupted)
        assert found(reader, "курс валюты") == alone
        others[0].join()

    def test_many_updates_leave_few_segments(self, index, folder):
        index.seal()
        for revision in range(2, 40):
            index.collect(revision - 1)
            changing = make_document("CommonModule.Цены.ПолучитьЦену", content_hash=str(revision))
            index.add([changing, make_document(f"CommonModule.Склад.Остаток{revision}")], revision=revision)
            index.retire(
                index.versions() & {version_of(replace(changing, content_hash=str(revision - 1)))}, revision=revision
            )
            index.seal()
        assert len(self.seen(index, 39)) == 39
        assert len(list(folder.glob("*.seg"))) < 16

    def test_rows_that_were_merged_are_found_like_those_of_a_clean_index(self, index, tmp_path):
        documents = [make_document(f"CommonModule.Склад.Остаток{n}", body=f"Товар{n % 7}") for n in range(60)]
        index.seal()
        for n, document in enumerate(documents):
            index.add([document], revision=n + 2)
            index.seal()
        clean = WhooshIndex.create(tmp_path / "чистый")
        clean.add(documents)
        clean.seal()
        for question in ("остаток товар3", "товар", "склад остаток15"):
            ours, theirs = (reader.search(terms(question), 60) for reader in (index.at(61), clean.at(1)))
            assert {hit.key for hit in ours} == {hit.key for hit in theirs}
            assert [hit.score for hit in ours] == pytest.approx([hit.score for hit in theirs], rel=1e-6)

    def test_in_a_large_index_common_words_do_not_hide_the_rare_one(self, index):
        names = [f"CommonModule.Модуль{n}.Метод{n}" for n in range(5_200)]
        index.add([make_document(name, **PLAIN | {"doc": "Возвращает значение."}) for name in names])
        index.add([RATE])
        index.seal()
        with contextlib.closing(index.at(1)) as reader:
            assert found(reader, "возвращает значение курса")[0] == RATE.doc_id
            assert len(found(reader, "возвращает значение")) == 10
