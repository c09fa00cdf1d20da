from __future__ import annotations

import numpy as np

from rag_demo.index.ports import DocKey
from rag_demo.retrieve.judge import Judged
from rag_demo.retrieve.sketch import Sketch

EMPTY = np.zeros(0, dtype=np.float32)


def judged(*found: tuple[str, str]) -> Judged:
    """Candidates, best first: full name of a method, or of an object, and the part of it."""
    sketches = {}
    for full_name, part in found:
        kind, name, *method = full_name.split(".")
        facts = frozenset({"method" if method else "metadata_object"})
        sketches[DocKey("торговля", f"{full_name}/{part}")] = Sketch(
            full_name, kind, name, facts, EMPTY, EMPTY.astype(np.int32), (0, 0, 0)
        )
    scores = np.arange(len(found), 0, -1, dtype=np.float32)
    return Judged(sketches, {}, EMPTY, scores)


def shown(*found: tuple[str, str]) -> list[str]:
    return [key.doc_id for key, _ in judged(*found).best_first()]


def test_parts_of_one_method_stand_once_among_the_first_ten():
    method = "CommonModule.Цены.Рассчитать"
    others = [(f"CommonModule.Модуль{number}.Метод", "1") for number in range(9)]
    order = shown((method, "1"), (method, "2"), *others, (method, "3"))
    assert order[0] == f"{method}/1"
    assert order[10:] == [f"{method}/2", f"{method}/3"]


def test_parts_of_a_description_hold_different_facts():
    order = shown(("Catalog.Валюты", "1"), ("Catalog.Валюты", "2"), ("Catalog.Цены", "1"))
    assert order == ["Catalog.Валюты/1", "Catalog.Валюты/2", "Catalog.Цены/1"]


def test_at_most_two_of_one_object_stand_among_the_first_five():
    same = [(f"CommonModule.Цены.Метод{number}", "1") for number in range(3)]
    others = [(f"CommonModule.Модуль{number}.Метод", "1") for number in range(4)]
    order = shown(*same, *others)
    assert order[4:6] == ["CommonModule.Модуль2.Метод/1", "CommonModule.Цены.Метод2/1"]
