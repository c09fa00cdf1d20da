"""The experiments run from end to end with tiny sizes, in this process: each writes its result and its charts."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def benchmarks(monkeypatch):
    """The folder as a script in it sees it; nothing of it is left behind."""
    before = set(sys.modules)
    monkeypatch.setenv("EMBEDDING_CACHE_ENABLED", "0")  # what `common` sets goes with the test
    monkeypatch.syspath_prepend(BENCHMARKS / "experiments")
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHMARKS)):
            del sys.modules[name]


def run(benchmarks, monkeypatch, name, path, **sizes):
    options = [f"--{option.replace('_', '-')}={number}" for option, number in sizes.items()]
    monkeypatch.setattr(sys, "argv", [name, *options, "--json", str(path)])
    benchmarks(name).main()
    return json.loads(path.read_text(encoding="utf-8"))


def texts_of(chart: Path) -> list[str]:
    return [element.text for element in ET.fromstring(chart.read_bytes()).iter() if element.text]  # noqa: S314


def test_batch_sizes(benchmarks, monkeypatch, tmp_path):
    found = run(benchmarks, monkeypatch, "batch_sizes", tmp_path / "b.json", texts=8, peer_texts=8)
    assert list(found["sizes"]) == ["8", "16", "32", "64", "128"]
    for sides in found["sizes"].values():
        for side in ("hybrid-embeddings", "sentence-transformers"):
            assert sides[side]["texts_per_s"] > 0
            assert 0 < sides[side]["p50_ms"] <= sides[side]["p95_ms"] <= sides[side]["p99_ms"]
    assert "sentence-transformers" in texts_of(tmp_path / "b_p95_ms.svg")
    assert "texts per second" in texts_of(tmp_path / "b_texts_per_s.svg")


def test_gpu_scaling_says_what_is_simulated(benchmarks, monkeypatch, tmp_path):
    found = run(benchmarks, monkeypatch, "gpu_scaling", tmp_path / "g.json", texts=60, rounds=1)
    assert found["simulated"].keys() == {"1", "2", "4"}
    assert found["simulated"]["1"]["scaling"] == 1
    assert {"simulated", "reference"} <= set(texts_of(tmp_path / "g.svg"))


def test_the_cache_fills_up_to_what_is_known(benchmarks, monkeypatch, tmp_path):
    experiment = benchmarks("cache_efficiency")
    points = experiment.growth([f"text {number}" for number in range(4)], 40)
    assert len(points) == 20
    assert points[-1] == (40, 1.0)
    assert sum(rate for _, rate in points) / 20 == pytest.approx(0.9)  # 4 of 40 had to be computed
    experiment.plot(points, tmp_path / "c.json")
    assert "memory, cold" in texts_of(tmp_path / "c.svg")


def test_near_duplicates_are_told_by_what_was_changed(benchmarks):
    experiment = benchmarks("cache_efficiency")
    found = experiment.near_duplicates([f"склад номер {number} слово" for number in range(100)])
    assert found["asked"] == 50
    assert found["by_change"].keys() == experiment.CHANGES.keys()
    assert found["by_change"]["spaces"] > 0.5  # all but for the sample that is computed all the same


def test_event_cost(benchmarks, monkeypatch, tmp_path):
    monkeypatch.setattr(benchmarks("event_cost"), "_REPEATED", 10)
    found = run(benchmarks, monkeypatch, "event_cost", tmp_path / "e.json", texts=4, rounds=1)
    assert found["nobody"].keys() == {"idle_us", "emit_us"}
    assert found["each_us"].keys() == {"prometheus", "objectives", "logs"}
    assert found["bulk"]["events"] >= 2


def test_a_chart_places_points_by_its_marks(benchmarks, tmp_path):
    charts = benchmarks("charts")
    axes = charts.Axes("Заголовок & <больше>", "x", "y", (1, 2, 4), doubling=True)
    charts.line_chart(tmp_path / "диаграмма.svg", axes, {"одна": [(1, 0.0), (2, 4.0), (4, 8.0)]})
    root = ET.fromstring((tmp_path / "диаграмма.svg").read_bytes())  # noqa: S314
    [line] = [element for element in root.iter() if element.tag.endswith("polyline")]
    (x0, y0), (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in line.get("points").split())
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert "Заголовок & <больше>" in texts_of(tmp_path / "диаграмма.svg")
