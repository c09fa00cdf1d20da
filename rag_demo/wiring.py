"""Where concrete classes are chosen and put together. Nothing else names them."""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_demo.adapt_wiring import MODEL_FOLDER, ModelChoice, open_adapted
from rag_demo.chat.answer import EXTRACTIVE, Assistant
from rag_demo.chat.answer_cache import AnswerCache
from rag_demo.chat.cache_redis import RedisStore
from rag_demo.chat.cache_sqlite import SqliteStore
from rag_demo.chat.cache_stores import MemoryStore, Store
from rag_demo.chat.generate import Writer
from rag_demo.chat.library import Shelves
from rag_demo.classify import Classifier, assign
from rag_demo.classify.nli import NliZeroShot
from rag_demo.errors import IndexBroken, IndexBusy, InputError
from rag_demo.events import Events
from rag_demo.index.build import Parts, Progress, counts, fill, kinds
from rag_demo.index.catalogue import Catalogue
from rag_demo.index.catalogue_reader import CatalogueReader
from rag_demo.index.dense import EdgeIndex, Hnsw
from rag_demo.index.fact_store import FactReader, FactStore
from rag_demo.index.facts import Facts
from rag_demo.index.lexical import WhooshIndex
from rag_demo.index.lexical_tantivy import TantivyIndex
from rag_demo.index.ports import DenseIndex, DenseReader, LexicalIndex, LexicalReader
from rag_demo.index.recipe import recipe
from rag_demo.index.room import check_room, for_index, for_vectors
from rag_demo.index.states import FileState
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.indexing import now
from rag_demo.ingest import Ingested
from rag_demo.ports import Embedder
from rag_demo.retrieve.rank import Ranker
from rag_demo.retrieve.search import OpenSpace, Retriever
from rag_demo.retrieve.vectors import WordVectors
from rag_demo.settings import Settings
from rag_demo.types import Document

# Generation folder, revision → its vectors.
ReadDense = Callable[[Path, int], DenseReader]
# Manifest and folder of a generation → its model.
ModelOf = Callable[[Manifest, Path], Embedder]
_log = logging.getLogger(__name__)
# A search of 2,000 documents takes Whoosh 9 ms, of 8,000 89 ms; tantivy 0.4 and 0.6 (benchmarks/word_engines.py).
MOST_FOR_WHOOSH = 2_000


def build_embedder(model: str | None = None) -> Embedder:
    """The embedding service with the settings of its own (``EMBEDDING_MODEL`` and others), or with the given model."""
    from hybrid_embeddings import EmbeddingService

    return EmbeddingService(model) if model else EmbeddingService()


def classify(documents: Sequence[Document], *, embedder: Embedder, settings: Settings) -> list[Document]:
    """Find out what sorts of documents lie beside the dump.

    Raises:
        InputError: the model of ``RAG_NLI_MODEL`` cannot be used.
    """
    model = settings.nli_model
    zero_shot = NliZeroShot(model, timeout_s=settings.nli_timeout_s) if model else None
    classifier = Classifier(embedder=embedder, zero_shot=zero_shot)
    return assign(documents, classifier)


