from __future__ import annotations

import pytest

from rag_demo.index.analyse import fold, stem
from rag_demo.retrieve import words_of_business, words_of_code, words_of_office, words_of_program
from rag_demo.retrieve.thesaurus import Thesaurus, concepts_of, thesaurus

TEXTS = [
    (f"{module.__name__}.{name}", text)
    for module in (words_of_business, words_of_code, words_of_office, words_of_program)
    for name, text in vars(module).items()
    if name.isupper()
]
SMALL = """
деньги серийный_номер > денежные_средства финансы
номер > нумерация
скидка = дисконт = уступка
"""


def others(question, **frequencies):
    often = {stem(word): count for word, count in frequencies.items()}
    found = Thesaurus(concepts_of(SMALL)).others(fold(question).split(), lambda stem: often.get(stem, 0))
    return [f"{said}:{other}" for said, other in found]


@pytest.mark.parametrize(
    ("question", "frequencies", "expected"),
    [
        ("где деньги", {"финансы": 1}, ["деньги:финансы"]),
        ("где деньги", {"финансы": 1, "денежные": 5, "средства": 7}, ["деньги:денежные", "деньги:средства"]),
        ("где деньги", {"денежные": 5}, []),  # half a phrase is none
        ("деньги и финансы", {"финансы": 1, "денежные": 5, "средства": 7}, []),
        ("серийных номеров", {"финансы": 1, "нумерация": 9}, ["серийных:финансы", "номеров:финансы"]),
        ("номера", {"нумерация": 9}, ["номера:нумерация"]),
        ("скидки", {"дисконт": 1, "уступка": 2, "скидка": 9}, ["скидки:уступка"]),
        ("дисконт", {"дисконт": 1, "уступка": 2, "скидка": 9}, ["дисконт:скидка"]),
        ("", {}, []),
    ],
)
def test_a_concept_gets_the_commonest_other_name_that_the_index_has(question, frequencies, expected):
    assert others(question, **frequencies) == expected


@pytest.mark.parametrize(("name", "text"), TEXTS)
def test_nothing_that_is_said_holds_already_what_is_meant(name, text):
    for line in text.strip().splitlines():
        for said, meant in concepts_of(line):
            assert said, line
            assert meant, line
            for phrase in said:
                assert not any({*map(stem, phrase)} >= {*map(stem, other)} for other in meant), line


def test_hundreds_of_concepts_are_read_without_stemming_them():
    before = stem.cache_info().misses
    thesaurus.cache_clear()
    thesaurus()
    assert stem.cache_info().misses == before
    assert sum(len(concepts_of(text)) for _, text in TEXTS) > 600
