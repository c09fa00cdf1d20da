from __future__ import annotations

import pytest

from rag_demo.chat.clean import Cleaner


def cleaned(*pieces):
    cleaner = Cleaner()
    return [cleaner.clean(piece) for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["Курс ", "валюты\n\tна дату"], ["Курс ", "валюты\n\tна дату"]),
        (["\ud83d", "\ude00 да"], ["", "😀 да"]),  # one letter in two pieces
        (["а\ud83d", "б"], ["а", "\ufffdб"]),
        (["а\ude00б"], ["а\ufffdб"]),
        (["а\ud83d"], ["а"]),  # the other half never comes
        (["К\x00у\x1b[2Jр\x07с\r\n"], ["Ку[2Jрс\n"]),
        (["\u202eabc\u2066\x9b"], ["abc"]),
    ],
)
def test_pieces_become_fit_to_be_shown(pieces, expected):
    assert cleaned(*pieces) == expected
    "".join(expected).encode()


def test_letters_are_counted():
    cleaner = Cleaner()
    cleaner.clean("абв\x00")
    cleaner.clean("г")
    assert cleaner.letters == 4
