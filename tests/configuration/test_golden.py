"""The golden questions are complete, honest and split by their rule."""

import re
from collections import Counter, defaultdict

import pytest

from rag_demo.configurations.golden import load_golden, object_of, split_of

QUESTIONS = load_golden()
KINDS = {"how-to", "where", "which-attributes", "what-happens", "compare", "meaning"}


def test_there_are_enough_of_every_sort():
    answerable = [question for question in QUESTIONS if not question.refuse]
    assert len(answerable) >= 80
    assert len(QUESTIONS) - len(answerable) >= 12
    kinds = Counter(question.kind for question in answerable)
    assert set(kinds) == KINDS
    assert min(kinds.values()) >= 3
    assert sum(question.language == "en" for question in QUESTIONS) >= 6
    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question(names, question):
    assert question.kind in KINDS
    assert question.language in ("ru", "en")
    assert question.paraphrases
    assert all(question.wordings)
    assert question.refuse == (not question.gold)
    assert [name for name in question.gold if name not in names] == []
    assert len(set(question.gold)) == len(question.gold) <= 4
    assert question.split == split_of(question.id, question.gold)


def test_wordings_are_not_repeated():
    wordings = Counter(
        re.sub(r"\W+", " ", text.lower()).strip() for question in QUESTIONS for text in question.wordings
    )
    assert [text for text, times in wordings.items() if times > 1] == []


def test_questions_on_one_object_stay_on_one_side():
    sides = defaultdict(set)
    for question in QUESTIONS:
        if question.gold:
            sides[object_of(question.gold[0])].add(question.split)
    assert all(len(found) == 1 for found in sides.values())


def test_both_sides_are_large_enough():
    for split in ("tune", "test"):
        chosen = [question for question in QUESTIONS if question.split == split]
        assert sum(not question.refuse for question in chosen) >= 30
        assert sum(question.refuse for question in chosen) >= 4


def test_the_rule_depends_on_the_object_alone():
    assert split_of("a", ["Catalog.Валюты.ObjectModule.ПриЗаписи"]) == split_of("b", ["Catalog.Валюты"])
    assert object_of("CommonModule.А.Метод") == "CommonModule.А"
    assert {split_of(str(number), []) for number in range(20)} == {"tune", "test"}


def test_refused_questions_have_nothing_in_the_configuration(modules, objects):
    words = (
        "\n".join(module.text for module in modules).lower()
        + " ".join(item.synonym for item in objects.values()).lower()
    )
    for absent in (
        "зарплат",
        "егаис",
        "амортизац",
        "фискальн",
        "телеграм",
        "спецификац",
        "декларац",
        "маркировк",
        "отпуск ",
    ):
        assert absent not in words, absent
