"""What every `DenseIndex` must do. A new implementation inherits the class and gives it two fixtures."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rag_demo
from rag_demo.errors import IndexBroken, IndexBusy
from rag_demo.index.dense import EdgeIndex, Hnsw
from rag_demo.index.ports import DenseIndex, DenseReader, DocKey, Where
from rag_demo.testing import make_document
from tests.contract.versioned import VersionedContract

DIMENSION = 8
OPEN_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from rag_demo.errors import IndexBusy
from rag_demo.index.dense import EdgeIndex
try:
    EdgeIndex.open(Path(sys.argv[1]), ef_search=16)
except IndexBusy as error:
    print(error)
"""


def axis(number: int) -> np.ndarray:
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[number] = 1.0
    return vector


METHOD = make_document("CommonModule.Цены.ПолучитьЦену", space_id="торговля")
OBJECT = make_document("Catalog.Валюты", space_id="торговля", doc_type="metadata_object")
ELSEWHERE = make_document("CommonModule.Склад.Остаток", space_id="склад")


class DenseIndexContract(VersionedContract):
    def put(self, index, documents, revision):
        index.add(documents, np.stack([axis(0)] * len(documents)), revision=revision)

    def shown(self, reader):
        return [hit.key.doc_id for hit in reader.search(axis(0), 100)]

    @pytest.fixture
    def index(self) -> DenseIndex:
        """A new, empty index for vectors of `DIMENSION`."""
        raise NotImplementedError

    @pytest.fixture
    def filled(self, index: DenseIndex) -> DenseIndex:
        index.add([METHOD, OBJECT, ELSEWHERE], np.stack([axis(0), axis(1), axis(2)]))
        index.seal()
        return index

    @pytest.fixture
    def reader(self, filled: DenseIndex) -> DenseReader:
        reader = filled.at(1)
        yield reader
        reader.close()

    def test_finds_the_nearest_first_with_cosine_as_score(self, reader):
        found = reader.search(axis(1) * 5 + axis(0), 3)
        assert [hit.key.doc_id for hit in found] == ["Catalog.Валюты", METHOD.doc_id, ELSEWHERE.doc_id]
        assert found[0].score == pytest.approx(5 / np.sqrt(26), abs=1e-3)

    def test_keys_carry_the_space(self, reader):
        assert reader.search(axis(2), 1)[0].key == DocKey("склад", ELSEWHERE.doc_id)

    def test_limit_bounds_the_result(self, reader):
        assert len(reader.search(axis(0), 2)) == 2
        assert len(reader.search(axis(0), 100)) == 3

    @pytest.mark.parametrize(
        ("where", "expected"),
        [
            (Where(), {METHOD.doc_id, OBJECT.doc_id, ELSEWHERE.doc_id}),
            (Where(space_ids=("торговля",)), {METHOD.doc_id, OBJECT.doc_id}),
            (Where(space_ids=("торговля", "склад")), {METHOD.doc_id, OBJECT.doc_id, ELSEWHERE.doc_id}),
            (Where(doc_types=("method",)), {METHOD.doc_id, ELSEWHERE.doc_id}),
            (Where(("торговля",), ("metadata_object",)), {OBJECT.doc_id}),
            (Where(doc_types=("method", "metadata_object"), space_ids=("склад",)), {ELSEWHERE.doc_id}),
            (Where(space_ids=("неизвестное",)), set()),
            (Where(kinds=("Catalog",)), {OBJECT.doc_id}),
            (Where(("торговля",), (), ("CommonModule", "Catalog")), {METHOD.doc_id, OBJECT.doc_id}),
            (Where((), ("method",), ("Catalog",)), set()),
        ],
    )
    def test_filters_hold_in_search_and_count(self, reader, where, expected):
        assert {hit.key.doc_id for hit in reader.search(axis(0), 10, where=where)} == expected
        assert reader.count(where) == len(expected)

    def test_filter_is_applied_inside_the_search_not_after_it(self, index):
        near = [make_document(f"CommonModule.Цены.Метод{n}", space_id="торговля") for n in range(30)]
        index.add(near, np.stack([axis(0)] * 30))
        index.add([ELSEWHERE], axis(1)[None])
        index.seal()
        with contextlib.closing(index.at(1)) as reader:
            assert [hit.key.space_id for hit in reader.search(axis(0), 3, where=Where(("склад",)))] == ["склад"]

    def test_adding_a_document_again_replaces_it(self, filled, reader):
        filled.add([METHOD], axis(5)[None])
        filled.seal()
        assert reader.count() == 3
        assert reader.search(axis(5), 1)[0].score == pytest.approx(1.0, abs=1e-5)

    def test_same_id_in_two_spaces_is_two_documents(self, index):
        index.add([make_document(space_id="а"), make_document(space_id="б")], np.stack([axis(0), axis(1)]))
        index.seal()
        with contextlib.closing(index.at(1)) as reader:
            assert reader.count() == 2

    def test_rows_must_match_documents(self, index):
        with pytest.raises(ValueError, match="zip"):
            index.add([METHOD, OBJECT], axis(0)[None])

    def test_an_empty_index_finds_nothing(self, index):
        index.add([], np.empty((0, DIMENSION), dtype=np.float32))
        index.seal()
        with contextlib.closing(index.at(1)) as reader:
            assert reader.search(axis(0), 5) == []
            assert reader.count() == 0

    def test_close_twice(self, filled, reader):
        for _ in range(2):
            filled.close()
        for _ in range(2):
            reader.close()