def index(
    ingested: Ingested,
    *,
    source: Path,
    embedder: Callable[[], Embedder],
    settings: Settings,
    progress: Progress,
    beside: Sequence[Path] = (),
    states: Mapping[str, FileState] | None = None,
    model: ModelChoice | None = None,
) -> Manifest:
    """Build a new generation of the space and switch to it; until then, and after a failure, the old one is used.

    Args:
        ingested: all that is to be found in the space.
        source: folder of the dump.
        embedder: gives the model of this generation where none is trained.
        settings: where to, and how.
        progress: told after each batch.
        beside: folders of documents.
        states: of the files that were read; with them, `Library.index` can later read only those that changed.
        model: what was asked for; an adapted one is trained here, if there is enough to learn from.

    Raises:
        InputError: the model to start from cannot be used.
        IndexBusy: another process builds this space.
        NoRoom: the disk is too full.
    """
    documents = ingested.documents
    space_id = documents[0].space_id
    store = SpaceStore(settings.data_path)
    model = model or ModelChoice("")
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(store.building(space_id))
        adapted = model.train(documents, folder / MODEL_FOLDER, progress=progress)
        used = opened.enter_context(contextlib.closing(open_adapted(adapted.folder))) if adapted else embedder()
        check_room(folder, for_index(documents, dimension=used.dimension))
        parts = _create_parts(folder, documents=len(documents), dimension=used.dimension, settings=settings)

        def check(left: int) -> None:
            check_room(folder, for_vectors(left, dimension=used.dimension))

        try:
            fill(
                parts,
                documents,
                embedder=used,
                progress=progress,
                before_vectors=check,
                facts=ingested.facts,
                problems=ingested.problems,
                states=states,
            )
        finally:
            parts.close()
        manifest = Manifest(
            space_id=space_id,
            generation=folder.name,
            source=str(source.resolve()),
            source_format=ingested.format,
            configuration_name=ingested.configuration_name,
            configuration_version=ingested.configuration_version,
            model_name=used.model_name,
            model_fingerprint=used.fingerprint,
            dimension=used.dimension,
            created=now(),
            counts=counts(documents),
            kinds=kinds(documents),
            problems=len(ingested.problems),
            recipe=choices_digest(settings),
            documents_folders=[str(folder.resolve()) for folder in beside],
            model_choice=model.name,
            model_folder=MODEL_FOLDER if adapted else "",
            dense_weight=adapted.weight if adapted else -1.0,
        )
        store.publish(manifest)
    return manifest


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
def open_assistant(
    spaces: Sequence[str],
    *,
    embedder: ModelOf,
    settings: Settings,
    read_dense: ReadDense | None = None,
    cache: AnswerCache | None = None,
    writer: Writer | None = None,
    model_name: str = EXTRACTIVE,
    events: Events | None = None,
) -> Iterator[Assistant]:
    """An assistant over the given spaces; closed on the way out.

    Args:
        spaces: their names.
        embedder: gives the model of a generation, for questions.
        settings: where the spaces are, and weights.
        read_dense: gives the vectors of a generation folder at a revision; default: opens them for this call alone.
        cache: of answers; stays open.
        writer: a language model; stays open. None: answers are put together out of the sources.
        model_name: of that model, as keys of the cache have it.
        events: hears how each question went.

    Raises:
        IndexMissing, IndexBroken: as `SpaceStore.require`.
    """
    opened = [_open_space(name, embedder=embedder, settings=settings, read_dense=read_dense) for name in spaces]
    retriever = _retriever(opened, settings)
    assistant = Assistant(
        retriever,
        knowledge=Facts([entry.facts for entry in opened]),
        shelves=Shelves([(entry.space.space_id, entry.space.catalogue) for entry in opened]),
        writer=writer,
        cache=cache,
        encode_query=opened[0].model.encode_query,
        generations={entry.space.space_id: entry.generation for entry in opened},
        model_name=model_name,
        events=events,
    )
    with contextlib.closing(assistant):
        yield assistant


@contextlib.contextmanager
def open_retriever(spaces: Sequence[str], *, embedder: ModelOf, settings: Settings) -> Iterator[Retriever]:
    """The search alone, as `open_assistant` has it; closed on the way out."""
    opened = [_open_space(name, embedder=embedder, settings=settings, read_dense=None) for name in spaces]
    with contextlib.ExitStack() as closing:
        for entry in opened:
            closing.callback(entry.facts.close)
        yield closing.enter_context(contextlib.closing(_retriever(opened, settings)))


def _retriever(opened: Sequence[_Opened], settings: Settings) -> Retriever:
    one_model = len({entry.model.fingerprint for entry in opened}) == 1
    # A model that is not adapted is a transformer as a rule: encoding every word of every candidate takes seconds.
    static = one_model and all(entry.adapted for entry in opened)
    return Retriever(
        [entry.space for entry in opened],
        encode_query=opened[0].model.encode_query,
        weights={
            "lexical": settings.lexical_weight,
            "exact": settings.exact_weight,
            "dense": max(entry.dense_weight for entry in opened),
        },
        candidates=settings.candidates,
        ranker=Ranker.load() if settings.ranker == "learned" else None,
        word_vectors=WordVectors(opened[0].model.encode_documents) if static else None,
    )


def open_answer_cache(settings: Settings) -> AnswerCache | None:
    """The cache of answers as ``RAG_ANSWER_CACHE`` says; None: answers are not kept.

    Raises:
        InputError: it says something else than off, memory, sqlite or an address of Redis.
    """
    where = settings.answer_cache.strip()
    store: Store
    if where == "off":
        return None
    if where == "memory":
        store = MemoryStore()
    elif where == "sqlite":
        store = SqliteStore(settings.data_path / "answers.sqlite")
    elif "://" in where:
        store = RedisStore(where)
    else:
        raise InputError("RAG_ANSWER_CACHE must be off, memory, sqlite or an address redis://…")
    similarity = settings.answer_similarity or None
    return AnswerCache(store, ttl_s=settings.answer_cache_ttl_s, similarity=similarity)


def choices_digest(settings: Settings) -> str:
    """What `Manifest.recipe` must be for an index to be brought up to date; otherwise it is made anew."""
    return recipe(nli_model=settings.nli_model)


def open_catalogue(manifest: Manifest, folder: Path) -> CatalogueReader:
    """The documents of a generation as its manifest shows them; raises IndexBroken."""
    return CatalogueReader.open(folder / "catalogue.sqlite", revision=manifest.revision)


