"""Indexing and asking through the real parts; only the model is a stand-in."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
from types import SimpleNamespace

import pytest

from rag_demo import index_wiring, wiring
from rag_demo.chat.cache.answers import Circumstances, key_of
from rag_demo.errors import IndexMissing, InputError, NoRoom
from rag_demo.index import dense, room
from rag_demo.index.dense import EdgeIndex
from rag_demo.index.ports import Where
from rag_demo.index.store import SpaceStore
from rag_demo.ingest import Ingested
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder, make_document
from rag_demo.types import Answer

PRICE = make_document()
STOCK = make_document("CommonModule.Склад.ОстатокТовара", doc="Сколько товара лежит на складе.")


def ingested(*documents):
    return Ingested(list(documents), [], "Торговля", "1.0", "designer 2.20")


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=str(tmp_path / "данные"))


@pytest.fixture
def build(settings, tmp_path):
    def build(*documents, embedder=None):
        stages = []
        manifest = index_wiring.index(
            ingested(*documents),
            source=tmp_path,
            embedder=lambda: embedder or WordEmbedder(),
            settings=settings,
            progress=lambda stage, done, total: stages.append((stage, done, total)),
        )
        assert stages[-1] == ("vectors", len(documents), len(documents))
        return manifest

    return build


def ask(settings, question, *, spaces=("trade",), embedder=None):
    with wiring.open_assistant(spaces, embedder=lambda *_: embedder or WordEmbedder(), settings=settings) as assistant:
        return assistant.answer(question, where=Where(spaces), top_k=3)


def test_what_was_indexed_answers(settings, build):
    manifest = build(PRICE, STOCK)
    assert (manifest.counts, manifest.configuration_name) == ({"method": 2}, "Торговля")
    answer = ask(settings, "сколько товара на складе")
    assert not answer.refused
    assert answer.degraded == ()
    assert answer.sources[0].hit.document == STOCK
    assert [source.n for source in answer.sources] == list(range(1, len(answer.sources) + 1))
    assert {"lexical", "exact", "dense", "fusion", "retrieve", "answer", "total"} <= set(answer.timings_ms)


def test_objects_of_a_kind_are_listed(settings, build):
    roles = [
        make_document(f"Role.{name}", doc_type="metadata_object", path=f"Roles/{name}.xml", synonym=name.lower())
        for name in ("Закупщик", "Кладовщик")
    ]
    build(PRICE, make_document("CommonModule.Доступ.РолиДоступны"), *roles)
    answer = ask(settings, "Какие роли есть в конфигурации?")
    assert [source.hit.document for source in answer.sources] == roles
    assert not answer.refused
    assert "Role.Закупщик — закупщик [1]" in answer.text
    assert "Role.Кладовщик — кладовщик [2]" in answer.text
    assert "РолиДоступны" not in answer.text


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Какие HTTP-сервисы есть?", "нет объектов этого вида («HTTP-сервисы»): 0."),
        ("Сколько планов счетов?", "нет объектов этого вида («Планы счетов»): 0."),
        ("How many business processes are there?", "no objects of this kind (business processes): 0."),
        ("привет", "Здравствуйте! Я отвечаю"),
        ("Как дела?", "Спасибо, я готов отвечать."),
    ],
)
def test_what_needs_no_source_is_said_without_one(settings, build, question, said):
    build(PRICE, STOCK, make_document("CommonModule.Дела.КакДела", doc="Привет, как дела с планами счетов и HTTP."))
    answer = ask(settings, question)
    assert said in answer.text
    assert answer.refused
    assert answer.sources == ()


def test_a_kind_that_the_filter_leaves_out_is_not_said_to_be_empty(settings, build):
    build(PRICE, make_document("Role.Закупщик", doc_type="metadata_object", path="Roles/Закупщик.xml"))
    with wiring.open_assistant(("trade",), embedder=lambda *_: WordEmbedder(), settings=settings) as assistant:
        where = Where(("trade",), doc_types=("method",))
        assert ": 0." not in assistant.answer("Какие роли есть?", where=where, top_k=3).text


def test_what_is_not_there_is_refused_without_sources(settings, build):
    build(PRICE, STOCK)
    answer = ask(settings, "как дрессировать бегемота")
    assert answer.refused
    assert answer.sources == ()
    assert "не нашёл" in answer.text


def test_indexing_again_replaces(settings, build):
    build(PRICE)
    build(STOCK)
    assert ask(settings, "ПолучитьЦену").refused
    assert not ask(settings, "ОстатокТовара").refused


def test_a_failure_while_indexing_leaves_the_old_index(settings, build, tmp_path):
    class Failing(WordEmbedder):
        def encode_documents(self, texts):
            raise RuntimeError("the device is gone")

    build(PRICE)
    with pytest.raises(RuntimeError, match="gone"):
        build(STOCK, embedder=Failing())
    assert not ask(settings, "ПолучитьЦену").refused
    (space,) = (tmp_path / "данные" / "spaces").iterdir()
    assert len([entry for entry in space.iterdir() if entry.is_dir()]) == 1


@pytest.mark.parametrize("fills_up", [0, 1])
def test_a_full_disk_leaves_the_old_index(settings, build, tmp_path, monkeypatch, fills_up):
    build(PRICE)
    looks = iter([10**12] * fills_up + [1024 * 1024] * 9)
    monkeypatch.setattr(room.shutil, "disk_usage", lambda _: SimpleNamespace(free=next(looks)))
    with pytest.raises(NoRoom, match=r"about 64 MiB are needed, 1 MiB are free.*RAG_DATA_DIR") as caught:
        build(STOCK)
    (space,) = (tmp_path / "данные" / "spaces").iterdir()
    assert str(space) in str(caught.value)
    assert len([entry for entry in space.iterdir() if entry.is_dir()]) == 1
    assert not ask(settings, "ПолучитьЦену").refused


def test_room_grows_with_documents_texts_and_dimension():
    small = room.for_index([PRICE], dimension=384)
    assert room.for_index([PRICE, STOCK], dimension=384) > small
    assert room.for_index([PRICE], dimension=1024) > small
    assert room.for_index([dataclasses.replace(PRICE, text="x" * 10_000)], dimension=384) > small


def test_indexing_goes_on_while_a_chat_is_open(settings, build):
    build(PRICE)
    with wiring.open_assistant(("trade",), embedder=lambda *_: WordEmbedder(), settings=settings) as assistant:
        build(STOCK)
        assert not assistant.answer("ПолучитьЦену", where=Where(("trade",)), top_k=3).refused
    assert not ask(settings, "ОстатокТовара").refused


def test_another_model_searches_without_vectors(settings, build, caplog):
    build(PRICE)
    with caplog.at_level(logging.WARNING):
        answer = ask(settings, "ПолучитьЦену", embedder=WordEmbedder(fingerprint="other"))
    assert answer.degraded == ("dense",)
    assert not answer.refused
    assert "was indexed with another model" in caplog.text


def test_a_busy_vector_index_degrades(settings, build, caplog):
    build(PRICE)
    _, folder = SpaceStore(settings.data_path).require("trade")
    other = EdgeIndex.open(folder / "dense", ef_search=16)
    with caplog.at_level(logging.WARNING):
        answer = ask(settings, "ПолучитьЦену")
    other.close()
    assert answer.degraded == ("dense",)
    assert "Another process uses the vector index" in caplog.text


@pytest.mark.parametrize("damage", ["removed", "empty", "rubbish", "is a file"])
def test_damaged_vectors_degrade(settings, build, caplog, damage):
    build(PRICE)
    folder = SpaceStore(settings.data_path).require("trade")[1] / "dense"
    files = [file for file in folder.rglob("*") if file.is_file()]
    if damage in {"removed", "is a file"}:
        shutil.rmtree(folder)
        if damage == "is a file":
            folder.write_text("", encoding="utf-8")
    else:
        for file in files:
            file.write_bytes(b"" if damage == "empty" else b"\xff" * 100)
    with caplog.at_level(logging.WARNING):
        answer = ask(settings, "ПолучитьЦену")
    assert answer.degraded == ("dense",)
    assert not answer.refused
    assert "Searching without vectors" in caplog.text


class PanicException(BaseException):
    """As the engine's bindings raise it: no `Exception`, and of a class that cannot be imported."""


