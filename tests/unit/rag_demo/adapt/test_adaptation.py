import json

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from hybrid_embeddings import EmbeddingService
from rag_demo.adapt import FieldEmbedder, Recipe, adapt
from rag_demo.adapt.fields import layered_passage
from rag_demo.adapt.model import load
from rag_demo.errors import InputError, TooLittle
from rag_demo.testing import make_document

QUESTIONS = ["Получить курс валюты на дату", "ПолучитьКурсВалюты", "проверка остатка на складе", "ёлка", "", "✓ 漢字"]


def test_the_model_is_an_ordinary_directory(adapted):
    model = SentenceTransformer(str(adapted.folder), device="cpu")
    vectors = model.encode(QUESTIONS)
    assert vectors.shape == (len(QUESTIONS), 64)
    with EmbeddingService(str(adapted.folder)) as service:
        ours = service.encode_documents(QUESTIONS)
    assert np.allclose(ours, vectors, atol=1e-6)
    assert not ours[4].any()  # no token, no direction


def test_a_split_identifier_is_the_question_in_words(adapted):
    model = SentenceTransformer(str(adapted.folder), device="cpu")
    one, two = model.encode(["ПолучитьКурсВалюты", "получить курс валюты"])
    assert np.array_equal(one, two)


def test_card_and_record_tell_how_it_was_made(adapted):
    record = json.loads((adapted.folder / "adaptation.json").read_text(encoding="utf-8"))
    assert record == adapted.record
    assert record["held_out"]["questions"] > 8
    card = (adapted.folder / "README.md").read_text(encoding="utf-8")
    assert "library_name: sentence-transformers" in card
    assert str(record["pairs"]) in card
    size = sum(file.stat().st_size for file in adapted.folder.rglob("*") if file.is_file())
    assert size < 36e6


def test_rows_survive_a_byte(adapted):
    _, vectors = load(adapted.folder)
    scale = np.abs(vectors).max(axis=1, keepdims=True) / 127
    steps = vectors / np.maximum(scale, 1e-12)
    assert np.allclose(steps, steps.round(), atol=1e-3)


def test_the_same_documents_give_the_same_vectors(documents, adapted, tmp_path):
    again = adapt(documents, tmp_path / "again", recipe=Recipe(epochs=1, steps=60, dimension=64))
    assert again.weight == adapted.weight
    assert load(again.folder)[0] == load(adapted.folder)[0]
    assert np.array_equal(load(again.folder)[1], load(adapted.folder)[1])


def test_a_base_gives_its_tokenizer_and_a_start(documents, adapted, tmp_path):
    told = []
    methods = [document for document in documents if document.doc_type == "method"]
    progress = lambda stage, done, total: told.append((stage, done, total))  # noqa: E731
    other = adapt(
        methods[:80], tmp_path / "other", base=adapted.folder, progress=progress, recipe=Recipe(epochs=1, steps=20)
    )
    assert load(other.folder)[0] == load(adapted.folder)[0]
    assert other.record["base"]
    before, after = load(adapted.folder)[1], load(other.folder)[1]
    assert before.shape == after.shape
    cosines = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    assert np.median(cosines) > 0.8  # moved, not begun anew
    assert not np.array_equal(before, after)
    assert told[0] == ("pairs", 0, 1)
    assert told[-1][0] == "translations"


def test_a_base_that_is_none_is_named(documents, tmp_path):
    with pytest.raises(InputError, match=r"нет такой.*no adapted model"):
        adapt(documents, tmp_path / "model", base=tmp_path / "нет такой")
    assert not (tmp_path / "model").exists()


def test_too_little_is_told(tmp_path):
    with pytest.raises(TooLittle, match="too little"):
        adapt([make_document()], tmp_path / "model")


def test_excluded_comments_teach_no_words(documents, tmp_path):
    withheld = "Тайное слово абракадабра нигде больше не встречается."
    one = [
        make_document("CommonModule.Тест.Метод", doc=withheld, text=f"// {withheld}\nПроцедура Метод()"),
        *documents[:200],
    ]
    folder = adapt(
        one, tmp_path / "a", recipe=Recipe(epochs=1, steps=4, dimension=16), excluded=lambda text: "абракадабр" in text
    ).folder
    tokens = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    assert not [token for token in tokens if "абрак" in token]


@pytest.fixture
def embedder(adapted):
    with EmbeddingService(str(adapted.folder)) as service:
        yield FieldEmbedder(service, name="adapted")


def test_documents_are_unit_sums_of_their_fields(embedder):
    document = make_document()
    (vector,) = embedder.encode_documents([embedder.passage(document)])
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    (only_name,) = embedder.encode_documents([f"{document.name}\n\n\n\n"])
    question = embedder.encode_query("получить цену")
    assert question @ only_name / np.linalg.norm(question) == pytest.approx(1.0, abs=1e-5)


def test_order_and_number_are_kept(embedder, documents):
    passages = [layered_passage(document) for document in documents[:40]]
    together = embedder.encode_documents(passages)
    apart = np.concatenate([embedder.encode_documents([passage]) for passage in passages])
    assert np.allclose(together, apart, atol=1e-6)
    assert embedder.encode_documents([]).shape == (0, 64)


def test_the_fingerprint_holds_the_weights_of_the_fields(embedder):
    assert embedder.fingerprint.endswith("/1.0-0.5-1.0-0.6-0.7")
    assert embedder.model_name == "adapted"
    assert embedder.dimension == 64
