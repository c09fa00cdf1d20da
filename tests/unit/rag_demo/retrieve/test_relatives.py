from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.index.analyse import stem
from rag_demo.retrieve.relatives import relatives


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("отгрузка", "отгрузить"),
        ("заполняет", "заполнение"),
        ("распределяется", "распределение"),
        ("погасить", "погашение"),
        ("отражение", "отразить"),
        ("закрыть", "закрытие"),
        ("нумеровать", "нумерация"),
        ("обновление", "обновить"),
    ],
)
def test_a_verb_and_its_noun_find_each_other(said, known):
    assert relatives([said], lambda term: int(term == stem(known))) == [stem(known)]


@pytest.mark.parametrize("words", [["отгрузка", "отгрузить"], ["печать"], ["для"], ["retry"], []])
def test_what_is_there_or_has_no_relatives_gets_none(words):
    assert relatives(words, lambda _: 1 if words[:1] != ["отгрузка"] else 0) == []


def test_the_commonest_two_are_taken():
    often = {stem("проверка"): 5, stem("проверить"): 9, stem("проверять"): 1}
    assert relatives(["проверяют"], lambda term: often.get(term, 0)) == [stem("проверить"), stem("проверка")]


@given(st.text("абвгдеиклмнопрстуя", max_size=14))
def test_any_word_can_be_asked(word):
    assert isinstance(relatives([word], lambda _: 1), list)
