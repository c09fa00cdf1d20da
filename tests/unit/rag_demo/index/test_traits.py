from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.index.traits import FACTS, decode_traits, encode_traits, written_words
from rag_demo.testing import make_document


def facts(**changes):
    return decode_traits(encode_traits(make_document(**changes))).facts


def test_words_as_people_write_them_each_once():
    document = make_document(
        "CommonModule.РаботаСКурсами.ПолучитьКурсВалюты", doc="Учётный курс.", body="Если Истина Тогда ЗаписьJSON();"
    )
    traits = decode_traits(encode_traits(document))
    assert traits.name == ("получить", "курс", "валюты")
    assert traits.owner == ("работа", "курсами")
    assert {"учетный", "запись", "json"} <= set(traits.words)
    assert not {"если", "истина", "тогда", "получить"} & set(traits.words)
    assert "курс" in traits.words  # of the comment, though it stands in the name, too
    assert len(set(traits.words)) == len(traits.words)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("Public", True),
        ("ПрограммныйИнтерфейс/ДляВызова", True),
        ("ПрограммныйИнтерфейс › Цены", True),
        ("СлужебныйПрограммныйИнтерфейс", False),
        ("", False),
    ],
)
def test_regions_of_the_public_interface(region, expected):
    assert ("public" in facts(region=region)) is expected


def test_obsolete_methods_by_flag_or_region():
    assert "deprecated" in facts(deprecated=True)
    assert "deprecated" in facts(region="УстаревшиеПроцедурыИФункции")
    assert "deprecated" not in facts()


def test_sorts_of_documents():
    assert {"method"} <= facts() <= set(FACTS)
    assert "note" in facts(doc_type="faq")
    assert "note" not in facts(doc_type="help")


@given(st.text(), st.text(), st.text())
def test_any_text_comes_back_as_words(name, owner, body):
    document = make_document("CommonModule.А.Б", name=name, object_name=owner, body=body, doc=name)
    traits = decode_traits(encode_traits(document))
    assert list(traits.name) == list(dict.fromkeys(written_words(name)))
    assert list(traits.owner) == list(dict.fromkeys(written_words(owner)))
