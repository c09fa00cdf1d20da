"""A manual and a regulation beside the bundled configuration, with the real model: asked, cited, filtered."""

from __future__ import annotations

import json

import pytest

from rag_demo import cli
from rag_demo.configurations import bundled

FILES = {
    "справка/касса.md": """# Работа кассира

## Пробитие подарочного сертификата
Отсканируйте сертификат и нажмите «Оплатить сертификатом».
Если номинал больше суммы чека, остаток сгорает.

## Начало дня
Введите размен и нажмите «Открыть смену».
""",
    "порядок.txt": """ХРАНЕНИЕ ПЛОМБ

Кладовщик обязан сдавать неиспользованные пломбы заведующему до 18:00.
Передача пломб третьим лицам запрещается и влечёт дисциплинарную ответственность.
""",
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory, model_cache):
    root = tmp_path_factory.mktemp("beside")
    for name, text in FILES.items():
        file = root / "документы" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAG_DATA_DIR", str(root / "data"))
        patch.setenv("EMBEDDING_MODEL_CACHE_DIR", str(model_cache))
        docs = str(root / "документы")
        assert cli.main(["index", str(bundled()), "--space", "маяк", "--docs", docs]) == 0
    return root


@pytest.fixture
def ask(indexed, monkeypatch, capsys):
    monkeypatch.setenv("RAG_DATA_DIR", str(indexed / "data"))

    def ask(question, *options):
        assert cli.main(["ask", question, "--space", "маяк", "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)

    return ask


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Как пробить подарочный сертификат?", ("справка/касса.md", 1, 5, "manual")),
        ("Кому кладовщик сдаёт пломбы?", ("порядок.txt", 1, 4, "regulation")),
    ],
)
def test_a_question_is_answered_by_a_document_with_its_exact_lines(ask, question, expected):
    path, start, end, sort = expected
    answer = ask(question)
    assert not answer["refused"]
    first = answer["sources"][0]
    assert first["path"] == f"документы/{path}"
    assert (first["line_start"], first["line_end"]) == (start, end)
    assert first["doc_type"] == sort
    written = FILES[path].split("\n")
    assert first["text"] == "\n".join(written[start - 1 : end])
    assert f"документы/{path}:" in answer["answer"]


def test_the_filter_knows_the_sorts(ask):
    assert {one["doc_type"] for one in ask("открыть смену", "--doc-type", "manual")["sources"]} == {"manual"}
    assert ask("пломбы", "--doc-type", "manual")["refused"]
    assert {one["doc_type"] for one in ask("цена", "--doc-type", "method")["sources"]} == {"method"}


def test_two_folders_of_one_name_are_refused(indexed, capsys, tmp_path):
    (tmp_path / "документы").mkdir()
    docs = ["--docs", str(indexed / "документы"), "--docs", str(tmp_path / "документы")]
    assert cli.main(["index", str(bundled()), "--space", "x", *docs]) == 2
    assert "same name" in capsys.readouterr().err
