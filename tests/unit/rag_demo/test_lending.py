"""What a process holds open, and what it closes when an index is made anew."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rag_demo.lending import OpenModels, OpenVectors


class Held:
    """A model, or vectors, of which one sees whether they were closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def models(monkeypatch, opened):
    monkeypatch.setattr("rag_demo.lending.open_adapted", lambda folder: opened.setdefault(folder.parent, Held()))
    held = OpenModels()
    return held, lambda generation: held.of(SimpleNamespace(model_folder="model"), generation)


def vectors(_monkeypatch, opened):
    held = OpenVectors(lambda generation: opened.setdefault(generation, Held()))
    return held, held.index


@pytest.mark.parametrize("make", [models, vectors])
def test_a_generation_that_a_question_opened_already_stays_open(make, monkeypatch, tmp_path):
    opened = {}
    held, look = make(monkeypatch, opened)
    old, new, other = tmp_path / "торговля" / "1", tmp_path / "торговля" / "2", tmp_path / "склад" / "1"
    for generation in (old, new, other):
        look(generation)
    held.close_below(tmp_path / "торговля", but=new)
    assert [opened[generation].closed for generation in (old, new, other)] == [True, False, False]
    held.close_below(tmp_path / "торговля")
    assert opened[new].closed
    assert not opened[other].closed
