"""``rag-demo eval`` over the bundled configuration with a model adapted to it: figures, files, no second indexing."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET

import pytest

from rag_demo import cli
from rag_demo.configurations import bundled
from rag_demo.ingest import read_configuration
from tests.unit.rag_demo.dumps import SmallDump


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("RAG_DATA_DIR", str(tmp_path / "данные"))
    return tmp_path


@pytest.mark.long
def test_known_items_are_found_without_their_comments(data, capsys):
    arguments = [
        "eval",
        "--part",
        "bare",
        "--most",
        "40",
        "--json",
        str(data / "ф.json"),
        "--plot",
        str(data / "ф.svg"),
    ]
    assert cli.main(arguments) == 0
    first = capsys.readouterr()
    assert "Index 'bare'" in first.err
    assert "known-item" in first.out
    figures = json.loads((data / "ф.json").read_text(encoding="utf-8"))
    legs = figures["sets"]["known-item"]["test"]["legs"]
    assert set(legs) >= {"fused", "lexical", "BM25", "RRF-BM25"}  # the vectors only where they help
    assert legs["fused"]["hit@10"]["mean"] >= 0.8
    assert legs["fused"]["hit@1"]["mean"] > legs["BM25"]["hit@1"]["mean"]
    assert ET.parse(data / "ф.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own
    assert cli.main(arguments) == 0
    again = capsys.readouterr()
    assert "Index 'bare'" not in again.err


def test_own_questions_over_a_small_dump(data, capsys):
    SmallDump(data / "лавка")
    entries = [
        {"question": "Посчитать1_2", "gold": "ОбщийМодуль.Модуль1.Посчитать1_2"},
        {"question": "Посчитать", "gold": ["CommonModule.Модуль9.Нет"]},
    ]
    (data / "вопросы.yaml").write_text(json.dumps({"questions": entries}), encoding="utf-8")
    asked = ["--questions", str(data / "вопросы.yaml"), "--split", "both", "--json", str(data / "ф.json")]
    assert cli.main(["eval", str(data / "лавка"), "--part", "full", *asked]) == 0
    told = capsys.readouterr()
    assert "CommonModule.Модуль9.Нет" in told.err
    assert "Посчитать1_2" not in told.err
    assert "own: 2 questions" in told.out
    figures = json.loads((data / "ф.json").read_text(encoding="utf-8"))
    assert figures["sets"]["own"]["both"]["legs"]["fused"]["hit@1"]["mean"] == 0.5
    assert figures["machine"]["cores"] == os.cpu_count()


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_where_nothing_can_be_written_nothing_is_measured(data, capsys, option):
    for place in (data, data / "нет" / "файл"):
        assert cli.main(["eval", option, str(place)]) == 2
        told = capsys.readouterr().err
        assert "cannot be written" in told
        assert "Index" not in told


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_list_of_paths_that_cannot_be_read(data, capsys, content):
    file = data / "пути.txt"
    if content is not None:
        file.write_bytes(content)
    assert cli.main(["eval", "--only", str(file)]) == 2
    assert "one a line" in capsys.readouterr().err


def test_questions_that_nobody_would_ask(data, capsys):
    assert cli.main(["eval", "--part", "bare", "--questions", str(data / "вопросы.yaml")]) == 2
    assert "--part full" in capsys.readouterr().err


def test_no_questions_are_no_measurement(capsys):
    with pytest.raises(SystemExit):
        cli.main(["eval", "--most", "0"])
    assert "1 and more" in capsys.readouterr().err


def test_a_wrong_file_of_questions_is_told_of(data, capsys):
    (data / "вопросы.yaml").write_text("нет", encoding="utf-8")
    assert cli.main(["eval", "--part", "full", "--questions", str(data / "вопросы.yaml")]) == 2
    assert "Expected" in capsys.readouterr().err


def test_the_rest_of_a_whole_dump_is_nothing_to_start_from(data, capsys):
    assert cli.main(["eval", "--part", "full", "--base-from-rest"]) == 2
    assert "--only" in capsys.readouterr().err


@pytest.mark.long
def test_a_part_of_a_dump_is_asked_with_a_model_that_knows_the_rest(data, capsys):
    paths = sorted({document.path for document in read_configuration(bundled(), space_id="demo").documents})
    (data / "пути.txt").write_text("\n".join(paths[::2]), encoding="utf-8")
    arguments = ["eval", "--part", "bare", "--only", str(data / "пути.txt"), "--base-from-rest"]
    assert cli.main([*arguments, "--json", str(data / "ф.json")]) == 0
    assert "Model to start from" in capsys.readouterr().err
    figures = json.loads((data / "ф.json").read_text(encoding="utf-8"))
    assert figures["base"] == "rest of the dump"
    assert figures["sets"]["known-item"]["test"]["legs"]["fused"]["hit@10"]["mean"] >= 0.8
    (record,) = (data / "данные").rglob("bare-*/**/adaptation.json")
    assert json.loads(record.read_text(encoding="utf-8"))["base"] is True
    assert cli.main(arguments) == 0
    assert "Model to start from" not in capsys.readouterr().err
