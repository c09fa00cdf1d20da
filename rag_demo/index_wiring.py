"""Building a new generation of a space out of concrete parts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rag_demo.adapt_wiring import MODEL_FOLDER, ModelChoice, open_adapted
from rag_demo.classify import Classifier, assign
from rag_demo.classify.nli import NliZeroShot
from rag_demo.dense_wiring import open_store
from rag_demo.index.build import Progress, counts, fill, kinds
from rag_demo.index.ports import FIRST_REVISION
from rag_demo.index.recipe import recipe
from rag_demo.index.room import check_room, for_index, for_vectors
from rag_demo.index.states import FileState
from rag_demo.index.store import Manifest
from rag_demo.indexing import now
from rag_demo.ingest import REVISION, Ingested
from rag_demo.parts_wiring import create_parts, make_sketches
from rag_demo.ports import Embedder
from rag_demo.settings import Settings
from rag_demo.types import Document


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
        VectorsAway: the server of the vectors does not answer.
    """
    documents = ingested.documents
    space_id = documents[0].space_id
    store = open_store(settings)
    model = model or ModelChoice("")
    with contextlib.ExitStack() as opened:
        folder = opened.enter_context(store.building(space_id))
        adapted = model.train(documents, folder / MODEL_FOLDER, progress=progress)
        used = opened.enter_context(contextlib.closing(open_adapted(adapted.folder))) if adapted else embedder()
        check_room(folder, for_index(documents, dimension=used.dimension))
        parts = create_parts(folder, documents=len(documents), dimension=used.dimension, settings=settings)

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
        make_sketches(folder, revision=FIRST_REVISION, embedder=(lambda: used) if adapted else None)
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


def choices_digest(settings: Settings) -> str:
    """What `Manifest.recipe` must be for an index to be brought up to date; otherwise it is made anew."""
    return recipe(nli_model=settings.nli_model, reader=str(REVISION))
