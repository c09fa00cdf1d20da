"""Documents by their names: of which space, and which part."""

from __future__ import annotations

import dataclasses

import pytest

from rag_demo.chat.library import Shelves
from rag_demo.index.catalogue import Catalogue
from rag_demo.testing import make_document
from tests.unit.rag_demo.chat.bundle import answer

METHOD = "CommonModule.Курсы.Курс"
CATALOG = "Catalog.Валюты"


def part(first, last):
    text = "\n".join(f"строка {line}" for line in range(first, last + 1))
    return make_document(
        CATALOG, doc_type="metadata_object", doc_id=f"{first}", line_start=first, line_end=last, text=text, body=text
    )


@pytest.fixture
def shelves(tmp_path):
    parts = [part(3, 45), part(60, 80), part(81, 90)]
    method = make_document(METHOD, text="Функция Курс()\n\tВозврат 1;\nКонецФункции", doc_type="method")
    made = []
    for space_id, found in (("other", [method]), ("trade", [*parts, method])):
        catalogue = Catalogue.create(tmp_path / f"{space_id}.sqlite")
        text = method.text.replace("1", space_id)
        own = [one if one is not method else dataclasses.replace(one, text=text) for one in found]
        catalogue.add([dataclasses.replace(one, space_id=space_id) for one in own])
        catalogue.seal()
        made.append((space_id, catalogue))
    yield Shelves([(space_id, catalogue.at(1)) for space_id, catalogue in made])
    for _, catalogue in made:
        catalogue.close()


def test_a_name_in_one_space(shelves):
    assert shelves.named(METHOD).space_id == "other"
    assert shelves.named(METHOD, space_id="trade").space_id == "trade"
    assert shelves.named(CATALOG, space_id="other") is None


@pytest.mark.parametrize(
    ("line", "lines"), [(0, (3, 45)), (45, (3, 45)), (60, (60, 90)), (90, (60, 90)), (50, (3, 45))]
)
def test_the_piece_of_an_object_that_has_a_line(shelves, line, lines):
    document = shelves.named(CATALOG, line=line)
    assert (document.line_start, document.line_end) == lines
    assert document.text.split("\n")[0] == f"строка {lines[0]}"


def test_the_code_is_that_of_the_space_that_was_found(facts, shelves):
    found = shelves.named(METHOD, space_id="trade")
    composed = answer(facts, "покажи код Курс", found, library=shelves)
    assert "    | \tВозврат trade;" in composed.text
    assert composed.sources[0].hit.document.space_id == "trade"
