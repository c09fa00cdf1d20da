"""The parts of a generation as concrete classes: made, opened to write, opened to read."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from rag_demo.dense_wiring import create_dense
from rag_demo.errors import IndexBroken
from rag_demo.index.build import Parts
from rag_demo.index.catalogue import Catalogue
from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.fact_store import FactStore
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.lexical_tantivy import TantivyIndex
from rag_demo.index.ports import DenseIndex, LexicalIndex, LexicalReader
from rag_demo.index.states import FileState
from rag_demo.index.store import Manifest
from rag_demo.ports import Embedder
from rag_demo.retrieve.sketch_files import read_table, write_table, write_vectors
from rag_demo.retrieve.sketch_table import SketchTable
from rag_demo.settings import Settings

# A search of 2,000 documents takes Whoosh 9 ms, of 8,000 89 ms; tantivy 0.4 and 0.6 (benchmarks/word_engines.py).
MOST_FOR_WHOOSH = 2_000


def create_parts(folder: Path, *, documents: int, dimension: int, settings: Settings) -> Parts:
    """Empty parts for a new generation.

    Raises:
        VectorsAway: the server of the vectors does not answer.
    """
    return Parts(
        dense=create_dense(folder, dimension=dimension, settings=settings),
        lexical=_chosen_word_engine(documents, settings).create(folder / "lexical"),
        catalogue=Catalogue.create(folder / "catalogue.sqlite"),
        facts=FactStore.create(folder / "facts.sqlite"),
    )


def open_parts(folder: Path, *, dense: DenseIndex, renew: bool = False) -> Parts:
    """The parts of a generation, to write, but for the vectors, which only one may open.

    Args:
        folder: of the generation.
        dense: its vectors.
        renew: put an empty index of words in place of one that cannot be used.

    Raises:
        IndexBroken, IndexBusy: one of them cannot be opened.
    """
    with contextlib.ExitStack() as opening:
        catalogue = Catalogue.open(folder / "catalogue.sqlite")
        opening.callback(catalogue.close)
        facts = FactStore.open(folder / "facts.sqlite")
        opening.callback(facts.close)
        lexical = _open_lexical(folder / "lexical", renew=renew)
        opening.pop_all()
    return Parts(dense=dense, lexical=lexical, catalogue=catalogue, facts=facts)


def open_catalogue(manifest: Manifest, folder: Path) -> CatalogueReader:
    """The documents of a generation as its manifest shows them; raises IndexBroken."""
    return CatalogueReader.open(folder / "catalogue.sqlite", revision=manifest.revision)


def make_sketches(folder: Path, *, revision: int, embedder: Callable[[], Embedder] | None) -> None:
    """Sketches of all documents of a generation.

    Args:
        folder: of the generation.
        revision: of what is sealed.
        embedder: gives the model where that is a static one, which encodes all words in seconds.
    """
    with contextlib.closing(CatalogueReader.open(folder / "catalogue.sqlite", revision=revision)) as catalogue:
        table = SketchTable.of_outlines(catalogue.outlines())
    if embedder is not None:
        write_vectors(folder, table, embedder().encode_documents)
    write_table(folder, table, revision=revision)


def advance_sketches(
    folder: Path, paths: Sequence[str], *, revision: int, embedder: Callable[[], Embedder] | None
) -> None:
    """Sketches of a new revision, which differs from the one before by the files ``paths``; else as `make_sketches`."""
    before = read_table(folder, revision=revision - 1)
    if before is None:
        make_sketches(folder, revision=revision, embedder=embedder)
        return
    file = folder / "catalogue.sqlite"
    with contextlib.closing(CatalogueReader.open(file, revision=revision - 1)) as catalogue:
        gone = catalogue.versions(paths).values()
    with contextlib.closing(CatalogueReader.open(file, revision=revision)) as catalogue:
        table = before.advanced(gone, catalogue.outlines(paths))
    write_table(folder, table, revision=revision)


def touch(folder: Path, states: Sequence[FileState]) -> None:
    """Note new times of files that say the same as before."""
    if states:
        with contextlib.closing(Catalogue.open(folder / "catalogue.sqlite")) as catalogue:
            catalogue.touch(states)
            catalogue.seal()


def read_lexical(folder: Path, revision: int) -> LexicalReader:
    """The words of a generation at a revision; raises IndexBroken."""
    with contextlib.closing(_word_engine(folder).open(folder)) as lexical:
        return lexical.at(revision)


def _open_lexical(folder: Path, *, renew: bool) -> LexicalIndex:
    engine = _word_engine(folder)
    try:
        return engine.open(folder)
    except IndexBroken:
        if not renew:
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return engine.create(folder)


def _word_engine(folder: Path) -> type[WhooshIndex | TantivyIndex]:
    """The engine that made the index in ``folder``."""
    return TantivyIndex if (folder / "meta.json").is_file() else WhooshIndex


def _chosen_word_engine(documents: int, settings: Settings) -> type[WhooshIndex | TantivyIndex]:
    """The engine of a new index, as ``LEXICAL_BACKEND`` says."""
    large = settings.lexical_backend == "auto" and documents > MOST_FOR_WHOOSH
    return TantivyIndex if large or settings.lexical_backend == "tantivy" else WhooshIndex