class TestEdge(DenseIndexContract):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "векторы"

    @pytest.fixture
    def index(self, folder):
        index = EdgeIndex.create(folder, dimension=DIMENSION, hnsw=Hnsw(m=8, ef_construct=32, ef_search=16))
        yield index
        index.close()

    def test_what_was_sealed_is_there_after_opening_again(self, filled, folder):
        filled.close()
        again = EdgeIndex.open(folder, ef_search=16)
        with contextlib.closing(again.at(1)) as reader:
            again.close()
            assert reader.search(axis(1), 1)[0].key == DocKey("торговля", "Catalog.Валюты")

    def test_another_process_gets_a_clear_answer(self, reader, folder):
        command = [sys.executable, "-c", OPEN_IN_ANOTHER_PROCESS, str(folder)]
        # The test runs in an empty folder, from which the package may not be importable.
        environment = os.environ | {"PYTHONPATH": str(Path(rag_demo.__file__).parents[1])}
        done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", env=environment)
        assert "Another process uses the vector index" in done.stdout
        assert reader.count() == 3

    def test_busy_is_told_from_broken(self, filled, folder):
        with pytest.raises(IndexBusy):
            EdgeIndex.open(folder, ef_search=16)

    @pytest.mark.parametrize("make", [False, True])
    def test_a_folder_without_index_is_broken(self, tmp_path, make):
        folder = tmp_path / "нет"
        if make:
            folder.mkdir()
        with pytest.raises(IndexBroken, match="Index again"):
            EdgeIndex.open(folder, ef_search=16)

    def test_settings_of_the_graph_are_passed_on(self, tmp_path):
        for int8 in (False, True):
            folder = tmp_path / f"граф {int8}"
            EdgeIndex.create(folder, dimension=DIMENSION, hnsw=Hnsw(24, 77, 99, int8=int8)).close()
            config = json.loads((folder / "edge_config.json").read_text(encoding="utf-8"))
            assert (config["hnsw_config"]["m"], config["hnsw_config"]["ef_construct"]) == (24, 77)
            quantised = config.get("quantization_config") or {}
            assert quantised.get("scalar", {}).get("type") == ("int8" if int8 else None)

    @pytest.mark.parametrize("int8", [False, True])
    def test_a_graph_finds_what_comparing_with_all_finds(self, tmp_path, int8):
        rows = np.random.default_rng(7).normal(size=(5_200, 512)).astype(np.float32)
        documents = [make_document(f"CommonModule.М{n % 300}.Метод{n}") for n in range(len(rows))]
        index = EdgeIndex.create(tmp_path / "много", dimension=512, hnsw=Hnsw(16, 100, 256, int8=int8))
        index.add(documents, rows)
        index.seal()
        assert any((tmp_path / "много").rglob("quantized.data")) == int8
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        reader = index.at(1)
        recalls = []
        for query in rows[:20] + 0.5 * rows[20:40]:
            exact = {documents[row].doc_id for row in np.argsort(-(unit @ query))[:10]}
            recalls.append(len(exact & {hit.key.doc_id for hit in reader.search(query, 10)}) / 10)
        reader.close()
        index.close()
        assert np.mean(recalls) >= 0.9

    def test_using_it_after_close_says_so(self, filled, reader):
        filled.close()
        assert reader.count() == 3
        reader.close()
        for use in (lambda: reader.search(axis(0), 1), reader.count, filled.versions, lambda: filled.at(1)):
            with pytest.raises(ValueError, match="closed"):
                use()
