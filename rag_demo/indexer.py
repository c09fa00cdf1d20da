"""Making indexes, bringing them up to date, and mending them."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rag_demo import index_wiring
from rag_demo.adapt_wiring import ModelChoice
from rag_demo.dense_wiring import check_server, moved, renew_dense
from rag_demo.errors import IndexBroken
from rag_demo.index.build import Counts, Parts, Progress
from rag_demo.index.changes import Changes
from rag_demo.index.repair import Difference, differences, mend
from rag_demo.index.room import check_room, for_index
from rag_demo.index.states import FileState
from rag_demo.index.store import FORMAT, Manifest, SpaceStore
from rag_demo.index.update import advance, check_enough, finish, is_unfinished, prepare, summary
from rag_demo.indexing import FilesRead, Job, Report
from rag_demo.ingest import Ingested
from rag_demo.lending import OpenModels, OpenVectors
from rag_demo.parts_wiring import advance_sketches, make_sketches, open_catalogue, open_parts, touch
from rag_demo.ports import Embedder
from rag_demo.retrieve.sketch_files import keep_tables, read_table
from rag_demo.settings import Settings

# Share of the documents whose change makes a model that was adapted to them one of another configuration.
_WORN = 0.2


class Indexer:
    """Writes the spaces of one data folder; one call at a time."""

    def __init__(
        self,
        settings: Settings,
        store: SpaceStore,
        *,
        vectors: OpenVectors,
        models: OpenModels,
        forget: Callable[[str], None],
    ) -> None:
        """Take what this process has open; ``forget`` waits until nobody asks a space at its old revision."""
        self._settings = settings
        self._store = store
        self._vectors = vectors
        self._models = models
        self._forget = forget

    def index(self, job: Job, model: ModelChoice | None, *, full: bool) -> Report:
        """See `Library.index`."""
        check_server(self._settings)
        model = model or self._model_of(job.space_id)
        reason = self._why_anew(job.space_id, model, full=full)
        if reason:
            return self._build(job, reason, model)
        try:
            report = self._update(job)
        except IndexBroken as error:
            return self._build(job, f"the old one is damaged: {error}", model)
        reason = _worn(report.manifest)
        return self._build(job, reason, model) if reason else report

    def verify(self, space_id: str, *, progress: Progress) -> list[Difference]:
        """See `Library.verify`."""
        self._store.require(space_id)
        with self._store.writing(space_id):
            manifest, folder = self._store.require(space_id)
            embedder = partial(self._models.of, manifest, folder)
            with self._open_parts(manifest, folder, renew=True) as parts:
                parts.collect(manifest.revision)
                found = differences(parts, revision=manifest.revision)
                mend(parts, found, revision=manifest.revision, embedder=embedder, progress=progress)
                finish(parts, folder, revision=manifest.revision)
                self._make_sketches(manifest, folder)
                self._forget(space_id)
        return found

    def _model_of(self, space_id: str) -> ModelChoice:
        with contextlib.suppress(IndexBroken):
            if manifest := self._store.manifest(space_id):
                return ModelChoice(manifest.model_choice)
        return ModelChoice(self._settings.model)

    def _why_anew(self, space_id: str, model: ModelChoice, *, full: bool) -> str:
        """Why the index cannot be brought up to date; empty if it can."""
        try:
            manifest = self._store.manifest(space_id)
        except IndexBroken as error:
            return f"the old one is damaged: {error}"
        if manifest is None:
            return "there is none yet"
        if full:
            return "that was asked for"
        return self._outdated(manifest, model)

    def _outdated(self, manifest: Manifest, model: ModelChoice) -> str:
        if manifest.format != FORMAT or manifest.recipe != index_wiring.choices_digest(self._settings):
            return "another version or other settings made the old one"
        if reason := moved(self._store.folder_of(manifest.space_id, manifest.generation), self._settings):
            return reason[0].lower() + reason[1:]
        if model.name != manifest.model_choice:
            return f"another model was asked for than that of the old one ({manifest.model_name})"
        if not manifest.model_folder and manifest.model_fingerprint != self._models.chosen(model).fingerprint:
            return f"another model made the old one ({manifest.model_name})"
        return ""

    def _update(self, job: Job) -> Report:
        with self._store.writing(job.space_id):
            manifest, folder = self._store.require(job.space_id)
            changes = job.compare(self._known(job, manifest, folder))
            if not changes and not is_unfinished(folder):
                touch(folder, changes.touched)
                self._make_sketches(manifest, folder)
                with contextlib.closing(open_catalogue(manifest, folder)) as catalogue:
                    return Report(manifest, tuple(job.problems(catalogue.problems())), Counts(), Counts())
            with self._open_parts(manifest, folder) as parts:
                return self._advance(job, changes, manifest, folder, parts)

    def _advance(self, job: Job, changes: Changes, manifest: Manifest, folder: Path, parts: Parts) -> Report:
        embedder = partial(self._models.of, manifest, folder)
        revision = manifest.revision + 1
        prepare(parts, folder, revision=manifest.revision, embedder=embedder, progress=job.progress)
        read = self._classified(job.read(changes), partial(self._models.chosen, ModelChoice(manifest.model_choice)))
        documents = [document for _, file in read for document in file.documents]
        check_room(folder, for_index(documents, dimension=manifest.dimension))
        counted = advance(
            parts,
            read,
            changes.removed,
            changes.touched,
            revision=revision,
            embedder=embedder,
            progress=job.progress,
        )
        advance_sketches(
            folder,
            [*(state.path for state, _ in read), *changes.removed],
            revision=revision,
            embedder=embedder if manifest.model_folder else None,
        )
        held = summary(parts, revision=revision)
        check_enough(held.files, problems := job.problems(held.problems))
        manifest = job.describe(
            manifest, revision=revision, counts=held.counts, kinds=held.kinds, problems=len(problems)
        )
        manifest = dataclasses.replace(manifest, changed=manifest.changed + counted.all)
        self._store.publish(manifest)
        self._forget(job.space_id)
        shared = bool(self._settings.qdrant_url)
        finish(parts, folder, revision=revision, shared=shared)
        keep_tables(folder, {revision, revision - 1} if shared else {revision})
        files_counted = Counts(len(changes.added), len(changes.changed), len(changes.removed))
        return Report(manifest, tuple(problems), files_counted, counted, lag_s=job.lag_s(changes))

    def _build(self, job: Job, reason: str, model: ModelChoice) -> Report:
        changes = job.compare({})
        read = job.read(changes)
        problems = job.problems(problem for _, file in read for problem in file.problems)
        check_enough(sum(bool(file.documents) for _, file in read), problems)
        embedder = partial(self._models.chosen, model)
        read = self._classified(read, embedder)
        documents = sorted(
            (document for _, file in read for document in file.documents),
            key=lambda document: (document.path, document.line_start),
        )
        sources = job.sources
        ingested = Ingested(
            documents=documents,
            problems=problems,
            configuration_name=sources.configuration_name,
            configuration_version=sources.configuration_version,
            format=sources.format,
            facts=[fact for _, file in read for fact in file.facts],
        )
        manifest = index_wiring.index(
            ingested,
            source=job.folder,
            embedder=embedder,
            settings=self._settings,
            progress=job.progress,
            model=model,
            beside=job.docs,
            states={state.path: state for state, _ in read},
        )
        self._forget(job.space_id)
        # A question may have opened the new generation already.
        generation = self._store.require(job.space_id)[1]
        self._vectors.close_below(generation.parent, but=generation)
        self._models.close_below(generation.parent, but=generation)
        added = Counts(added=len(changes.states)), Counts(added=len(documents))
        return Report(manifest, tuple(problems), *added, rebuilt=reason)

    def _make_sketches(self, manifest: Manifest, folder: Path) -> None:
        """What ordering needs, for a generation that lacks it."""
        if read_table(folder, revision=manifest.revision) is None:
            embedder = partial(self._models.of, manifest, folder) if manifest.model_folder else None
            make_sketches(folder, revision=manifest.revision, embedder=embedder)

    def _known(self, job: Job, manifest: Manifest, folder: Path) -> dict[str, FileState]:
        with contextlib.closing(open_catalogue(manifest, folder)) as catalogue:
            known = catalogue.states()
        if manifest.source == str(job.folder.resolve()) and manifest.documents_folders == job.documents_folders:
            return known
        # Files of other folders may have the same names, sizes and times: their contents decide.
        return {path: dataclasses.replace(state, mtime_ns=0) for path, state in known.items()}

    def _classified(self, read: FilesRead, embedder: Callable[[], Embedder]) -> FilesRead:
        """The files; of those beside the dump, the documents have their sort."""
        if not any(document.doc_type == "note" for _, file in read for document in file.documents):
            return read
        documents = [document for _, file in read for document in file.documents]
        sorted_ = iter(index_wiring.classify(documents, embedder=embedder(), settings=self._settings))
        return [
            (state, dataclasses.replace(file, documents=[next(sorted_) for _ in file.documents]))
            for state, file in read
        ]

    @contextlib.contextmanager
    def _open_parts(self, manifest: Manifest, folder: Path, *, renew: bool = False) -> Iterator[Parts]:
        """The parts of a generation, to write; with ``renew``, empty ones for those that are damaged."""
        try:
            dense = self._vectors.index(folder)
            dense.check()
        except IndexBroken:
            if not renew:
                raise
            dense = renew_dense(folder, dimension=manifest.dimension, settings=self._settings)
            self._vectors.put(folder, dense)
        parts = open_parts(folder, dense=dense, renew=renew)
        try:
            yield parts
        finally:
            parts.close_files()


def _worn(manifest: Manifest) -> str:
    """Why an adapted model no longer fits; empty if it does."""
    if manifest.model_folder and manifest.changed > _WORN * sum(manifest.counts.values()):
        return f"{manifest.changed:,} documents have changed since its model was trained"
    return ""
