"""What ordering needs of documents, kept in arrays: the same as made one by one, from whichever file and revision."""

from __future__ import annotations

import logging
from collections import Counter

import numpy as np
import pytest

from rag_demo.index.catalogue import Catalogue
from rag_demo.index.ports import DocKey
from rag_demo.retrieve.sketch import sketch
from rag_demo.retrieve.sketch_files import keep_tables, read_table, write_table, write_vectors
from rag_demo.retrieve.sketch_table import SketchTable
from rag_demo.retrieve.sketches import Sketches
from rag_demo.retrieve.spaces import OpenSpace
from rag_demo.retrieve.vectors import Words, unit
from rag_demo.testing import WordEmbedder, make_document

EMBEDDER = WordEmbedder()
SHOP = [
    make_document("CommonModule.Цены.ПолучитьЦену", doc="Возвращает цену товара на дату.", is_function=True),
    make_document("CommonModule.Цены.ПриЗаписи", path="б.bsl", export=False, body="Записать(Остаток);"),
    make_document("CommonModule.Склад.ПриЗаписи", path="б.bsl"),
    make_document("Catalog.Товары", path="в.xml", doc_type="metadata_object", synonym="Товары и услуги"),
    make_document("Catalog.Товары.ManagerModule", path="в.bsl", doc_type="module", module_kind="ManagerModule"),
    make_document("CommonModule.Товары.А", doc_id="без слов", path="г.bsl", body="", doc="", signature=""),
]


def catalogue_of(file, documents):
    catalogue = Catalogue.create(file)
    catalogue.add(documents)
    catalogue.seal()
    catalogue.close()
    return catalogue.at(1)


@pytest.fixture
def outlines(tmp_path):
    return dict(catalogue_of(tmp_path / "catalogue.sqlite", SHOP).outlines())


def told(table, ids=None):
    """Sketches with their words written out, so that any two numberings can be compared."""
    ids = [document.doc_id for document in SHOP] if ids is None else ids
    return {doc_id: written(one, table.vocabulary.words) for doc_id, one in table.sketches(ids)}


def written(one, words):
    return one._replace(row=one.row.tobytes(), words=[words[number] for number in one.words], sizes=tuple(one.sizes))


def one_by_one(outlines):
    words = Words()
    named = Counter(name for outline in outlines.values() for name in outline.called)
    made = {doc_id: sketch(outline, words, namesakes=named[outline.called[0]]) for doc_id, outline in outlines.items()}
    return {doc_id: written(one, words.vocabulary().words) for doc_id, one in made.items()}


def test_the_same_as_one_by_one_also_from_a_file(outlines, tmp_path):
    table = SketchTable.of_outlines(outlines.items())
    assert told(table) == one_by_one(outlines)
    write_table(tmp_path, table, revision=3)
    assert told(read_table(tmp_path, revision=3)) == one_by_one(outlines)


def test_documents_of_one_name_are_counted_and_an_object_is_called_by_its_module_too(outlines):
    rows = {
        doc_id: np.frombuffer(one.row, dtype=np.float32)
        for doc_id, one in told(SketchTable.of_outlines(outlines.items())).items()
    }
    alone, twice, called = "CommonModule.Цены.ПолучитьЦену", "CommonModule.Склад.ПриЗаписи", "Catalog.Товары"
    assert [round(float(np.exp(rows[name][1]))) for name in (alone, twice, called)] == [1, 2, 2]


@pytest.mark.parametrize("kept", [[], [0, 1], [0, 2, 3, 4, 5], range(6)])
def test_the_next_revision_equals_a_table_made_anew(outlines, tmp_path, kept):
    ids = list(outlines)
    before = SketchTable.of_outlines((ids[place], outlines[ids[place]]) for place in kept)
    write_table(tmp_path, before, revision=1)
    before = read_table(tmp_path, revision=1)
    after = before.advanced(ids[:1], ((doc_id, outlines[doc_id]) for doc_id in ids[1:]))
    assert told(after) == one_by_one({doc_id: outlines[doc_id] for doc_id in ids[1:]})
    count = len(before.vocabulary.words)
    assert after.vocabulary.words[:count] == before.vocabulary.words


