"""Kinds of objects under the names that people give them."""

from __future__ import annotations

import pytest

from rag_demo.errors import InputError
from rag_demo.ingest.kinds import KINDS
from rag_demo.retrieve.kinds import kind_called


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Справочник", "Catalog"),
        ("справочники", "Catalog"),
        ("СправочникСсылка", "Catalog"),
        ("catalogs", "Catalog"),
        ("catalogue", "Catalog"),
        ("ОбщийМодуль", "CommonModule"),
        ("общие модули", "CommonModule"),
        ("Common module", "CommonModule"),
        ("регистр расчёта", "CalculationRegister"),
        ("HTTP-сервис", "HTTPService"),
        ("Enumerations", "Enum"),
        ("  Документ. ", "Document"),
    ],
)
def test_aliases(said, kind):
    assert kind_called(said) == kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_name_in_the_table(kind):
    for said in (kind.name, kind.folder, kind.ru, kind.ru_plural, kind.word, kind.word_plural, kind.ru.upper()):
        assert kind_called(said) == kind.name


@pytest.mark.parametrize("said", ["", "бегемот", "справочник валюты", "Справочник.Валюты", "\udc80"])
def test_anything_else_is_told_with_the_kinds_that_there_are(said):
    with pytest.raises(InputError, match=r"is no kind of metadata object.*ОбщийМодуль \(CommonModule\)"):
        kind_called(said)
