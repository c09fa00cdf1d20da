"""Documents beside the dump: passages by heading, exact lines, and files that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.errors import InputError
from rag_demo.ingest.bsl import Source
from rag_demo.ingest.notes import read_documents
from rag_demo.ingest.notes.blocks import html_blocks, markdown_blocks, text_blocks
from rag_demo.ingest.notes.sections import sections
from rag_demo.ingest.parts import MAX_PART_CHARACTERS, MAX_PART_LINES

MANUAL = """---
title: служебное
---
# Руководство кассира

Для всех **касс**.

## 1. Возврат товара ##
- Откройте [чек](chek.html).
- Нажмите `Возврат`.

| Поле | Смысл |
|------|-------|
| Сумма | итог |

```
# это не заголовок
```

Закрытие смены
--------------
Снимите отчёт.

## Только заголовок
### Обмен с C#
Текст.
"""


@pytest.fixture
def read(tmp_path):
    def read(name, content, **options):
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_documents(tmp_path / "docs", space_id="лавка", **options)

    return read


def assert_exact(documents, content):
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    for one in documents:
        assert one.text == "\n".join(lines[one.line_start - 1 : one.line_end])


def test_markdown(read):
    ingested = read("касса/инструкция.md", MANUAL)
    assert ingested.problems == []
    assert [(one.full_name, one.line_start, one.line_end) for one in ingested.documents] == [
        ("Руководство кассира", 4, 6),
        ("Руководство кассира › Возврат товара", 8, 18),
        ("Руководство кассира › Закрытие смены", 20, 22),
        ("Руководство кассира › Только заголовок › Обмен с C#", 24, 26),
    ]
    first, second, *_ = ingested.documents
    assert first.path == "docs/касса/инструкция.md"
    assert (second.name, second.doc_type, second.object_kind) == ("Возврат товара", "note", "Text")
    assert "Откройте чек.\nНажмите Возврат." in second.doc
    assert "---" not in second.doc
    assert_exact(ingested.documents, MANUAL)


def test_html(read):
    page = (
        "<html><head><title>x</title></head><body><h1>Вопросы</h1>\n<p>Общее &amp; прочее</p>\n<h2>Как?</h2><p>Так.</p>"
    )
    ingested = read("faq.html", page)
    assert [(one.full_name, one.doc) for one in ingested.documents] == [
        ("Вопросы", "Вопросы\nОбщее & прочее"),
        ("Вопросы › Как?", "Как?\nТак."),
    ]
    assert_exact(ingested.documents, page)


TEXT = "РЕГЛАМЕНТ\r\n\r\n1. ОБЩИЕ ПОЛОЖЕНИЯ\r\n1.1. Настоящий порядок обязателен.\r\n\r\nРаздел 2\r\n\r\nКонец.\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_text_in_any_encoding(read, encoding):
    ingested = read("порядок.txt", TEXT.encode(encoding))
    assert [one.full_name for one in ingested.documents] == ["РЕГЛАМЕНТ › ОБЩИЕ ПОЛОЖЕНИЯ", "РЕГЛАМЕНТ › Раздел 2"]
    assert_exact(ingested.documents, TEXT)
    assert len(ingested.problems) == (encoding == "cp1251")


@pytest.mark.parametrize("words", ["о том и о сём, и ещё раз о том же самом", ""])
def test_long_sections_are_cut_at_lines(read, words):
    text = "# Долго\n\n" + "\n".join(f"{number} {words}" for number in range(1_300))
    ingested = read("long.md", text)
    assert len(ingested.documents) > 5
    assert len({one.doc_id for one in ingested.documents}) == len(ingested.documents)
    assert all(len(one.doc) <= MAX_PART_CHARACTERS + 200 for one in ingested.documents)
    assert all(one.line_end - one.line_start < MAX_PART_LINES for one in ingested.documents)
    assert_exact(ingested.documents, text)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.docx", "PK", "save it as Markdown"),
        ("a.md", "x\0y", "zero bytes"),
        ("a.md", "x" * 20_001, "line 1 has more than"),
        ("a.md", "x\n" * 60, "the limit is"),
    ],
)
def test_what_cannot_be_read_is_reported_and_skipped(read, name, content, message):
    ingested = read(name, content, max_file_bytes=100 if "limit" in message else 10**6)
    assert ingested.documents == []
    (problem,) = ingested.problems
    assert problem.path == f"docs/{name}"
    assert message in problem.message


def test_links_out_of_the_folder_are_not_followed(read, tmp_path):
    (tmp_path / "secret.md").write_text("# Тайна\nтекст", encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "secret.md")
    ingested = read("a.md", "# А\nтекст")
    assert [one.name for one in ingested.documents] == ["А"]
    assert [problem.path for problem in ingested.problems] == ["docs/link.md"]


def test_other_files_are_left_alone_and_a_missing_folder_is_an_error(read, tmp_path):
    ingested = read("photo.png", b"\x89PNG")
    assert (ingested.documents, ingested.problems) == ([], [])
    with pytest.raises(InputError, match="not a folder"):
        read_documents(tmp_path / "нет", space_id="лавка")


def test_ids_do_not_depend_on_lines(read):
    before = read("a.md", "# А\nстарое\n\n## Б\nтекст").documents[-1]
    after = read("a.md", "# А\nстарое\nновое\n\n## Б\nтекст").documents[-1]
    assert (before.doc_id, before.content_hash) == (after.doc_id, after.content_hash)
    assert before.line_start != after.line_start


@pytest.mark.parametrize("blocks_of", [markdown_blocks, text_blocks, html_blocks])
@given(text=st.text(alphabet="#ab -=|`~<>h12/\n\r1.Ж[]()*\t", max_size=300))
def test_any_text_gives_passages_within_its_lines(blocks_of, text):
    source = Source(text)
    end = 0
    for section in sections(blocks_of(source), "т"):
        assert 1 <= section.part.line_start <= section.part.line_end <= source.line_count
        assert section.part.line_start >= end
        end = section.part.line_end
        assert section.headings
