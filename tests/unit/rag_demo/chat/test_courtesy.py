from __future__ import annotations

import pytest

from rag_demo.chat.courtesy import courtesy


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("Привет!", "Здравствуйте! Я отвечаю"),
        ("здравствуйте", "Здравствуйте! Я отвечаю"),
        ("как дела", "Спасибо"),
        ("Как у тебя дела?", "Спасибо"),
        ("спасибо большое!", "Пожалуйста!"),
        ("что ты умеешь?", "Я отвечаю"),
        ("кто ты?", "Я отвечаю"),
        ("пока", "До свидания!"),
        ("Hello there", "Hello! I answer"),
        ("how are you?", "Thank you"),
        ("Thanks a lot!", "You are welcome!"),
        ("What can you do?", "I answer"),
        ("help", "I answer"),
    ],
)
def test_courtesies_are_answered_in_their_language(said, reply):
    assert courtesy(said).startswith(reply)


@pytest.mark.parametrize(
    "said",
    [
        "привет, как получить курс валюты?",
        "как дела с остатками на складе?",
        "пока есть остатки, можно ли выключить учёт?",
        "помощь по курсам валют",
        "что может менеджер продаж?",
        "help page of the document",
        "Hello world",
        "?",
        "",
    ],
)
def test_questions_are_no_courtesies(said):
    assert not courtesy(said)
