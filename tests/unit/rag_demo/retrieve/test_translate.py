"""Scores by a table of words."""

import numpy as np
import pytest

from rag_demo.adapt.translations import FACTS_SEEN, NAME_WORTH, SMOOTHING, TRAIT_WORTH, Translations
from rag_demo.index.analyse import stem
from rag_demo.index.catalogue_reader import Outline
from rag_demo.index.traits import decode_traits, encode_traits
from rag_demo.retrieve.sketch import sketch
from rag_demo.retrieve.translate import Translator
from rag_demo.retrieve.vectors import Words
from rag_demo.testing import make_document

# «очищает» stood 40 times beside «удал» of a name, «возвращает» 30 times beside functions.
TABLE = Translations(
    tokens=("n удал", "n курс", "f function", "1 удал", "k CommonModule", "w курс"),
    words=("очища", "возвраща"),
    heard=np.array([40, 60], dtype=np.float32),
    totals=np.array([46, 30, 96, 46, 0, 5], dtype=np.float32),
    rows=np.array([0, 3, 2], dtype=np.int32),
    starts=np.array([0, 2, 3]),
    counts=np.array([40, 20, 30], dtype=np.float32),
)


def scores(question, *documents):
    translator = Translator(TABLE)
    words = Words(places_of=translator.places)
    found = []
    for document in documents:
        traits = decode_traits(encode_traits(document))
        found.append(sketch(Outline(document.full_name, document.object_kind, document.object_name, traits), words))
    asked = words.places(words.numbers(question.split()))
    numbers = np.concatenate([one.words for one in found]) if found else np.zeros(0, dtype=np.int32)
    return translator.scores(asked, found, words.places(numbers))


def method(name, **changes):
    return make_document(f"CommonModule.Учет.{name}", **{"doc": "", "body": "", "signature": ""} | changes)


def test_a_candidate_is_found_by_words_that_it_does_not_have():
    one, other = scores("очищает курс", method("УдалитьКурс"), method("ПересчитатьКурс"))
    assert one > other
    function, procedure = scores("возвращает", method("Курс", is_function=True), method("Курс", is_function=False))
    assert function > procedure


def test_the_score_is_that_of_the_formula():
    """Computed by hand for one candidate with three known tokens in its name, ends and kind."""
    found = scores("очищает", method("УдалитьКурс", is_function=False))[0]
    frequency = 40 / 100

    def gain(count, total):
        return (count / frequency + SMOOTHING) / (total + SMOOTHING)

    known = 2 * NAME_WORTH + 2 * TRAIT_WORTH  # n удал, n курс; 1 удал, k CommonModule
    told = NAME_WORTH * (gain(40, 46) + gain(0, 30)) + TRAIT_WORTH * (gain(20, 46) + gain(0, 0))
    trust = 100 / (100 + 20_000)
    assert found == pytest.approx(trust * np.log(0.1 + 0.9 * told / known), rel=1e-5)


def test_nothing_known_nothing_scored():
    assert scores("очищает").shape == (0,)
    assert scores("неведомое", method("УдалитьКурс")).tolist() == [0.0]
    assert np.isfinite(scores("очищает", make_document("Catalog.Ёлки", doc="", body="", signature=""))).all()


def test_a_candidate_without_known_tokens_is_as_likely_as_any():
    found = scores("очищает", make_document("Catalog.Ёлки", doc="", body="", signature="", is_function=False))
    assert found.tolist() == [0.0]


def test_every_stem_has_a_place_in_each_field():
    translator = Translator(TABLE)
    places = translator.places(stem("курс"))
    assert places[1:] == [translator.unknown, 5, translator.unknown, translator.unknown, -1]
    assert places[0] == 1
    assert "described" not in FACTS_SEEN
