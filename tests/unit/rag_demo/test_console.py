from __future__ import annotations

import dataclasses
import io
import json
import sys

import pytest

from rag_demo.console import ProgressBar, answer_as_json, answer_as_text, complain, explanation, say, use_utf8
from rag_demo.testing import make_document
from rag_demo.types import Answer, Hit, LegRank, Mark, Source

DOCUMENT = make_document()
ANSWER = Answer(
    "Цена?", "Вот цена [1]", (Source(1, Hit(DOCUMENT, 0.5, {"exact": LegRank(1, 1.0)})),), timings_ms={"total": 1.5}
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_explanation_tells_rank_and_score_of_each_leg():
    sources = answer_as_json(ANSWER)["sources"]
    assert explanation(sources) == f"[1] 0.500  exact #1 (1.000)  {DOCUMENT.full_name}"


def test_json_has_exactly_the_documented_fields():
    assert json.loads(json.dumps(answer_as_json(ANSWER))) == {
        "question": "Цена?",
        "answer": "Вот цена [1]",
        "refused": False,
        "degraded": [],
        "sources": [
            {
                "n": 1,
                "path": DOCUMENT.path,
                "line_start": 3,
                "line_end": 6,
                "full_name": DOCUMENT.full_name,
                "doc_type": "method",
                "score": 0.5,
                "legs": {"exact": {"rank": 1, "score": 1.0}},
                "text": DOCUMENT.text,
            }
        ],
        "timings_ms": {"total": 1.5},
        "standalone": "Цена?",
        "backend": "extractive",
        "marks": [],
        "cached": False,
        "cached_age_s": None,
    }


def test_marked_sentences_are_shown_with_the_reason():
    answer = dataclasses.replace(ANSWER, marks=(Mark(0, 8, ("figure", "link")),), cached_s=61.2)
    text = answer_as_text(answer)
    assert text.startswith(
        "Вот цена ⚠ [1]\n\n⚠ «Вот цена» — в источнике нет такого числа; в источнике нет такого адреса\n"
    )
    assert text.endswith("(answered 61 s ago)")
    told = answer_as_json(answer)
    assert (told["cached"], told["cached_age_s"], told["marks"][0]["end"]) == (True, 61.2, 8)
    assert told["marks"][0]["reason"].startswith("в источнике нет такого числа")


def test_text_lists_the_sources():
    assert answer_as_text(ANSWER).endswith("[1] CommonModules/Цены/Ext/Module.bsl:3-6  CommonModule.Цены.ПолучитьЦену")


def test_text_of_a_degraded_refusal():
    text = answer_as_text(Answer("?", "Ничего.", (), refused=True, degraded=("dense",)))
    assert text == "Ничего.\n\n(made without: dense)"


def test_an_answer_that_was_cut_off_says_so():
    text = answer_as_text(Answer("?", "Начало", (), degraded=("cut",)))
    assert text == "Начало\n\n(cut off: the language model was not done)"


def test_a_terminal_gets_one_line_that_is_redrawn():
    stream = Terminal()
    bar = ProgressBar(stream)
    bar("words", 0, 10)
    bar("words", 10, 10)
    begun, ended = stream.getvalue().rstrip().split("\r")[1:]
    assert begun.rstrip() == "indexing words      [............................] 0/10"
    assert ended.startswith("indexing words      [############################] 10/10")
    assert stream.getvalue().count("\n") == 1


def test_a_log_gets_a_line_at_the_end_of_a_stage():
    stream = io.StringIO()
    bar = ProgressBar(stream)
    for done in range(1, 1001):
        bar("vectors", done, 1000)
    assert stream.getvalue().count("\n") == 1
    assert "1,000/1,000" in stream.getvalue()
    assert "\r" not in stream.getvalue()


@pytest.mark.parametrize("total", [0, 1])
def test_a_stage_may_be_empty(total):
    stream = io.StringIO()
    ProgressBar(stream)("files", total, total)
    assert f"{total}/{total}" in stream.getvalue()


def test_output_is_utf8_whatever_the_locale_says(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    use_utf8()
    sys.stdout.write("курс \udcff")
    sys.stdout.flush()
    assert raw.getvalue() == "курс \\udcff".encode()


def test_nothing_that_is_shown_steers_the_terminal(capsys):
    say("а\x1b[2Jб\x9b\n\tв\u202e")
    complain("\x07")
    assert capsys.readouterr() == ("а\\u001b[2Jб\\u009b\n\tв\\u202e\n", "\\u0007\n")
    said = {"текст": "\x1b\x9b"}
    say(json.dumps(said, ensure_ascii=False))
    assert json.loads(capsys.readouterr().out) == said
