from __future__ import annotations

import random

import numpy as np
import pytest

from rag_demo.chat.cache.same_question import gate_of
from rag_demo.configurations.golden import load_golden
from rag_demo.testing import WordEmbedder

SAME = [
    ("Как получить курс валюты на дату?", "Какой функцией получить курс валюты на дату?"),
    ("Как получить курс валюты на дату?", "подскажите, как узнать курс валюты на дату"),
    ("Где проверяется лимит задолженности?", "В каком модуле проверяется лимит задолженности?"),
    ("Что происходит при проведении продажи?", "Что будет при проведении продажи?"),
    ("Какие роли есть?", "какие роли есть в нашей конфигурации?"),
    ("Что такое неснижаемый остаток?", "Что значит неснижаемый остаток?"),
    ("How do I get the exchange rate?", "How can I get the exchange rate, please?"),
]
OTHER = [
    ("Как пересчитать из рублей в доллары?", "Как пересчитать из долларов в рубли?"),
    ("Где проверяется лимит?", "Где не проверяется лимит?"),
    ("Что происходит при проведении?", "Что происходит при отмене проведения?"),
    ("Возврат за 14 дней", "Возврат за 15 дней"),
    ("Какие реквизиты у справочника Валюты?", "Какие реквизиты у документа Валюты?"),
    ("Где вызывается ПолучитьЦену?", "Где вызывается ПолучитьЦены?"),
    ("Как создать заказ?", "Как удалить заказ?"),
    ("Как отправить заказ?", "Кто может отправить заказ?"),
    ("Как закрыть заказ поставщику?", "Как закрыть заказ покупателя?"),
    ("Можно ли отгрузить без оплаты?", "Можно ли отгрузить с оплатой?"),
]
_SWAPS = {"покупател": "поставщик", "приход": "расход", "справочник": "документ", "создать": "удалить", "до": "после"}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_in_other_words(one, other):
    assert gate_of(one) == gate_of(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_almost_the_same_but_another_question(one, other):
    assert gate_of(one) != gate_of(other)


def adversarial(count):
    """Pairs of a golden question and one that differs in what matters, most of them with the same words."""
    rng = random.Random(7)
    questions = [wording for question in load_golden() for wording in question.wordings if len(wording.split()) > 3]
    changes = [_reversed, _denied, _other_number, _swapped, _other_word]
    found = {}
    while len(found) < count:
        question, change = rng.choice(questions), rng.choice(changes)
        other = change(question, rng)
        if other and other.split() != question.split():
            found[question, other] = change.__name__
    return found


def _reversed(question, rng):
    words = question.rstrip("?").split()
    first, second = sorted(rng.sample(range(1, len(words)), 2))
    idle = {"нужно", "можно", "бывают"} & {words[first], words[second]}  # moving these changes nothing
    if idle or words[first][:4] == words[second][:4] or min(len(words[first]), len(words[second])) < 5:
        return ""
    words[first], words[second] = words[second], words[first]
    return " ".join(words) + "?"


def _denied(question, rng):
    words = question.split()
    words.insert(rng.randrange(1, len(words)), "не")
    return " ".join(words)


def _other_number(question, rng):
    return f"{question.rstrip('?')} за {rng.randrange(2, 99)} дней?"


def _swapped(question, rng):
    for word, other in _SWAPS.items():
        if f" {word}" in question:
            return question.replace(f" {word}", f" {other}", 1)
    return ""


def _other_word(question, rng):
    words = question.rstrip("?").split()
    place = rng.randrange(1, len(words))
    if len(words[place]) < 5:
        return ""
    words[place] = rng.choice(["самолёта", "амортизации", "криптовалюты", "зарплаты", "погоды"])
    return " ".join(words) + "?"


def test_no_wrong_hit_among_2000_adversarial_pairs():
    """With vectors of a bag of words, to which a question and its reversal are one."""
    embedder, pairs = WordEmbedder(), adversarial(2_000)
    cosines = [float(embedder.encode_query(one) @ embedder.encode_query(other)) for one, other in pairs]
    assert sum(cosine > 0.95 for cosine in cosines) > 300  # the cosine alone would have failed
    wrong = [pair for pair in pairs if gate_of(pair[0]) == gate_of(pair[1])]
    assert wrong == []
    assert np.isfinite(cosines).all()
