"""``rag-demo eval``: builds the indexes of an evaluation, asks everything, and tells the figures."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hybrid_embeddings.diagnosis.record import machine_record
from rag_demo import index_wiring, wiring
from rag_demo.adapt_wiring import ADAPTED, ModelChoice, open_adapted, train_model
from rag_demo.chat.answer import Assistant
from rag_demo.configurations import bundled, golden_path
from rag_demo.console import ProgressBar, complain, say
from rag_demo.errors import InputError
from rag_demo.evaluate.baselines import baselines
from rag_demo.evaluate.cases import SPLITS, Case, read_cases
from rag_demo.evaluate.missing import missing_golds, told
from rag_demo.evaluate.plan import Plan, plans
from rag_demo.evaluate.plot import svg
from rag_demo.evaluate.report import BOTH, as_text, report
from rag_demo.evaluate.run import Outcome, answer_all, search_all
from rag_demo.index.ports import Where
from rag_demo.index.store import Manifest, SpaceStore
from rag_demo.ingest import Ingested, read_configuration
from rag_demo.ports import Embedder
from rag_demo.retrieve.search import Retriever
from rag_demo.settings import Settings
from rag_demo.types import Document

_DEPTH = 50
_SOURCES = 5
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be evaluated."""

    folder: Path | None = None  # of a dump; None: the bundled configuration
    questions: Path | None = None  # YAML file of the user's own
    only: Path | None = None  # file of paths, one a line: the rest of the dump is left out
    other: Path | None = None  # another dump, for names that this one does not know
    parts: tuple[str, ...] = ("full", "bare", "removed")
    most: int = 1_000
    model: str = ""
    base_from_rest: bool = False  # start from a model that learned from what ``only`` leaves out
    split: str = "test"


