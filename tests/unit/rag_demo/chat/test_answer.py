from __future__ import annotations

import pytest

from rag_demo.chat.answer import LONGEST_QUESTION_BYTES, check_question
from rag_demo.errors import InputError


def test_blanks_around_a_question_are_dropped():
    assert check_question("\n Как?\t") == "Как?"


@pytest.mark.parametrize("question", ["", " ", "\n\t\r\n", "\u2003"])
def test_empty(question):
    with pytest.raises(InputError, match="question is empty"):
        check_question(question)


def test_the_longest_question_and_one_byte_more():
    assert check_question("ж" * (LONGEST_QUESTION_BYTES // 2))
    with pytest.raises(InputError, match="8,194 bytes; at most 8,192"):
        check_question("ж" * (LONGEST_QUESTION_BYTES // 2 + 1))


def test_a_megabyte():
    with pytest.raises(InputError, match="1,048,576 bytes"):
        check_question("x" * 2**20)


def test_bytes_that_are_no_text():
    with pytest.raises(InputError, match="not valid UTF-8"):
        check_question("курс \udcff")
