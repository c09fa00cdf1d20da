"""The front door: :class:`EmbeddingService`."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from hybrid_embeddings.errors import DeadlineExceeded, InputError, ServiceClosed
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.prepared import PreparedModel, prepare
from hybrid_embeddings.models.resolve import ResolvedModel, resolve
from hybrid_embeddings.pipeline import Pending, Request
from hybrid_embeddings.progress import ProgressBar
from hybrid_embeddings.resilience import fork
from hybrid_embeddings.settings import Settings, default_cache_dir
from hybrid_embeddings.types import Kind, Report, Vectors
from hybrid_embeddings.wiring import Engine, build_engine

if TYPE_CHECKING:
    from typing_extensions import Self


class EmbeddingService:
    """Embeds texts with one model on every device that pays off.

    The model is found when the service is made and loaded at the first call (or :meth:`load`). Threads may share
    a service; a forked or unpickled copy loads lanes of its own. Vectors come back in the order of the texts.
    """

    def __init__(
        self,
        model_name: str | None = None,
        hybrid_mode: bool | None = None,
        *,
        precision: Literal["fast", "exact"] | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Find the model. Arguments that are None come from ``settings``, else environment, ``.env``, defaults.

        Raises:
            SettingsError: an option cannot be used.
            ModelNotFound, ModelCorrupted: the model is not there, or not what was published.
        """
        given: dict[str, Any] = {
            "model": model_name,
            "hybrid_mode": hybrid_mode,
            "precision": precision,
            "normalize": normalize,
            "truncate_dim": truncate_dim,
        }
        if settings is None:
            settings = Settings.load(**given)
        else:
            checked = Settings.load(environ={}, env_file=None, **given)
            settings = replace(settings, **{k: getattr(checked, k) for k, v in given.items() if v is not None})
        self._settings = settings
        self._found = resolve(settings.model, offline=settings.offline)
        self._prepared: PreparedModel | None = None
        self._engine: Engine | None = None
        self._helpers: ThreadPoolExecutor | None = None
        self._closed = False
        self._lock = threading.RLock()
        fork.watch(self)

    # ---------------------------------------------------------------- encode

    @overload
    def encode(
        self,
        texts: str | Sequence[str],
        batch_size: int | None = None,
        show_progress: bool = False,
        use_device: str | None = None,
        *,
        kind: Kind = "text",
        timeout_s: float | None = None,
        return_report: Literal[False] = False,
    ) -> Vectors: ...
    @overload
    def encode(
        self,
        texts: str | Sequence[str],
        batch_size: int | None = None,
        show_progress: bool = False,
        use_device: str | None = None,
        *,
        kind: Kind = "text",
        timeout_s: float | None = None,
        return_report: Literal[True],
    ) -> tuple[Vectors, Report]: ...
    def encode(
        self,
        texts: str | Sequence[str],
        batch_size: int | None = None,
        show_progress: bool = False,
        use_device: str | None = None,
        *,
        kind: Kind = "text",
        timeout_s: float | None = None,
        return_report: bool = False,
    ) -> Vectors | tuple[Vectors, Report]:
        """Embed one text or many.

        Args:
            texts: one string, or a list of strings. Nothing is stripped, cut out or dropped.
            batch_size: texts handed to the engine at once; it forms its own batches by tokens, so this only
                bounds memory. Not set: all of them.
            show_progress: draw a progress bar on standard error.
            use_device: ``cpu``, ``cuda`` or ``cuda:1``: only this device. Not set: all.
            kind: which prompt of the model is put before the texts; ``text`` does what
                ``SentenceTransformer.encode`` does.
            timeout_s: seconds for the whole call. Not set: as long as it takes.
            return_report: also return a :class:`Report` with truncated rows, tokens and lanes.

        Returns:
            float32. A string gives shape (dim,), a list of n strings (n, dim), an empty list (0, dim).

        Raises:
            InputError: an element is not a string or no valid Unicode; names its index.
            DeadlineExceeded, Overloaded, NoLaneAvailable, BadVector, ServiceClosed: see the errors module.
        """
        single = isinstance(texts, str)
        rows = _checked(texts)
        engine = self._load()
        device = self._checked_device(engine, use_device)
        pieces = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)] if batch_size else [rows]
        bar = ProgressBar(len(rows), wanted=show_progress)
        request = Request((), kind, device, is_query=single and kind != "document")
        vectors, report = self._run(engine, pieces, request, timeout_s, bar)
        result = vectors[0] if single else vectors
        return (result, report) if return_report else result

    def encode_query(self, text: str | Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed questions with the query prompt of the model. They go before bulk work. See :meth:`encode`."""
        return self.encode(text, kind="query", timeout_s=timeout_s)

    def encode_documents(
        self, texts: Sequence[str], *, show_progress: bool = False, timeout_s: float | None = None
    ) -> Vectors:
        """Embed passages with the document prompt of the model. float32, shape (n, dim). See :meth:`encode`."""
        if isinstance(texts, str):
            raise InputError("encode_documents takes a list of texts; use encode(text, kind='document') for one")
        return self.encode(texts, show_progress=show_progress, kind="document", timeout_s=timeout_s)

    async def aencode(
        self,
        texts: str | Sequence[str],
        *,
        kind: Kind = "text",
        use_device: str | None = None,
        timeout_s: float | None = None,
    ) -> Vectors:
        """Embed like :meth:`encode` without blocking the event loop; cancelling the task withdraws the work."""
        single = isinstance(texts, str)
        rows = _checked(texts)
        engine = await self._load_in_thread()
        request = Request(rows, kind, self._checked_device(engine, use_device), is_query=single and kind != "document")
        pending = await self._start_in_thread(engine, request)
        try:
            vectors = await asyncio.wait_for(asyncio.wrap_future(pending.job.future), timeout_s)
        except asyncio.TimeoutError:
            engine.pipeline.cancel(pending.job)
            raise DeadlineExceeded(f"no result after {timeout_s:g} s for {len(rows)} texts") from None
        except BaseException:
            engine.pipeline.cancel(pending.job)
            raise
        vectors = engine.pipeline.arrange(pending, vectors)
        return vectors[0] if single else vectors

    async def aencode_query(self, text: str | Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed a question without blocking the event loop. See :meth:`encode_query`."""
        return await self.aencode(text, kind="query", timeout_s=timeout_s)

    async def aencode_documents(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed passages without blocking the event loop. See :meth:`encode_documents`."""
        return await self.aencode(list(texts), kind="document", timeout_s=timeout_s)

    def embed_iter(
        self, texts: Iterable[str], *, kind: Kind = "document", window: int = 2048, show_progress: bool = False
    ) -> Iterator[Vectors]:
        """Embed a stream that does not fit into memory: yields vectors of shape (dim,), one per text, in order.

        At most two windows of ``window`` texts are held at a time; the second is queued while the first is read.
        """
        engine = self._load()
        bar = ProgressBar(None, wanted=show_progress)
        source = iter(texts)
        queued: deque[Pending] = deque()
        n_before = 0
        try:
            while True:
                if rows := _checked(list(islice(source, window)), offset=n_before):
                    n_before += len(rows)
                    queued.append(engine.pipeline.start(Request(rows, kind)))
                if not queued:
                    return
                if len(queued) == 2 or not rows:
                    vectors = engine.pipeline.finish(queued.popleft())
                    bar.advance(len(vectors))
                    yield from vectors
        finally:
            for pending in queued:
                engine.pipeline.cancel(pending.job)
            bar.close()

    # ------------------------------------------------------------------ facts

    @property
    def settings(self) -> Settings:
        """The options in force."""
        return self._settings

    @property
    def model_name(self) -> str:
        """Canonical name of the model, or its directory as given."""
        return self._found.name

    @property
    def model(self) -> ResolvedModel:
        """Where the model was found."""
        return self._found

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return min(self._settings.truncate_dim or self._prepare().card.dimension, self._prepare().card.dimension)

    @property
    def max_tokens(self) -> int | None:
        """Tokens that the model reads of one text, special tokens included; None: all."""
        return self._settings.max_tokens or self._prepare().card.max_tokens

    @property
    def fingerprint(self) -> str:
        """Hex digits that change when weights, tokenizer, prompts or module configuration change."""
        return self._prepare().fingerprint

    def is_hybrid_mode(self) -> bool:
        """Tell whether several devices share the work."""
        return self._settings.hybrid_mode and len({state.lane.device for state in self._load().states}) > 1

    def explain(self) -> dict[str, Any]:
        """Return per lane: device, numeric class, share of the texts, predicted speed, breaker; and refused lanes."""
        engine = self._load()
        total = sum(state.counters.n_texts for state in engine.states) or 1
        lanes = {
            state.name: {
                "device": state.lane.device,
                "numeric_class": state.lane.numeric_class,
                "share": state.counters.n_texts / total,
                "tokens_per_s": round(state.tokens_per_s),
                "batches": state.counters.n_batches,
                "texts": state.counters.n_texts,
                "tokens": state.counters.n_tokens,
                "padding": 1 - state.counters.n_tokens / max(state.counters.n_padded_tokens, 1),
                "budget_tokens": state.budget_tokens,
                "breaker": state.breaker.state,
                "failures": state.counters.n_failures,
                "out_of_memory": state.counters.n_out_of_memory,
                "last_error": state.last_error,
            }
            for state in engine.states
        }
        return {"model": self.model_name, "origin": self._found.origin, "lanes": lanes, "refused": engine.refused}

    # -------------------------------------------------------------- lifecycle

    def load(self) -> Self:
        """Load the model now rather than at the first call. Returns itself."""
        self._load()
        return self

    def close(self) -> None:
        """Stop the lanes and give their memory back. Calls that wait get ServiceClosed. Idempotent."""
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
            helpers, self._helpers = self._helpers, None
        if engine is not None:
            engine.close()
        if helpers is not None:
            helpers.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EmbeddingService({self.model_name!r}, precision={self._settings.precision!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process loads lanes of its own.
        return _rebuild, (self._settings,)

    def _load(self) -> Engine:
        engine = self._engine
        if engine is not None:
            return engine
        with self._lock:
            if self._closed:
                raise ServiceClosed("the embedding service is closed; make a new one")
            if self._engine is None:
                self._engine = build_engine(self._settings, self._prepare())
            return self._engine

    def _prepare(self) -> PreparedModel:
        with self._lock:
            if self._prepared is None:
                cache_dir = self._settings.cache_dir or default_cache_dir()
                directory = self._found.directory
                self._prepared = prepare(directory, fingerprint(directory), Path(cache_dir))
            return self._prepared

    def _helper_threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._helpers is None:
                self._helpers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="hybrid-embeddings-async")
            return self._helpers

    async def _load_in_thread(self) -> Engine:
        if self._engine is not None:
            return self._engine
        return await asyncio.get_running_loop().run_in_executor(self._helper_threads(), self._load)

    async def _start_in_thread(self, engine: Engine, request: Request) -> Pending:
        """Tokenise and queue on a helper thread; a task cancelled meanwhile leaves nothing behind."""
        started = asyncio.get_running_loop().run_in_executor(self._helper_threads(), engine.pipeline.start, request)
        try:
            return await asyncio.shield(started)
        except asyncio.CancelledError:
            request.cancelled.set()
            started.add_done_callback(lambda done: _cancel_started(engine, done))
            raise

    def _checked_device(self, engine: Engine, device: str | None) -> str | None:
        if device is None or not engine.states:
            return None
        devices = {state.lane.device for state in engine.states}
        if device not in devices | {name.split(":")[0] for name in devices}:
            raise InputError(f"use_device is {device!r}, but the devices at work are {', '.join(sorted(devices))}")
        return device

    def _run(
        self,
        engine: Engine,
        pieces: list[list[str]],
        request: Request,
        timeout_s: float | None,
        bar: ProgressBar,
    ) -> tuple[Vectors, Report]:
        results, report = [], Report(n_texts=0)
        try:
            for piece in pieces:
                pending = engine.pipeline.start(replace(request, texts=piece))
                results.append(engine.pipeline.finish(pending, timeout_s=timeout_s))
                report.add(pending.report)
                bar.advance(len(piece))
        finally:
            bar.close()
        if len(results) == 1:
            return results[0], report
        return np.concatenate(results), report

    def after_fork(self) -> None:
        """Forget lanes and threads of the parent process; the next call loads new ones."""
        self._lock = threading.RLock()
        self._engine = None
        self._helpers = None


def _cancel_started(engine: Engine, started: asyncio.Future[Pending]) -> None:
    if started.exception() is None:
        engine.pipeline.cancel(started.result().job)


def _rebuild(settings: Settings) -> EmbeddingService:
    return EmbeddingService(settings=settings)


def _checked(texts: str | Sequence[str], *, offset: int = 0) -> list[str]:
    rows = [texts] if isinstance(texts, str) else list(texts)
    for index, text in enumerate(rows, start=offset):
        if not isinstance(text, str):
            raise InputError(f"text {index} is {type(text).__name__}, expected str; nothing was embedded", index=index)
    return rows
