"""Everything that an index says, as plain values: two indexes are equal if these are."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qdrant

from rag_demo.index.analyse import terms
from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.dense import EdgeIndex
from rag_demo.index.fact_store import FactReader
from rag_demo.index.ports import version_of
from rag_demo.index.store import SpaceStore
from rag_demo.parts_wiring import read_lexical
from rag_demo.retrieve.sketch_files import read_table

QUESTIONS = ("Посчитать0_1", "считает имя", "список справочник", "найти", "модуль адрес", "новое слово")


def state_of(data: Path, space: str) -> dict[str, Any]:
    """Documents, facts, states of files, vectors and results of the word search of the revision in use."""
    manifest, folder = SpaceStore(data).require(space)
    with contextlib.closing(CatalogueReader.open(folder / "catalogue.sqlite", revision=manifest.revision)) as catalogue:
        documents = {version_of(document): document for document in catalogue.with_versions(catalogue.versions())}
        files = {path: dataclasses.replace(state, mtime_ns=0) for path, state in catalogue.states().items()}
        problems = catalogue.problems()
    with contextlib.closing(FactReader.open(folder / "facts.sqlite", revision=manifest.revision)) as facts:
        rows = facts._connection.execute(
            "SELECT f.path, t.sort, t.content, t.line_start, t.line_end FROM facts t JOIN files f ON f.id = t.file "
            "WHERE f.gen_from <= ? AND f.gen_to > ?",
            (manifest.revision, manifest.revision),
        ).fetchall()
    return {
        "documents": documents,
        "files": files,
        "problems": problems,
        "facts": sorted(map(repr, rows)),
        "vectors": vectors_of(folder / "dense", manifest.revision),
        "words": words_of(folder / "lexical", manifest.revision),
        "sketches": sketches_of(folder, manifest.revision, [document.doc_id for document in documents.values()]),
        "counts": manifest.counts,
    }


def vectors_of(folder: Path, revision: int) -> dict[str, tuple[float, ...]]:
    """The vectors of a revision by version."""
    with (
        contextlib.closing(EdgeIndex.open(folder, ef_search=64)) as index,
        contextlib.closing(index.at(revision)) as reader,
    ):
        request = qdrant.ScrollRequest(
            None, 100_000, reader._filter(_everywhere()), with_payload=True, with_vector=True
        )
        records, _ = reader._open_shard.scroll(request)
    return {
        str(record.id).replace("-", ""): tuple(np.round(record.vector["passage"], 6).tolist()) for record in records
    }


def sketches_of(folder: Path, revision: int, ids: list[str]) -> dict[str, Any]:
    """What ordering needs of each document, words written out: their numbers depend on what was there before."""
    table = read_table(folder, revision=revision)
    assert table is not None
    words = table.vocabulary.words
    return {
        doc_id: one._replace(row=one.row.tolist(), words=[words[number] for number in one.words])
        for doc_id, one in table.sketches(ids)
    }


def words_of(folder: Path, revision: int) -> dict[str, list[str]]:
    """Ids of all documents that each question finds. Scores are not compared: they know of rows that are gone."""
    with contextlib.closing(read_lexical(folder, revision)) as reader:
        return {
            question: sorted(hit.key.doc_id for hit in reader.search(terms(question), 10_000)) for question in QUESTIONS
        }


def _everywhere():
    from rag_demo.index.ports import EVERYWHERE

    return EVERYWHERE
