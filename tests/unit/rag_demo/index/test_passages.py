from __future__ import annotations

import pytest

from rag_demo.index.passages import first_sentence, passage
from rag_demo.testing import make_document


def test_a_method_is_its_name_in_words_and_what_it_does():
    assert passage(make_document()) == "получить цену. Возвращает цену товара на дату"


def test_an_object_also_goes_by_what_users_call_it():
    renamed = make_document("Document.РасходТовара", doc_type="metadata_object", synonym="Продажа", doc="")
    plain = make_document("Catalog.КурсыВалют", doc_type="metadata_object", synonym="Курсы валют", doc="")
    assert passage(renamed) == "расход товара. Продажа"
    assert passage(plain) == "курсы валют"


def test_length_is_bounded():
    assert len(passage(make_document(doc="слово " * 1000))) == 200


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Одно. Два.", "Одно."),
        ("Строка\nи её конец. Два", "Строка и её конец."),
        ("Без точки\n\nПараметры:", "Без точки"),
        ("", ""),
        ("  \n", ""),
        ("v8.3 и всё", "v8.3 и всё"),
        ("Параметры:\n А - Число", ""),
        ("Что делает\nПараметры:\n А", "Что делает"),
        ("Does it\nReturns:\n Number", "Does it"),
        ("То же, см. Другой. Ещё", "То же, см. Другой."),
    ],
)
def test_first_sentence(text, sentence):
    assert first_sentence(text) == sentence
