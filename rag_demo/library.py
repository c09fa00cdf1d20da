"""The indexes of one data folder as this process uses them: each open once, brought up to date and asked here."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from rag_demo import wiring
from rag_demo.adapt_wiring import ADAPTED, ModelChoice
from rag_demo.chat.answer import Assistant
from rag_demo.chat.session import NEW, Conversation
from rag_demo.errors import IndexBroken, IndexMissing, NoRoom
from rag_demo.events import Events
from rag_demo.index.build import Counts, Parts, Progress
from rag_demo.index.changes import Changes
from rag_demo.index.ports import Where
from rag_demo.index.repair import Difference, differences, mend
from rag_demo.index.room import check_room, for_index
from rag_demo.index.states import FileState
from rag_demo.index.store import FORMAT, Manifest, SpaceStore, check_space_name
from rag_demo.index.update import advance, check_enough, finish, is_unfinished, prepare, summary
from rag_demo.indexing import FilesRead, Job, Report
from rag_demo.ingest import Ingested
from rag_demo.ingest.sources import open_sources
from rag_demo.lending import Assistants, OpenVectors
from rag_demo.ports import Embedder
from rag_demo.settings import Settings
from rag_demo.speaking import OnText, Speaker
from rag_demo.types import Answer

# Share of the documents whose change makes a model that was adapted to them one of another configuration.
_WORN = 0.2


class Library:
    """Indexes spaces, keeps them up to date, and answers from them. Safe to call from several threads.

    One process at a time can open the vectors of a space. A process that stays (a chat, a watcher, a server) holds
    them in its library, and others ask it; see `rag_demo.owner`.
    """

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._store = SpaceStore(settings.data_path)
        self._vectors = OpenVectors(partial(wiring.open_dense, settings=settings))
        self._assistants = Assistants(self._store, self._open_assistant)
        self._embedders: dict[str, Embedder] = {}
        self._embedder_lock = threading.Lock()
        self._writing = threading.Lock()
        self._answers = wiring.open_answer_cache(settings)
        self._speaker: Speaker | None = None
        self._speaker_lock = threading.Lock()
        self.events = Events()

    def assistant(self, spaces: Sequence[str]) -> contextlib.AbstractContextManager[Assistant]:
        """An assistant over the revisions that are in use now. It stays whole until it is given back.

        Raises:
            IndexMissing, IndexBroken: as `SpaceStore.require`.
        """
        return self._assistants.lend(tuple(spaces))

    def ask(
        self,
        question: str,
        where: Where,
        top_k: int,
        *,
        conversation: Conversation = NEW,
        on_text: OnText | None = None,
    ) -> Answer:
        """Answer a question, with the language model of the settings if there is one.

        Args:
            question: as asked.
            where: spaces and sorts of documents.
            top_k: most sources.
            conversation: what was said before.
            on_text: is given the pieces of the answer as a language model writes them.

        Raises:
            InputError, LlmError: as `Assistant.stream`.
            IndexMissing, IndexBroken: as `assistant`.
        """
        speaker = self._speaking()
        with self.assistant(where.space_ids) as assistant:
            if speaker is None or speaker.writer is None:
                return assistant.answer(question, where=where, top_k=top_k, conversation=conversation)
            told = on_text or (lambda _: None)
            return speaker.ask(assistant, question, where=where, top_k=top_k, conversation=conversation, on_text=told)

    def speaker(self) -> Speaker | None:
        """The language model of the settings, opened once; None: answers are put together out of the sources.

        Raises:
            InputError: the settings cannot be used.
        """
        return self._speaking()

    def index(
        self,
        folder: Path,
        space_id: str,
        *,
        docs: Sequence[Path] = (),
        full: bool = False,
        model: ModelChoice | None = None,
        progress: Progress,
    ) -> Report:
        """Bring a space up to date with its files, or make it anew where there is no index to start from.

        Args:
            folder: the dump, or a ZIP archive of it.
            space_id: name of the space.
            docs: folders of documents beside it.
            full: make it anew in any case.
            model: for an index that is made anew; another one than before is a reason for that. None: the one that
                the space has, or that of the settings.
            progress: told of every stage.

        Raises:
            NotADump: ``folder`` holds no dump that we read.
            InputError: the space cannot be called so, or too little of the dump can be read to be worth an index.
            IndexBusy: another process writes this space or holds its vectors.
            NoRoom: the disk is too full.
        """
        started = time.perf_counter()
        check_space_name(space_id)
        with (
            self._writing,
            _told_when_full(self._settings.data_path),
            open_sources(folder, docs, space_id=space_id) as sources,
        ):
            job = Job(folder, space_id, tuple(docs), sources=sources, progress=progress)
            model = model or self._model_of(space_id)
            reason = self._why_anew(space_id, model, full=full)
            report = None
            if not reason:
                try:
                    report = self._update(job)
                    reason = _worn(report.manifest)
                except IndexBroken as error:
                    reason = f"the old one is damaged: {error}"
            if report is None or reason:
                report = self._build(job, reason, model)
        return dataclasses.replace(report, elapsed_s=time.perf_counter() - started)

    def verify(self, space_id: str, *, progress: Progress) -> list[Difference]:
        """Compare the parts of a space and mend those that are not as the catalogue says.

        Returns:
            What was wrong, for each index of words and of vectors; nothing is wrong any more.

        Raises:
            IndexBroken: the catalogue itself is damaged, so that the space has to be indexed again.
        """
        self._store.require(space_id)
        with self._writing, self._store.writing(space_id):
            manifest, folder = self._store.require(space_id)
            embedder = partial(self._embedder, manifest, folder)
            with self._open_parts(manifest, folder, renew=True) as parts:
                parts.collect(manifest.revision)
                found = differences(parts, revision=manifest.revision)
                mend(parts, found, revision=manifest.revision, embedder=embedder, progress=progress)
                finish(parts, folder, revision=manifest.revision)
                self._assistants.forget(space_id)
        return found

    def drop(self, space_id: str) -> None:
        """Forget a space and delete its files; raises as `SpaceStore.drop`."""
        with self._writing:
            with contextlib.suppress(IndexBroken, IndexMissing):
                _, folder = self._store.require(space_id)
                self._assistants.forget(space_id)
                self._vectors.close_below(folder.parent)
            self._store.drop(space_id)

    def close(self) -> None:
        """Close every index and model. May be called twice."""
        self._assistants.close()
        if self._speaker:
            self._speaker.close()
        if self._answers:
            self._answers.close()
        self._vectors.close()
        for embedder in self._embedders.values():
            embedder.close()
        self._embedders.clear()

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
        if manifest.format != FORMAT or manifest.recipe != wiring.choices_digest(self._settings):
            return "another version or other settings made the old one"
        if model.name != manifest.model_choice:
            return f"another model was asked for than that of the old one ({manifest.model_name})"
        if not manifest.model_folder and manifest.model_fingerprint != self._chosen(model).fingerprint:
            return f"another model made the old one ({manifest.model_name})"
        return ""

    def _update(self, job: Job) -> Report:
        with self._store.writing(job.space_id):
            manifest, folder = self._store.require(job.space_id)
            changes = job.compare(self._known(job, manifest, folder))
            if not changes and not is_unfinished(folder):
                wiring.touch(folder, changes.touched)
                with contextlib.closing(wiring.open_catalogue(manifest, folder)) as catalogue:
                    return Report(manifest, tuple(job.problems(catalogue.problems())), Counts(), Counts())
            with self._open_parts(manifest, folder) as parts:
                return self._advance(job, changes, manifest, folder, parts)

    def _advance(self, job: Job, changes: Changes, manifest: Manifest, folder: Path, parts: Parts) -> Report:
        embedder = partial(self._embedder, manifest, folder)
        revision = manifest.revision + 1
        prepare(parts, folder, revision=manifest.revision, embedder=embedder, progress=job.progress)
        read = self._classified(job.read(changes), partial(self._chosen, ModelChoice(manifest.model_choice)))
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
        kinds, files, problems = summary(parts, revision=revision)
        check_enough(files, problems := job.problems(problems))
        manifest = job.describe(manifest, revision=revision, counts=kinds, problems=len(problems))
        manifest = dataclasses.replace(manifest, changed=manifest.changed + counted.all)
        self._store.publish(manifest)
        self._assistants.forget(job.space_id)
        finish(parts, folder, revision=revision)
        files_counted = Counts(len(changes.added), len(changes.changed), len(changes.removed))
        return Report(manifest, tuple(problems), files_counted, counted)

    def _build(self, job: Job, reason: str, model: ModelChoice) -> Report:
        changes = job.compare({})
        read = job.read(changes)
        problems = job.problems(problem for _, file in read for problem in file.problems)
        check_enough(sum(bool(file.documents) for _, file in read), problems)
        embedder = partial(self._chosen, model)
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
        manifest = wiring.index(
            ingested,
            source=job.folder,
            embedder=embedder,
            settings=self._settings,
            progress=job.progress,
            model=model,
            beside=job.docs,
            states={state.path: state for state, _ in read},
        )
        self._assistants.forget(job.space_id)
        self._vectors.close_below(self._store.require(job.space_id)[1].parent)
        added = Counts(added=len(changes.states)), Counts(added=len(documents))
        return Report(manifest, tuple(problems), *added, rebuilt=reason)

    def _known(self, job: Job, manifest: Manifest, folder: Path) -> dict[str, FileState]:
        with contextlib.closing(wiring.open_catalogue(manifest, folder)) as catalogue:
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
        sorted_ = iter(wiring.classify(documents, embedder=embedder(), settings=self._settings))
        return [
            (state, dataclasses.replace(file, documents=[next(sorted_) for _ in file.documents]))
            for state, file in read
        ]

    @contextlib.contextmanager
    def _open_parts(self, manifest: Manifest, folder: Path, *, renew: bool = False) -> Iterator[Parts]:
        """The parts of a generation, to write; with ``renew``, empty ones for those that are damaged."""
        try:
            dense = self._vectors.index(folder)
        except IndexBroken:
            if not renew:
                raise
            dense = wiring.renew_dense(folder, dimension=manifest.dimension, settings=self._settings)
            self._vectors.put(folder, dense)
        parts = wiring.open_parts(folder, dense=dense, renew=renew)
        try:
            yield parts
        finally:
            parts.close_files()

    def _open_assistant(self, spaces: tuple[str, ...]) -> contextlib.AbstractContextManager[Assistant]:
        speaker = self._speaking()
        return wiring.open_assistant(
            spaces,
            embedder=self._embedder,
            settings=self._settings,
            read_dense=self._vectors.read,
            cache=self._answers,
            writer=speaker.writer if speaker else None,
            model_name=f"{self._settings.llm_mode}:{self._settings.llm_base_url}:{self._settings.llm_model}",
            events=self.events,
        )

    def _speaking(self) -> Speaker | None:
        """The language model of the settings, opened once; None: answers are put together out of the sources."""
        if self._settings.llm_mode == "extractive":
            return None
        with self._speaker_lock:
            if self._speaker is None:
                self._speaker = Speaker(self._settings, events=self.events)
            return self._speaker

    def _embedder(self, manifest: Manifest, folder: Path) -> Embedder:
        """The model of a generation."""
        if manifest.model_folder:
            return self._loaded(str(folder), lambda: wiring.open_adapted(folder / manifest.model_folder))
        return self._chosen(ModelChoice(manifest.model_choice))

    def _chosen(self, model: ModelChoice) -> Embedder:
        """The model that a choice names; where one is to be adapted, that of the settings of the engine."""
        name = "" if model.name == ADAPTED else model.name
        return self._loaded(name, lambda: wiring.build_embedder(name) if name else wiring.build_embedder())

    def _loaded(self, key: str, load: Callable[[], Embedder]) -> Embedder:
        with self._embedder_lock:
            if key not in self._embedders:
                self._embedders[key] = load()
            return self._embedders[key]


def _worn(manifest: Manifest) -> str:
    """Why an adapted model no longer fits; empty if it does."""
    if manifest.model_folder and manifest.changed > _WORN * sum(manifest.counts.values()):
        return f"{manifest.changed:,} documents have changed since its model was trained"
    return ""


@contextlib.contextmanager
def _told_when_full(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise NoRoom(
            f"The disk of {folder} is full. The index is as it was before. Free some room, or set RAG_DATA_DIR to a "
            "folder on another disk, and try again."
        ) from error
