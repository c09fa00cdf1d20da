from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import rag_demo
from rag_demo.errors import IndexBroken, IndexBusy, IndexMissing, InputError
from rag_demo.index.store import FORMAT, Manifest, SpaceStore

DIE_WHILE_BUILDING = """
import os, sys
from pathlib import Path
from rag_demo.index.store import SpaceStore
with SpaceStore(Path(sys.argv[1])).building("торговля") as folder:
    (folder / "half").write_text("half")
    print("building", flush=True)
    sys.stdin.readline()
    os._exit(9)
"""


def manifest(folder, space_id="торговля", **changes):
    values = {
        "space_id": space_id,
        "generation": folder.name,
        "source": "/dump",
        "source_format": "designer 2.20",
        "configuration_name": "Торговля",
        "configuration_version": "1.0",
        "model_name": "m",
        "model_fingerprint": "f",
        "dimension": 8,
        "created": "2026-01-01T00:00:00+00:00",
        "counts": {"method": 1},
    }
    return Manifest(**values | changes)


def build(store, mark, space_id="торговля"):
    with store.building(space_id) as folder:
        (folder / "mark").write_text(mark, encoding="utf-8")
        store.publish(manifest(folder, space_id))
    return folder


@pytest.fixture
def store(tmp_path):
    return SpaceStore(tmp_path / "данные")


def test_a_published_generation_can_be_found(store):
    folder = build(store, "раз")
    found, where = store.require("торговля")
    assert (found.configuration_name, found.counts) == ("Торговля", {"method": 1})
    assert where == folder
    assert (where / "mark").read_text(encoding="utf-8") == "раз"


def test_a_new_generation_replaces_the_old_one_and_its_files(store):
    old = build(store, "раз")
    new = build(store, "два")
    assert store.require("торговля")[1] == new
    assert not old.exists()


def test_a_failed_build_leaves_the_old_one_and_no_traces(store):
    old = build(store, "раз")

    def fail():
        with store.building("торговля") as folder:
            (folder / "half").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert store.require("торговля")[1] == old
    assert [entry for entry in old.parent.iterdir() if entry.is_dir()] == [old]


def test_a_killed_build_leaves_the_old_one_and_the_next_build_cleans_up(store, tmp_path):
    old = build(store, "раз")
    command = [sys.executable, "-c", DIE_WHILE_BUILDING, str(tmp_path / "данные")]
    # The test runs in an empty folder, from which the package may not be importable.
    environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "building\n"
        with pytest.raises(IndexBusy, match="Another process is indexing space 'торговля'"), store.building("торговля"):
            pytest.fail("two processes build one space")
        assert store.require("торговля")[1] == old
        with store.building("другое"):
            pass
        other.communicate("\n")
    assert other.returncode == 9
    assert store.require("торговля")[1] == old
    new = build(store, "два")
    assert [entry for entry in new.parent.iterdir() if entry.is_dir()] == [new]


def test_unknown_space_lists_the_known_ones(store):
    build(store, "а", "торговля")
    build(store, "б", "склад")
    with pytest.raises(IndexMissing, match=r"no space 'учёт'. Known spaces: склад, торговля"):
        store.require("учёт")


def test_nothing_indexed_says_what_to_do(store):
    with pytest.raises(IndexMissing, match=r"Nothing has been indexed.*rag-demo index"):
        store.require("торговля")
    assert store.manifests() == []


def test_asking_writes_nothing(store, tmp_path):
    with pytest.raises(IndexMissing):
        store.require("торговля")
    assert list(tmp_path.iterdir()) == []


def test_names_that_differ_in_case_are_two_spaces(store):
    first, second = build(store, "а", "Demo"), build(store, "б", "demo")
    assert first.parent.name.lower() != second.parent.name.lower()
    assert [found.space_id for found in store.manifests()] == ["Demo", "demo"]


@pytest.mark.parametrize("name", ["", " ", "../чужое", "a/b", "a\\b", "x" * 65, ".hidden", "a\nb", "a\0b", "конец "])
def test_names_that_are_no_names(store, name):
    with pytest.raises(InputError, match="cannot be the name of a space"), store.building(name):
        pytest.fail("built")


@pytest.mark.parametrize("name", ["a", "ut-11.5", "ssl_3.1", "Управление торговлей 11", "x" * 64])
def test_names(store, name):
    assert build(store, "x", name).exists()
    assert store.require(name)[0].space_id == name


def test_another_format_asks_to_index_again(store):
    folder = build(store, "раз")
    file = folder.parent / "current.json"
    values = json.loads(file.read_text(encoding="utf-8")) | {"format": FORMAT + 1, "colour": "new field"}
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(IndexBroken, match=f"format {FORMAT + 1}.*rag-demo index"):
        store.require("торговля")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"space_id": 1}'])
def test_a_damaged_manifest_is_broken(store, text):
    (build(store, "раз").parent / "current.json").write_text(text, encoding="utf-8")
    with pytest.raises(IndexBroken, match="cannot be read"):
        store.require("торговля")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"space_id": 1}', "[" * 100_000])
def test_a_damaged_manifest_costs_one_space_and_is_replaced(store, text, caplog):
    other = build(store, "а", "склад")
    file = build(store, "раз").parent / "current.json"
    file.write_text(text, encoding="utf-8")
    assert [found.space_id for found in store.manifests()] == ["склад"]
    assert str(file) in caplog.text
    assert store.require("склад")[1] == other
    new = build(store, "два")
    assert store.require("торговля")[1] == new
    assert [entry for entry in new.parent.iterdir() if entry.is_dir()] == [new]


def test_a_failed_build_over_a_damaged_manifest_leaves_no_traces(store):
    old = build(store, "раз")
    (old.parent / "current.json").write_text("{", encoding="utf-8")
    with pytest.raises(ZeroDivisionError), store.building("торговля"):
        raise ZeroDivisionError
    assert [entry for entry in old.parent.iterdir() if entry.is_dir()] == [old]


@pytest.mark.parametrize("change", [{"space_id": 1}, {"generation": None}, {"dimension": "8"}, {"counts": []}])
def test_a_manifest_with_values_of_wrong_types_is_broken(store, change):
    file = build(store, "раз").parent / "current.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(IndexBroken, match=next(iter(change))):
        store.require("торговля")


def test_a_name_that_is_no_text_is_refused(store):
    with pytest.raises(InputError, match="cannot be the name of a space"):
        store.require("\udcff")
