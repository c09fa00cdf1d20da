from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_demo.chat.compress import GAP, compress, pieces_of, readable
from rag_demo.chat.context import CHUNK_TOKENS, MOST_SOURCES, Candidate, pack, texts_to_count
from rag_demo.index.analyse import terms
from rag_demo.ingest.facts import MemberFact
from rag_demo.testing import make_document
from rag_demo.types import Hit, Source
from tests.unit.rag_demo.chat.lies import documents, ingested

LONG = make_document(
    text="// Считает цену.\n// Второе.\nФункция Цена(А,\n\tБ) Экспорт\n"
    + "\n".join(f'\tШаг{n}("ничего");' for n in range(80))
    + '\n\tЗапрос = "ВЫБРАТЬ\n\t|\tСкидка\n\t|ИЗ Скидки";\n\tСкидка = НайтиСкидку(Товар);\nКонецФункции'
)


def words(text):
    """A token counter for tests: words and signs."""
    return len(re.findall(r"\w+|[^\w\s]", text)) + 1


def cut(document, question, budget):
    pieces = pieces_of(document)
    return compress(pieces, [words(p.text) for p in pieces], dict.fromkeys(terms(question), 1.0), budget_tokens=budget)


def candidates(*found):
    sources = [Source(n, Hit(document, 1.0)) for n, document in enumerate(found, start=1)]
    return [
        Candidate(source, pieces, tuple(words(piece.text) for piece in pieces))
        for source, pieces in texts_to_count(sources)
    ]


def test_what_fits_is_not_touched():
    text, compressed = cut(LONG, "скидка", 10_000)
    assert (text, compressed) == (LONG.text, False)


def test_head_and_the_statements_asked_for_stay():
    text, compressed = cut(LONG, "где скидка товара", 60)
    assert compressed
    assert "// Считает цену." in text
    assert "Функция Цена(А,\n\tБ) Экспорт" in text
    assert "Скидка = НайтиСкидку(Товар);" in text
    assert "Шаг40" not in text
    assert GAP in text


def test_a_text_over_several_lines_is_one_piece():
    assert '\tЗапрос = "ВЫБРАТЬ\n\t|\tСкидка\n\t|ИЗ Скидки";' in [piece.text for piece in pieces_of(LONG)]


def test_long_lists_are_cut_by_items():
    document = make_document(
        "Enum.Цвета",
        doc_type="metadata_object",
        body="Перечисление Цвета\nЗначения: " + ", ".join(map(str, range(300))),
    )
    text, compressed = cut(document, "значение 250", 40)
    assert compressed
    assert " 250," in text
    assert text.startswith("Перечисление Цвета")


@pytest.mark.parametrize("document", documents()[::7], ids=lambda document: document.full_name)
def test_pieces_make_up_the_passage(document):
    pieces = pieces_of(document)
    assert "".join(piece.text + piece.glue for piece in pieces).strip("\n ") == readable(document).strip("\n ")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(documents()), st.integers(20, 400), st.sampled_from(["цена товара", "курс валюты", "проведение"])
)
def test_what_is_kept_is_word_for_word_and_within_the_budget(document, budget, question):
    text, compressed = cut(document, question, budget)
    source = readable(document)
    for part in text.split(GAP):
        for line in part.strip().split("\n"):
            assert line.strip() in source
    if compressed:
        largest = max(words(piece.text) for piece in pieces_of(document))
        assert words(text.replace(GAP, "")) <= max(budget, largest) + 2


def test_the_budget_is_shared_and_what_is_left_over_goes_to_the_best():
    packed = pack(candidates(LONG, make_document(), LONG), {}, budget_tokens=700)
    assert [source.compressed for source in packed] == [True, False, True]
    assert packed[0].tokens >= packed[2].tokens
    assert sum(source.tokens for source in packed) <= 700


def test_a_small_budget_keeps_few_sources_and_at_least_one():
    assert len(pack(candidates(LONG, LONG, LONG), {}, budget_tokens=450)) == 2
    assert len(pack(candidates(LONG, LONG), {}, budget_tokens=0)) == 1


def test_no_more_than_six_sources_and_600_tokens_each():
    packed = pack(candidates(*[LONG] * 9), {}, budget_tokens=100_000)
    assert len(packed) == MOST_SOURCES
    assert all(source.tokens <= CHUNK_TOKENS for source in packed)


def attribute_questions():
    """Questions for one attribute of an object, and the line of the card that answers."""
    by_name = {d.full_name: d for d in documents() if d.doc_type == "metadata_object"}
    for fact in ingested().facts:
        if isinstance(fact, MemberFact) and fact.kind in {"attribute", "dimension", "resource"} and fact.types:
            document = by_name.get(fact.owner)
            lines = document.body.split("\n") if document else []
            line = next(
                (line for line in lines if re.match(rf"\w+ {re.escape(fact.name)} .*{re.escape(fact.types)}", line)), ""
            )
            if line:
                yield f"Какого типа {line.split()[0].lower()} {fact.name} у {document.name}?", document, line


def comment_questions():
    """The description of a method as the question; declaration and first line of the comment have to survive."""
    for document in documents():
        lines = document.text.split("\n")
        declared = next((line for line in lines if re.match(r"\s*(?:Процедура|Функция) ", line)), "")
        if document.doc_type == "method" and document.doc and declared and declared.rstrip().endswith(("Экспорт", ")")):
            yield document.doc.split("\n")[0], document, declared


@pytest.mark.parametrize("questions", [attribute_questions, comment_questions])
def test_the_gold_survives_compression(questions):
    """A third of its tokens must be enough for the line that answers in at least 95 % of the cases."""
    cases = [case for case in questions() if words(readable(case[1])) > 90]
    kept = sum(
        gold in cut(document, question, max(words(readable(document)) // 3, 60))[0]
        for question, document, gold in cases
    )
    assert len(cases) >= 100
    assert kept >= 0.95 * len(cases)
