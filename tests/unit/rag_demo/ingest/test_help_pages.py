"""Help pages as plain text with lines."""

from __future__ import annotations

import pytest

from rag_demo.ingest.bsl import Source
from rag_demo.ingest.help_pages import help_units


def units(html: str) -> list[tuple[int, int, str]]:
    return [(unit.line_start, unit.line_end, unit.text) for unit in help_units(Source(html))]


def test_blocks_entities_and_lines():
    head = "<html><head><title>Нет</title></head><body>"
    html = f"{head}\n<H1>Цены</H1>\n\n<ul><li>\nодин &amp;\n<b>два</b>&nbsp;три</li><li>ч</li></ul>"
    assert units(html) == [(2, 2, "Цены"), (5, 6, "один & два три"), (6, 6, "ч")]


def test_what_a_page_does_not_show_is_left_out():
    html = "<style>p {}</style><script>if (a < b) {}</script><!-- <p>нет</p> --><p>да<!DOCTYPE x></p>"
    assert units(html) == [(1, 1, "да")]


def test_plain_text_and_unfinished_tags():
    assert units("просто текст") == [(1, 1, "просто текст")]
    assert units("3 < 4 и <p>5<a href=") == [(1, 1, "3 < 4 и"), (1, 1, "5")]
    assert units("") == []


@pytest.mark.parametrize("piece", ["<a", "<!--", "<a/", "<![", "<a b='", "</", "&", "<p>", "<script>", "<"])
def test_a_megabyte_of_unfinished_markup_takes_no_time(piece):
    assert len(units(piece * (1_000_000 // len(piece)))) <= 1
