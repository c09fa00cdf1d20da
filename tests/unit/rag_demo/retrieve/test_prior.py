from __future__ import annotations

from rag_demo.index.traits import decode_traits, encode_traits
from rag_demo.retrieve.prior import wanted
from rag_demo.retrieve.query import analyse_question
from rag_demo.testing import make_document

METHOD = make_document()
CATALOGUE = make_document("Catalog.Цены", doc_type="metadata_object", export=False)
PICTURE = make_document("CommonPicture.Цены", doc_type="metadata_object", export=False)


def factor(document, question="цена товара"):
    facts = decode_traits(encode_traits(document)).facts
    return wanted(facts, document.object_kind, analyse_question(question))


def test_what_the_question_asks_for():
    assert factor(CATALOGUE, "какие реквизиты") > factor(CATALOGUE)
    assert factor(CATALOGUE, "справочник Цены") > factor(CATALOGUE)
    assert factor(METHOD, "какой функцией") > factor(METHOD)


def test_pictures_step_back_unless_they_are_asked_for():
    assert factor(PICTURE) < factor(CATALOGUE)
    assert factor(PICTURE, "общая картинка Цены") > factor(CATALOGUE, "общая картинка Цены")
