from __future__ import annotations

import pytest

from rag_demo.retrieve.whole import join_parts
from rag_demo.testing import make_document


def part(first, last, name="Catalog.Контрагенты", **changes):
    lines = "\n".join(f"строка {number}" for number in range(first, last + 1))
    values = {
        "doc_id": f"{name}:{first}",
        "line_start": first,
        "line_end": last,
        "text": lines,
        "body": f"тело {first}",
    }
    kind = {"doc_type": "metadata_object", "path": "Catalogs/Контрагенты.xml"}
    return make_document(name, **values | kind | changes)


PARTS = [part(3, 9), part(10, 12), part(13, 20)]


@pytest.mark.parametrize("seed", PARTS)
def test_any_part_leads_to_the_whole(seed):
    whole, ids = join_parts(seed, reversed(PARTS))
    assert (whole.line_start, whole.line_end) == (3, 20)
    assert whole.text == part(3, 20).text
    assert whole.body == "тело 3\nтело 10\nтело 13"
    assert ids == {document.doc_id for document in PARTS}


@pytest.mark.parametrize(
    "stranger",
    [
        part(22, 30),
        part(15, 22, doc_id="overlap"),
        part(21, 30, path="Catalogs/Другие.xml"),
        part(21, 30, doc_type="help"),
    ],
)
def test_what_does_not_continue_it_is_left_out(stranger):
    whole, ids = join_parts(PARTS[0], [*PARTS, stranger])
    assert whole.line_end == 20
    assert stranger.doc_id not in ids


def test_alone():
    assert join_parts(PARTS[1], []) == (PARTS[1], {PARTS[1].doc_id})