@pytest.mark.parametrize(
    "failure",
    [(PanicException("range"), "load"), (PermissionError("read-only"), "load"), (PanicException("range"), "search")],
)
def test_an_engine_that_panics_degrades(settings, build, monkeypatch, caplog, failure):
    build(PRICE)
    error, at = failure

    class Engine:
        @staticmethod
        def load(_folder):
            if at == "load":
                raise error
            return Engine()

        def search(self, _request):
            raise error

        def close(self):
            pass

    monkeypatch.setattr(dense.qdrant, "EdgeShard", Engine)
    with caplog.at_level(logging.WARNING):
        answer = ask(settings, "ПолучитьЦену")
    assert answer.degraded == ("dense",)
    assert not answer.refused


def test_ctrl_c_in_the_engine_is_no_panic(tmp_path):
    with pytest.raises(KeyboardInterrupt), dense._translated(tmp_path):
        raise KeyboardInterrupt


def test_choice_of_spaces(settings, build):
    with pytest.raises(IndexMissing, match="Nothing has been indexed"):
        wiring.choose_spaces((), settings)
    build(PRICE)
    assert wiring.choose_spaces((), settings) == ("trade",)
    build(dataclasses.replace(PRICE, space_id="склад"))
    with pytest.raises(InputError, match=r"Several spaces are indexed: trade, склад. Choose with --space"):
        wiring.choose_spaces((), settings)
    assert wiring.choose_spaces(("склад", "trade", "склад"), settings) == ("склад", "trade")
    assert wiring.choose_spaces((), dataclasses.replace(settings, space="склад, trade")) == ("склад", "trade")
    with pytest.raises(IndexMissing, match=r"no space 'учёт'. Known spaces: trade, склад"):
        wiring.choose_spaces(("trade", "учёт"), settings)


