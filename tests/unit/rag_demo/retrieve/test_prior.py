from __future__ import annotations

import pytest

from rag_demo.retrieve.prior import prior
from rag_demo.retrieve.query import analyse_question
from rag_demo.testing import make_document

PUBLIC = make_document()
INTERNAL = make_document(region="СлужебныеПроцедурыИФункции")
HIDDEN = make_document(export=False, region="")


def factor(document, question="цена товара"):
    return prior(document, analyse_question(question))


def test_public_before_exported_before_hidden():
    assert factor(PUBLIC) > factor(INTERNAL) > factor(HIDDEN)


@pytest.mark.parametrize("region", ["Public", "ПрограммныйИнтерфейс/ДляВызова", "ПрограммныйИнтерфейс › Цены"])
def test_regions_of_the_public_interface(region):
    assert factor(make_document(region=region)) == factor(PUBLIC)


def test_internal_public_interface_is_not_public():
    assert factor(make_document(region="СлужебныйПрограммныйИнтерфейс")) == factor(INTERNAL)


def test_deprecated_comes_last():
    assert factor(make_document(deprecated=True)) < factor(HIDDEN)


def test_what_the_question_asks_for():
    catalogue = make_document("Catalog.Цены", doc_type="metadata_object", export=False)
    assert factor(catalogue, "какие реквизиты") > factor(catalogue)
    assert factor(catalogue, "справочник Цены") > factor(catalogue)
    assert factor(PUBLIC, "какой функцией") > factor(PUBLIC)


def test_pictures_step_back_unless_they_are_asked_for():
    picture = make_document("CommonPicture.Цены", doc_type="metadata_object", export=False)
    catalogue = make_document("Catalog.Цены", doc_type="metadata_object", export=False)
    assert factor(picture) < factor(catalogue)
    assert factor(picture, "общая картинка Цены") > factor(catalogue, "общая картинка Цены")