def touch(folder: Path, states: Sequence[FileState]) -> None:
    """Note new times of files that say the same as before."""
    if states:
        with contextlib.closing(Catalogue.open(folder / "catalogue.sqlite")) as catalogue:
            catalogue.touch(states)
            catalogue.seal()


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


def open_dense(folder: Path, *, settings: Settings) -> DenseIndex:
    """The vectors of a generation, to read and to write.

    Raises:
        IndexBroken, IndexBusy: they cannot be opened.
    """
    return EdgeIndex.open(folder / "dense", ef_search=settings.hnsw_ef_search)


def renew_dense(folder: Path, *, dimension: int, settings: Settings) -> DenseIndex:
    """An empty index of vectors in place of one that cannot be used."""
    shutil.rmtree(folder / "dense", ignore_errors=True)
    return EdgeIndex.create(folder / "dense", dimension=dimension, hnsw=_hnsw(settings))


def _open_lexical(folder: Path, *, renew: bool) -> LexicalIndex:
    engine = _word_engine(folder)
    try:
        return engine.open(folder)
    except IndexBroken:
        if not renew:
            raise
        shutil.rmtree(folder, ignore_errors=True)
        return engine.create(folder)


def _create_parts(folder: Path, *, documents: int, dimension: int, settings: Settings) -> Parts:
    return Parts(
        dense=EdgeIndex.create(folder / "dense", dimension=dimension, hnsw=_hnsw(settings)),
        lexical=_chosen_word_engine(documents, settings).create(folder / "lexical"),
        catalogue=Catalogue.create(folder / "catalogue.sqlite"),
        facts=FactStore.create(folder / "facts.sqlite"),
    )


def _hnsw(settings: Settings) -> Hnsw:
    return Hnsw(settings.hnsw_m, settings.hnsw_ef_construct, settings.hnsw_ef_search)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A space with its facts; ``generation`` changes whenever its index does."""

    space: OpenSpace
    facts: FactReader
    generation: str
    model: Embedder
    dense_weight: float
    adapted: bool


def _open_space(space_id: str, *, embedder: ModelOf, settings: Settings, read_dense: ReadDense | None) -> _Opened:
    store = SpaceStore(settings.data_path)
    manifest, folder = store.require(space_id)
    try:
        return _open_generation(manifest, folder, embedder=embedder, settings=settings, read_dense=read_dense)
    except IndexBroken:
        newer, folder = store.require(space_id)
        if newer.generation == manifest.generation:
            raise
        # It was indexed anew, and the old files removed, between our two looks.
        return _open_generation(newer, folder, embedder=embedder, settings=settings, read_dense=read_dense)


def _open_generation(
    manifest: Manifest, folder: Path, *, embedder: ModelOf, settings: Settings, read_dense: ReadDense | None
) -> _Opened:
    model = embedder(manifest, folder)
    space = OpenSpace(
        space_id=manifest.space_id,
        lexical=_read_lexical(folder / "lexical", manifest.revision),
        catalogue=open_catalogue(manifest, folder),
        dense=_read_dense(manifest, folder, embedder=model, settings=settings, read_dense=read_dense),
        encode_query=model.encode_query,
    )
    facts = FactReader.open(folder / "facts.sqlite", revision=manifest.revision)
    weight = settings.dense_weight if manifest.dense_weight < 0 else manifest.dense_weight
    generation = f"{manifest.generation}.{manifest.revision}"
    return _Opened(space, facts, generation, model, weight, adapted=bool(manifest.model_folder))


def _read_lexical(folder: Path, revision: int) -> LexicalReader:
    with contextlib.closing(_word_engine(folder).open(folder)) as lexical:
        return lexical.at(revision)


def _word_engine(folder: Path) -> type[WhooshIndex | TantivyIndex]:
    """The engine that made the index in ``folder``."""
    return TantivyIndex if (folder / "meta.json").is_file() else WhooshIndex


def _chosen_word_engine(documents: int, settings: Settings) -> type[WhooshIndex | TantivyIndex]:
    """The engine of a new index, as ``LEXICAL_BACKEND`` says."""
    large = settings.lexical_backend == "auto" and documents > MOST_FOR_WHOOSH
    return TantivyIndex if large or settings.lexical_backend == "tantivy" else WhooshIndex


def _read_dense(
    manifest: Manifest, folder: Path, *, embedder: Embedder, settings: Settings, read_dense: ReadDense | None
) -> DenseReader | None:
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
        if read_dense is not None:
            return read_dense(folder, manifest.revision)
        with contextlib.closing(open_dense(folder, settings=settings)) as dense:
            return dense.at(manifest.revision)
    except (IndexBusy, IndexBroken, OSError) as error:
        if SpaceStore(settings.data_path).require(manifest.space_id)[0].generation != manifest.generation:
            raise  # not damaged, but replaced while we looked
        _log.warning("Searching without vectors. %s", error)
        return None
