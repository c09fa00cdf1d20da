"""Assistants and searches out of concrete classes; `index_wiring` has what builds indexes, `parts_wiring` their parts.

Nothing but the wiring modules names concrete classes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rag_demo.adapt.translations import Translations
from rag_demo.chat.answer import EXTRACTIVE, Assistant
from rag_demo.chat.cache.answers import AnswerCache
from rag_demo.chat.cache.redis_store import RedisStore
from rag_demo.chat.cache.sqlite_store import SqliteStore
from rag_demo.chat.cache.stores import MemoryStore, Store
from rag_demo.chat.generate import Writer
from rag_demo.chat.library import Shelves
from rag_demo.dense_wiring import open_dense
from rag_demo.errors import IndexBroken, IndexBusy, InputError
from rag_demo.events import Events
from rag_demo.index.fact_store import FactReader
from rag_demo.index.facts import Facts
from rag_demo.index.ports import DenseReader
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.parts_wiring import open_catalogue, read_lexical
from rag_demo.ports import Embedder
from rag_demo.retrieve.cross_encoder import CrossEncoderScore
from rag_demo.retrieve.rank import Ranker
from rag_demo.retrieve.rerank import Reranker
from rag_demo.retrieve.search import OpenSpace, Retriever
from rag_demo.retrieve.sketch_files import read_table
from rag_demo.retrieve.translate import Translator
from rag_demo.settings import Settings

# Generation folder, revision → its vectors.
ReadDense = Callable[[Path, int], DenseReader]
# Manifest and folder of a generation → its model.
ModelOf = Callable[[Manifest, Path], Embedder]
_log = logging.getLogger(__name__)


def build_embedder(model: str | None = None) -> Embedder:
    """The embedding service with the settings of its own (``EMBEDDING_MODEL`` and others), or with the given model."""
    from hybrid_embeddings import EmbeddingService

    return EmbeddingService(model) if model else EmbeddingService()


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
    reranker: Reranker | None = None,
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
        reranker: looks at the first hits again; stays open.

    Raises:
        IndexMissing, IndexBroken: as `SpaceStore.require`.
    """
    opened = [_open_space(name, embedder=embedder, settings=settings, read_dense=read_dense) for name in spaces]
    retriever = _retriever(opened, settings, reranker)
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
        retriever = _retriever(opened, settings, build_reranker(settings))
        yield closing.enter_context(contextlib.closing(retriever))


def build_reranker(settings: Settings, events: Events | None = None) -> Reranker | None:
    """The model of ``RAG_RERANK_MODEL``, loaded, or None where none is named.

    Raises:
        InputError: it cannot be used.
    """
    if not settings.rerank_model:
        return None
    score = CrossEncoderScore.load(settings.rerank_model)
    return Reranker(score, top=settings.rerank_top, timeout_s=settings.rerank_timeout_s, events=events)


def _retriever(opened: Sequence[_Opened], settings: Settings, reranker: Reranker | None) -> Retriever:
    one_model = len({entry.model.fingerprint for entry in opened}) == 1
    if not one_model:
        names = ", ".join(entry.space.space_id for entry in opened)
        _log.warning(
            "The spaces %s have different embedding models, so the order of their hits rests on fewer signs. "
            "Index them with one model (--model) to have them ordered as a single space is.",
            names,
        )
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
        encode_words=opened[0].model.encode_documents if static else None,
        translator=opened[0].translator if static else None,
        reranker=reranker,
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
    return AnswerCache(store, ttl_s=settings.answer_cache_ttl_s, similarity=similarity, recipe=_recipe(settings))


# They say where things lie and who may ask, not what is answered. What is new in the settings counts until named here.
_NO_PART_IN_ANSWERS = frozenset(
    """
    data_dir space qdrant_url answer_cache answer_cache_ttl_s answer_similarity hosts requests_per_minute
    requests_at_once llm_attempts llm_max_concurrency llm_max_queue llm_breaker_threshold llm_keep_alive
    """.split()  # noqa: SIM905  # quoted words would be harder to read
)


def _recipe(settings: Settings) -> str:
    """Whatever of the program and its settings can change an answer; two servers on one cache may differ in it."""
    counted = [
        (field.name, getattr(settings, field.name))
        for field in dataclasses.fields(settings)
        if field.repr and field.name not in _NO_PART_IN_ANSWERS and not field.name.endswith("_timeout_s")
    ]
    return repr((metadata.version("hybrid-embeddings"), counted))


@dataclass(frozen=True, slots=True)
class _Opened:
    """A space with its facts; ``generation`` changes whenever its index does."""

    space: OpenSpace
    facts: FactReader
    generation: str
    model: Embedder
    dense_weight: float
    adapted: bool
    translator: Translator | None


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
        lexical=read_lexical(folder / "lexical", manifest.revision),
        catalogue=open_catalogue(manifest, folder),
        dense=_read_dense(manifest, folder, embedder=model, settings=settings, read_dense=read_dense),
        encode_query=model.encode_query,
        sketches=read_table(folder, revision=manifest.revision),
    )
    facts = FactReader.open(folder / "facts.sqlite", revision=manifest.revision)
    weight = settings.dense_weight if manifest.dense_weight < 0 else manifest.dense_weight
    generation = f"{manifest.generation}.{manifest.revision}"
    table = Translations.load(folder / manifest.model_folder) if manifest.model_folder else None
    return _Opened(
        space,
        facts,
        generation,
        model,
        weight,
        adapted=bool(manifest.model_folder),
        translator=Translator(table) if table is not None else None,
    )


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
