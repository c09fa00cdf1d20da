"""The indexes of one data folder as this process uses them: each open once, brought up to date and asked here."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from hybrid_embeddings import HybridEmbeddingsError
from hybrid_embeddings.events import Subscriber
from rag_demo import wiring
from rag_demo.adapt_wiring import ModelChoice
from rag_demo.chat.answer import Assistant
from rag_demo.chat.session import NEW, Conversation
from rag_demo.dense_wiring import open_dense, open_store
from rag_demo.errors import IndexBroken, IndexMissing, NoRoom, RagDemoError
from rag_demo.events import Events, SpaceUpdated, SpaceUpdateFailed
from rag_demo.index.build import Progress
from rag_demo.index.ports import DenseReader, Where
from rag_demo.index.repair import Difference
from rag_demo.index.store import check_space_name
from rag_demo.indexer import Indexer
from rag_demo.indexing import Job, Report
from rag_demo.ingest.sources import open_sources
from rag_demo.lending import Assistants, OpenModels, OpenVectors
from rag_demo.retrieve.rerank import Reranker
from rag_demo.settings import Settings
from rag_demo.speaking import OnText, Speaker
from rag_demo.types import Answer


class Library:
    """Indexes spaces, keeps them up to date, and answers from them. Safe to call from several threads.

    One process at a time can open the vectors of a space. A process that stays (a chat, a watcher, a server) holds
    them in its library, and others ask it; see `rag_demo.owner`.
    """

    def __init__(self, settings: Settings, *, read_dense: wiring.ReadDense | None = None) -> None:
        """Open nothing yet.

        Args:
            settings: where the indexes are, and how to answer.
            read_dense: reads vectors for questions; None: they are opened here and stay open.
        """
        self._settings = settings
        self._store = open_store(settings)
        self._vectors = OpenVectors(partial(open_dense, settings=settings))
        self._read_dense = read_dense or self._vectors.read
        self._assistants = Assistants(self._store, self._open_assistant)
        self._models = OpenModels()
        self._indexer = Indexer(
            settings, self._store, vectors=self._vectors, models=self._models, forget=self._assistants.forget
        )
        self._writing = threading.Lock()
        self._answers = wiring.open_answer_cache(settings)
        self._speaker: Speaker | None = None
        self._reranker: Reranker | None = None
        self._loading = threading.Lock()
        self.events = Events()

    def subscribe_models(self, subscriber: Subscriber) -> None:
        """Call ``subscriber`` with the events of the models of all spaces, those too that are opened later."""
        self._models.subscribe(subscriber)

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
            _failures_told(self.events),
            self._writing,
            _told_when_full(self._settings.data_path),
            open_sources(folder, docs, space_id=space_id) as sources,
        ):
            job = Job(folder, space_id, tuple(docs), sources=sources, progress=progress)
            report = self._indexer.index(job, model, full=full)
        report = dataclasses.replace(report, elapsed_s=time.perf_counter() - started)
        self.events.emit(_updated(report))
        return report

    def verify(self, space_id: str, *, progress: Progress) -> list[Difference]:
        """Compare the parts of a space and mend those that are not as the catalogue says.

        Returns:
            What was wrong, for each index of words and of vectors; nothing is wrong any more.

        Raises:
            IndexBroken: the catalogue itself is damaged, so that the space has to be indexed again.
        """
        with self._writing:
            return self._indexer.verify(space_id, progress=progress)

    def vectors(self, folder: str, revision: int) -> DenseReader:
        """The vectors of a generation at a revision, for another process that cannot open them.

        Args:
            folder: of the space and of the generation: "торговля-1a2b3c4d/…".
            revision: of the generation.

        Raises:
            InputError: there is no such generation.
            IndexBroken, IndexBusy: they cannot be opened.
        """
        generation = self._store.folder_called(folder)
        return self._vectors.read(generation, revision)

    def drop(self, space_id: str) -> None:
        """Forget a space and delete its files; raises as `SpaceStore.drop`."""
        with self._writing:
            with contextlib.suppress(IndexBroken, IndexMissing):
                _, folder = self._store.require(space_id)
                self._assistants.forget(space_id)
                self._vectors.close_below(folder.parent)
                self._models.close_below(folder.parent)
            self._store.drop(space_id)

    def close(self) -> None:
        """Close every index and model. May be called twice."""
        self._assistants.close()
        if self._speaker:
            self._speaker.close()
        if self._answers:
            self._answers.close()
        self._vectors.close()
        self._models.close()

    def _open_assistant(self, spaces: tuple[str, ...]) -> contextlib.AbstractContextManager[Assistant]:
        speaker = self._speaking()
        return wiring.open_assistant(
            spaces,
            embedder=self._models.of,
            settings=self._settings,
            read_dense=self._read_dense,
            cache=self._answers,
            writer=speaker.writer if speaker else None,
            model_name=f"{self._settings.llm_mode}:{self._settings.llm_base_url}:{self._settings.llm_model}",
            events=self.events,
            reranker=self._reranking(),
        )

    def _reranking(self) -> Reranker | None:
        """The reranker of the settings, loaded once; None: the legs decide the order."""
        with self._loading:
            if self._reranker is None:
                self._reranker = wiring.build_reranker(self._settings, self.events)
            return self._reranker

    def _speaking(self) -> Speaker | None:
        """The language model of the settings, opened once; None: answers are put together out of the sources."""
        if self._settings.llm_mode == "extractive":
            return None
        with self._loading:
            if self._speaker is None:
                self._speaker = Speaker(self._settings, events=self.events)
            return self._speaker


@contextlib.contextmanager
def _failures_told(events: Events) -> Iterator[None]:
    try:
        yield
    except (RagDemoError, HybridEmbeddingsError, OSError) as error:
        events.emit(SpaceUpdateFailed(type(error).__name__))
        raise


def _updated(report: Report) -> SpaceUpdated:
    counts = report.documents
    return SpaceUpdated(
        "built" if report.rebuilt else "unchanged" if report.is_unchanged else "updated",
        report.elapsed_s * 1e3,
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        lag_s=report.lag_s,
    )


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