def test_two_spaces_are_searched_together(settings, build):
    build(PRICE)
    build(dataclasses.replace(STOCK, space_id="склад"))
    answer = ask(settings, "товар", spaces=("trade", "склад"))
    assert {source.hit.document.space_id for source in answer.sources} == {"trade", "склад"}


@pytest.mark.parametrize(("others", "warns"), [("another", True), ("words", False)])
def test_different_models_of_the_spaces_are_told(settings, build, caplog, others, warns):
    build(PRICE, embedder=WordEmbedder(fingerprint="words"))
    build(dataclasses.replace(STOCK, space_id="склад"), embedder=WordEmbedder(fingerprint=others))
    models = iter([WordEmbedder(fingerprint="words"), WordEmbedder(fingerprint=others)])
    with wiring.open_assistant(("trade", "склад"), embedder=lambda *_: next(models), settings=settings):
        pass
    assert ("The spaces trade, склад have different embedding models" in caplog.text) is warns


@pytest.mark.parametrize(
    ("change", "is_shared"),
    [
        ({}, True),
        ({"llm_timeout_s": 5.0, "requests_at_once": 7, "llm_api_key": "geheim"}, True),
        ({"llm_temperature": 1.0}, False),
        ({"llm_num_predict": 64}, False),
        ({"llm_model": "другая"}, False),
        ({"dense_weight": 0.5}, False),
    ],
)
def test_servers_share_kept_answers_where_they_would_give_the_same(settings, change, is_shared):
    settings = dataclasses.replace(settings, answer_cache="sqlite")
    question = key_of("Цена?", Circumstances((("trade", "g1"),), (), 5, "m", "p", ""))
    with (
        contextlib.closing(wiring.open_answer_cache(settings)) as one,
        contextlib.closing(wiring.open_answer_cache(dataclasses.replace(settings, **change))) as other,
    ):
        one.put(question, Answer("Цена?", "Сто.", ()))
        assert (other.get(question) is not None) is is_shared