def test_unknown_ids_and_an_empty_table(outlines):
    assert told(SketchTable.of_outlines(outlines.items()), ["нет", "CommonModule.Цены.ПолучитьЦену", "я"]).keys() == {
        "CommonModule.Цены.ПолучитьЦену"
    }
    assert told(SketchTable.of_outlines([]).advanced(["нет"], [])) == {}


def test_stored_vectors_are_those_of_the_model(outlines, tmp_path):
    ids = list(outlines)
    table = SketchTable.of_outlines((doc_id, outlines[doc_id]) for doc_id in ids[:3])
    write_vectors(tmp_path, table, EMBEDDER.encode_documents)
    write_table(tmp_path, table, revision=1)
    write_table(tmp_path, read_table(tmp_path, revision=1).advanced((), outlines.items()), revision=2)
    asked = []

    def encode(texts):
        asked.extend(texts)
        return EMBEDDER.encode_documents(texts)

    known = read_table(tmp_path, revision=2).vocabulary
    words = Words(encode, known)
    said = [*known.words, "совсемновое"]
    assert np.array_equal(words.vectors(words.numbers(said)), unit(EMBEDDER.encode_documents(said)))
    assert asked == said[len(table.vocabulary.words) :]
    assert np.array_equal(words.stems(words.numbers(["цены", "цену"])), [words.stems(words.numbers(["цена"]))[0]] * 2)


def test_vectors_of_other_words_are_not_used(outlines, tmp_path):
    ids = list(outlines)
    write_table(tmp_path, SketchTable.of_outlines(outlines.items()), revision=1)
    write_vectors(tmp_path, SketchTable.of_outlines([(ids[-2], outlines[ids[-2]])]), EMBEDDER.encode_documents)
    assert read_table(tmp_path, revision=1).vocabulary.vectors is None


@pytest.mark.parametrize("harm", ["truncated", "missing", "layout", "nothing"])
def test_a_table_that_cannot_be_used_is_none(outlines, tmp_path, caplog, harm):
    if harm != "nothing":
        write_table(tmp_path, SketchTable.of_outlines(outlines.items()), revision=1)
    folder = tmp_path / "sketches" / "1"
    if harm == "truncated":
        file = folder / "rows.npy"
        file.write_bytes(file.read_bytes()[:-8])
    elif harm == "missing":
        (folder / "words.npy").unlink()
    elif harm == "layout":
        (folder / "layout").write_text("0", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert read_table(tmp_path, revision=1) is None
    assert ("cannot be used" in caplog.text) == (harm == "truncated")


def test_tables_of_other_revisions_are_deleted(outlines, tmp_path):
    table = SketchTable.of_outlines(outlines.items())
    write_vectors_of = EMBEDDER.encode_documents
    for revision in (1, 2, 3):
        write_table(tmp_path, table, revision=revision)
    write_vectors(tmp_path, table, write_vectors_of)
    keep_tables(tmp_path, {3})
    assert sorted(entry.name for entry in (tmp_path / "sketches").iterdir()) == ["3", "words"]


@pytest.mark.parametrize("stored", [True, False])
def test_spaces_together_have_one_numbering_of_words(tmp_path, stored):
    spaces = []
    for number, documents in enumerate((SHOP[:2], SHOP[2:])):
        catalogue = catalogue_of(tmp_path / f"{number}.sqlite", documents)
        table = SketchTable.of_outlines(catalogue.outlines()) if stored else None
        spaces.append(OpenSpace(f"пространство {number}", None, catalogue, sketches=table))
    one, other = DocKey("пространство 0", SHOP[1].doc_id), DocKey("пространство 1", SHOP[2].doc_id)
    found, words = Sketches(EMBEDDER.encode_documents).of([other, DocKey("пространство 1", "нет"), one], spaces)
    assert list(found) == [other, one]
    known = words.vocabulary().words
    assert [[known[number] for number in found[key].words[:2]] for key in (one, other)] == [
        ["записи", "цены"],
        ["записи", "склад"],
    ]
    assert words.vectors(found[one].words).shape == (len(found[one].words), EMBEDDER.dimension)
