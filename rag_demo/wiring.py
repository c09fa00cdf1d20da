"""Where concrete classes are chosen and put together. Nothing else names them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rag_demo.chat.answer import Assistant
from rag_demo.classify import Classifier, assign
from rag_demo.classify.nli import NliZeroShot
from rag_demo.errors import IndexBroken, IndexBusy, IndexMissing, InputError
from rag_demo.index.build import Parts, Progress, content_digest, counts, fill
from rag_demo.index.catalogue import Catalogue
from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.dense import EdgeIndex, Hnsw
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.ports import DenseReader, LexicalReader
from rag_demo.index.room import check_room, for_index, for_vectors
from rag_demo.index.store import Manifest, SpaceStore, check_space_name
from rag_demo.ingest import Ingested, read_configuration
from rag_demo.ingest.notes import read_documents
from rag_demo.ports import Embedder
from rag_demo.retrieve.search import OpenSpace, Retriever
from rag_demo.settings import Settings

_log = logging.getLogger(__name__)


def build_embedder() -> Embedder:
    """The embedding service with the settings of its own (``EMBEDDING_MODEL`` and others)."""
    from hybrid_embeddings import EmbeddingService

    return EmbeddingService()


def read(folder: Path, *, space_id: str, progress: Progress) -> Ingested:
    """The documents of a configuration dump.

    Raises:
        NotADump: ``folder`` holds no dump that we read.
        InputError: the space cannot be called so, or too little of the dump can be read to be worth an index.
    """
    check_space_name(space_id)
    if sys.getfilesystemencoding() != "utf-8":
        # Python follows the locale here; a dump is full of names that such a locale cannot spell.
        raise InputError(f"File names are read as {sys.getfilesystemencoding()} here. Set PYTHONUTF8=1 and try again.")
    ingested = read_configuration(
        folder, space_id=space_id, on_progress=lambda done, all_: progress("files", done, all_)
    )
    if not ingested.documents:
        raise InputError(f"There is nothing to index in {folder}: no object and no module could be read.")
    number = len({document.path for document in ingested.documents})
    if len(skipped := ingested.skipped) > number:
        # A good index must not give way to the remains of a dump.
        raise InputError(
            f"Of {folder} only {number} files could be read and {len(skipped)} not, so it was not indexed. "
            f"The first: {skipped[0].path}: {skipped[0].message}."
        )
    return ingested


def read_beside(ingested: Ingested, folders: Sequence[Path], *, space_id: str, progress: Progress) -> Ingested:
    """The configuration with the documents of ``folders`` added to it.

    Raises:
        InputError: one of them is no folder, or two have the same name, so that citations could not tell them apart.
    """
    names = [folder.resolve().name for folder in folders]
    if len(set(names)) < len(names):
        raise InputError(f"Two folders of documents have the same name: {', '.join(sorted(names))}. Rename one.")
    documents, problems = list(ingested.documents), list(ingested.problems)
    for folder in folders:
        beside = read_documents(folder, space_id=space_id, on_progress=lambda done, all_: progress("docs", done, all_))
        documents += beside.documents
        problems += beside.problems
    return dataclasses.replace(ingested, documents=documents, problems=problems)


def classify(ingested: Ingested, *, embedder: Embedder, settings: Settings) -> Ingested:
    """Find out what sorts of documents lie beside the dump.

    Raises:
        InputError: the model of ``RAG_NLI_MODEL`` cannot be used.
    """
    model = settings.nli_model
    zero_shot = NliZeroShot(model, timeout_s=settings.nli_timeout_s) if model else None
    classifier = Classifier(embedder=embedder, zero_shot=zero_shot)
    return dataclasses.replace(ingested, documents=assign(ingested.documents, classifier))


def index(ingested: Ingested, *, source: Path, embedder: Embedder, settings: Settings, progress: Progress) -> Manifest:
    """Build a new generation of the space and switch to it; until then, and after a failure, the old one is used.

    Raises:
        IndexBusy: another process builds this space.
        NoRoom: the disk is too full.
    """
    documents = ingested.documents
    space_id = documents[0].space_id
    store = SpaceStore(settings.data_path)
    with store.building(space_id) as folder:
        check_room(folder, for_index(documents, dimension=embedder.dimension))
        parts = _create(folder, dimension=embedder.dimension, settings=settings)

        def check(left: int) -> None:
            check_room(folder, for_vectors(left, dimension=embedder.dimension))

        try:
            fill(parts, documents, embedder=embedder, progress=progress, before_vectors=check)
        finally:
            parts.close()
        manifest = Manifest(
            space_id=space_id,
            generation=folder.name,
            source=str(source.resolve()),
            source_format=ingested.format,
            configuration_name=ingested.configuration_name,
            configuration_version=ingested.configuration_version,
            model_name=embedder.model_name,
            model_fingerprint=embedder.fingerprint,
            dimension=embedder.dimension,
            content_digest=content_digest(documents),
            created=dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            counts=counts(documents),
            problems=len(ingested.problems),
        )
        store.publish(manifest)
    return manifest


def is_current(ingested: Ingested, *, space_id: str, embedder: Embedder, settings: Settings) -> bool:
    """Whether the space already holds exactly these documents, made with this model."""
    try:
        manifest, _ = SpaceStore(settings.data_path).require(space_id)
    except (IndexMissing, IndexBroken):
        return False
    same_model = manifest.model_fingerprint == embedder.fingerprint
    return same_model and manifest.content_digest == content_digest(ingested.documents)


def choose_spaces(asked: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """The spaces to search: those asked for, else those of ``RAG_SPACE``, else the only one there is.

    Raises:
        IndexMissing: nothing has been indexed, or not one of these.
        InputError: there are several and none was chosen; answers from all of them would mix configurations.
    """
    store = SpaceStore(settings.data_path)
    chosen = asked or [name.strip() for name in settings.space.split(",") if name.strip()]
    known = [manifest.space_id for manifest in store.manifests()]
    if not chosen and len(known) > 1:
        raise InputError(f"Several spaces are indexed: {', '.join(known)}. Choose with --space (may be repeated).")
    chosen = tuple(dict.fromkeys(chosen or known or ["default"]))
    for name in chosen:
        store.require(name)
    return chosen


@contextlib.contextmanager
def open_assistant(spaces: Sequence[str], *, embedder: Embedder, settings: Settings) -> Iterator[Assistant]:
    """An assistant over the given spaces; closed on the way out.

    Raises:
        IndexMissing, IndexBroken: as `SpaceStore.require`.
    """
    retriever = Retriever(
        [_open_space(name, embedder=embedder, settings=settings) for name in spaces],
        encode_query=embedder.encode_query,
        weights={
            "lexical": settings.lexical_weight,
            "exact": settings.exact_weight,
            "dense": settings.dense_weight,
        },
        candidates=settings.candidates,
    )
    with contextlib.closing(Assistant(retriever)) as assistant:
        yield assistant


def _create(folder: Path, *, dimension: int, settings: Settings) -> Parts:
    hnsw = Hnsw(settings.hnsw_m, settings.hnsw_ef_construct, settings.hnsw_ef_search)
    return Parts(
        dense=EdgeIndex.create(folder / "dense", dimension=dimension, hnsw=hnsw),
        lexical=WhooshIndex.create(folder / "lexical"),
        catalogue=Catalogue.create(folder / "catalogue.sqlite"),
    )


def _open_space(space_id: str, *, embedder: Embedder, settings: Settings) -> OpenSpace:
    store = SpaceStore(settings.data_path)
    manifest, folder = store.require(space_id)
    try:
        return _open_generation(manifest, folder, embedder=embedder, settings=settings)
    except IndexBroken:
        newer, folder = store.require(space_id)
        if newer.generation == manifest.generation:
            raise
        # It was indexed anew, and the old files removed, between our two looks.
        return _open_generation(newer, folder, embedder=embedder, settings=settings)


def _open_generation(manifest: Manifest, folder: Path, *, embedder: Embedder, settings: Settings) -> OpenSpace:
    return OpenSpace(
        space_id=manifest.space_id,
        lexical=_read_lexical(folder / "lexical", manifest.revision),
        catalogue=CatalogueReader.open(folder / "catalogue.sqlite", revision=manifest.revision),
        dense=_open_dense(manifest, folder / "dense", embedder=embedder, settings=settings),
    )


def _read_lexical(folder: Path, revision: int) -> LexicalReader:
    with contextlib.closing(WhooshIndex.open(folder)) as lexical:
        return lexical.at(revision)


def _open_dense(manifest: Manifest, folder: Path, *, embedder: Embedder, settings: Settings) -> DenseReader | None:
    """The vectors, or None with a warning where they cannot serve: words and names still answer."""
    if manifest.model_fingerprint != embedder.fingerprint:
        _log.warning(
            "Space %r was indexed with another model or version of it (%s; now %s): searching without vectors. "
            "Run `rag-demo index` again.",
            manifest.space_id,
            manifest.model_name,
            embedder.model_name,
        )
        return None
    try:
        with contextlib.closing(EdgeIndex.open(folder, ef_search=settings.hnsw_ef_search)) as dense:
            return dense.at(manifest.revision)
    except (IndexBusy, IndexBroken, OSError) as error:
        if SpaceStore(settings.data_path).require(manifest.space_id)[0].generation != manifest.generation:
            raise  # not damaged, but replaced while we looked
        _log.warning("Searching without vectors. %s", error)
        return None