def evaluate(request: Request, *, settings: Settings, json_file: Path | None, plot_file: Path | None) -> None:
    """Evaluate retrieval and print the figures; everything goes to the files, too, if they are given."""
    _check_writable(json_file, plot_file)
    folder = request.folder or bundled()
    own = _own(request)
    ingested, rest = read(folder, request)
    _tell_of_missing(request, own, ingested.documents)
    outcomes: list[Outcome] = []
    for plan in plans(ingested, own, _others(request), most=request.most, rest=rest):
        if plan.name in request.parts:
            outcomes += _carry_out(plan, folder, request, settings)
    figures = report(
        outcomes,
        splits=(*SPLITS, BOTH) if request.split == BOTH else SPLITS,
        configuration=f"{ingested.configuration_name} {ingested.configuration_version}".strip(),
        documents=len(ingested.documents),
        model=_model_of(request, settings),
        base="rest of the dump" if rest else "",
        ranker=settings.ranker,
        lexical_backend=settings.lexical_backend,
    )
    say(as_text(figures, split=request.split))
    if json_file is not None:
        complete = {"machine": machine_record(), **figures}
        json_file.write_text(json.dumps(complete, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if plot_file is not None:
        plot_file.write_text(svg(figures, split=request.split), encoding="utf-8")


def _check_writable(*files: Path | None) -> None:
    """Nobody measures for an hour to learn that the result has no place."""
    for file in filter(None, files):
        if file.is_dir() or not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
            raise InputError(f"{file} cannot be written. Give a file in a folder that is there and may be written to.")


def _tell_of_missing(request: Request, own: Sequence[Case], documents: Sequence[Document]) -> None:
    missing = missing_golds(own, documents)
    if request.questions is not None and missing:
        names = told(missing, (document.full_name for document in documents))
        complain(f"{request.questions}: nothing that is searched is called so, and no hit will count:\n{names}")


def read(folder: Path, request: Request) -> tuple[Ingested, list[Document]]:
    """What is evaluated, and the documents that a model to start from learns from."""
    ingested = read_configuration(folder, space_id="evaluated")
    if request.only is None:
        if request.base_from_rest:
            raise InputError("--base-from-rest needs --only: without it no part of the dump is left to learn from.")
        return ingested, []
    paths = _paths(request.only)
    documents = [document for document in ingested.documents if _is_named(document.path, paths)]
    if not documents:
        raise InputError(f"No path in {request.only} is one of {folder}. Each line must end with a path below it.")
    facts = [fact for fact in ingested.facts if _is_named(fact.origin.path, paths)]
    rest = [document for document in ingested.documents if not _is_named(document.path, paths)]
    chosen = dataclasses.replace(ingested, documents=documents, facts=facts)
    return chosen, rest if request.base_from_rest else []


def _paths(file: Path) -> set[str]:
    try:
        return {line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise InputError(
            f"--only {file} cannot be read: {reason}. It takes a text file of paths, one a line."
        ) from error


def _is_named(path: str, paths: set[str]) -> bool:
    return path in paths or f"src/cf/{path}" in paths


def _own(request: Request) -> list[Case]:
    if request.questions is not None:
        if "full" not in request.parts:
            raise InputError("--questions are asked of the index «full»: leave --part out, or add --part full.")
        return read_cases(request.questions)
    return read_cases(golden_path()) if request.folder is None else []


def _others(request: Request) -> Sequence[Document]:
    if request.other is None and request.folder is None:
        return []
    return read_configuration(request.other or bundled(), space_id="other").documents


def opened_plans(request: Request, settings: Settings) -> Iterator[tuple[Plan, Where, Retriever]]:
    """The plans that ask something of an index, each with its open search until the next one; for fitting."""
    folder = request.folder or bundled()
    ingested, rest = read(folder, request)
    for plan in plans(ingested, _own(request), _others(request), most=request.most, rest=rest):
        if plan.name in request.parts and (plan.searched or plan.answered):
            with (
                contextlib.closing(_Indexed(plan, folder, request, settings)) as index,
                index.retriever() as retriever,
            ):
                yield plan, index.where, retriever


def _carry_out(plan: Plan, folder: Path, request: Request, settings: Settings) -> list[Outcome]:
    progress = ProgressBar()
    outcomes: list[Outcome] = []
    with contextlib.closing(_Indexed(plan, folder, request, settings)) as index:
        if plan.searched:
            with index.retriever() as retriever:
                outcomes = _searched(plan, retriever, index.where, progress)
        if plan.answered:
            with index.assistant() as assistant:
                outcomes += answer_all(
                    plan.answered,
                    lambda question: assistant.answer(question, where=index.where, top_k=_SOURCES).refused,
                    lambda question: assistant.search(question, where=index.where, limit=_SOURCES).hits,
                    on_progress=lambda done, total: progress("answer", done, total),
                )
    return outcomes


def _searched(plan: Plan, retriever: Retriever, where: Where, progress: ProgressBar) -> list[Outcome]:
    for case in plan.searched[:_WARM_UP]:
        retriever.search(case.question, _SOURCES, where=where)
    outcomes = search_all(
        plan.searched,
        lambda question: retriever.search(question, _DEPTH, where=where).hits,
        on_progress=lambda done, total: progress("ask", done, total),
    )
    if plan.name != "bare":
        return outcomes
    methods = [document for document in plan.ingested.documents if document.doc_type == "method"]
    for search in baselines(methods).values():
        theirs = search_all(plan.searched, search)
        outcomes = [
            dataclasses.replace(
                one, ranks=one.ranks | {leg: ranks for leg, ranks in two.ranks.items() if leg not in one.ranks}
            )
            for one, two in zip(outcomes, theirs, strict=True)
        ]
    return outcomes


class _Indexed:
    """The index of a plan, made unless one of the same content is there from an earlier evaluation."""

    def __init__(self, plan: Plan, folder: Path, request: Request, settings: Settings) -> None:
        self._model = _model_of(request, settings)
        space_id = plan.ingested.documents[0].space_id
        self.where = Where((space_id,), plan.where.doc_types)
        content = (
            _digest(plan.ingested.documents),
            _digest(plan.learn_from) if self._model == ADAPTED else "",
            self._model,
            *([_digest(plan.base_from)] if plan.base_from else []),
        )
        name = hashlib.blake2b("/".join(content).encode(), digest_size=8).hexdigest()
        self._folder = settings.data_path / "evaluation"
        data = self._folder / f"{plan.name}-{name}"
        self._settings = dataclasses.replace(settings, data_dir=str(data), answer_cache="off")
        manifest = SpaceStore(data).manifest(space_id)
        if manifest is None or manifest.recipe != index_wiring.choices_digest(self._settings):
            self._make(plan, folder)
        self._opened = contextlib.ExitStack()

    def close(self) -> None:
        """Close the models."""
        self._opened.close()

    def retriever(self) -> contextlib.AbstractContextManager[Retriever]:
        """The search over it."""
        return wiring.open_retriever(self.where.space_ids, embedder=self._embedder, settings=self._settings)

    def assistant(self) -> contextlib.AbstractContextManager[Assistant]:
        """The chat over it."""
        return wiring.open_assistant(self.where.space_ids, embedder=self._embedder, settings=self._settings)

    def _make(self, plan: Plan, folder: Path) -> None:
        base = self._base(plan) if plan.base_from else None
        complain(f"Index {plan.name!r}: {len(plan.ingested.documents):,} documents.")
        choice = ModelChoice(self._model, base=base, learn_from=plan.learn_from, excluded=plan.excluded)
        with contextlib.ExitStack() as opened:
            index_wiring.index(
                plan.ingested,
                source=folder,
                embedder=lambda: opened.enter_context(contextlib.closing(_named(self._model))),
                settings=self._settings,
                progress=ProgressBar(),
                model=choice,
            )

    def _base(self, plan: Plan) -> Path | None:
        """A model that learned from other parts of the dump, made unless it is there; None: they are too small."""
        folder = self._folder / f"base-{_digest(plan.base_from)}"
        if not folder.exists():
            complain(f"Model to start from: {len(plan.base_from):,} documents.")
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as made:
                made_in = Path(made) / "model"
                if train_model(plan.base_from, made_in, excluded=plan.excluded, progress=ProgressBar()) is None:
                    return None
                made_in.rename(folder)
        return folder

    def _embedder(self, manifest: Manifest, generation: Path) -> Embedder:
        adapted = manifest.model_folder
        model = open_adapted(generation / adapted) if adapted else _named(manifest.model_choice)
        self._opened.callback(model.close)
        return model


def _model_of(request: Request, settings: Settings) -> str:
    return ADAPTED if request.base_from_rest else request.model or settings.model


def _named(model: str) -> Embedder:
    return wiring.build_embedder(None if model in {ADAPTED, ""} else model)


def _digest(documents: Sequence[Document]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for document in documents:
        digest.update(f"{document.doc_id}{document.content_hash}".encode())
    return digest.hexdigest()
