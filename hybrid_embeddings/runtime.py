"""The life of an engine: found, prepared, loaded at first use, closed, started over after a fork."""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from hybrid_embeddings.errors import DeadlineExceeded, ServiceClosed
from hybrid_embeddings.events import Events
from hybrid_embeddings.models.fingerprint import fingerprint
from hybrid_embeddings.models.prepared import PreparedModel, prepare
from hybrid_embeddings.models.resolve import resolve
from hybrid_embeddings.pipeline import Pending, Request
from hybrid_embeddings.ports import WorksInBackground
from hybrid_embeddings.resilience import fork
from hybrid_embeddings.settings import Settings, default_cache_dir
from hybrid_embeddings.wiring import Engine, build_engine, build_tracker

_T = TypeVar("_T")
_CLOSED = "the embedding service is closed; make a new one"


class Runtime:
    """One model with its options. Everything heavy happens at the first use; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        """Find the model; see :func:`hybrid_embeddings.models.resolve.resolve` for errors."""
        self.settings = settings
        self.events = Events()  # here, because who listens stays when an engine is closed or forked
        self.slo = build_tracker(settings)
        if self.slo is not None:
            self.events.subscribe(self.slo)
        self.found = resolve(settings.model, offline=settings.offline)
        self._prepared: PreparedModel | None = None
        self._engine: Engine | None = None
        self._of_parent: list[object] = []
        self._helpers: dict[bool, ThreadPoolExecutor] = {}
        self._closed = False
        self._lock = threading.RLock()
        # Another lock than that of the engine: an event loop asks for helpers while one of them loads the model.
        self._helpers_lock = threading.Lock()
        fork.watch(self)
        _close_at_exit(self)

    def prepared(self) -> PreparedModel:
        """Return the prepared model; the first time in the life of a model this takes seconds."""
        with self._lock:
            if self._prepared is None:
                cache_dir = self.settings.cache_dir or default_cache_dir()
                self._prepared = prepare(self.found.directory, fingerprint(self.found.directory), cache_dir)
            return self._prepared

    @property
    def running(self) -> Engine | None:
        """The engine if it has been started."""
        return self._engine

    def engine(self) -> Engine:
        """Return the running engine; start it if needed.

        Raises:
            ServiceClosed: after :meth:`close`.
        """
        engine = self._engine
        if engine is not None:
            return engine
        with self._lock:
            if self._closed:
                raise ServiceClosed(_CLOSED)
            if self._engine is None:
                self._engine = build_engine(self.settings, self.prepared(), events=self.events)
            return self._engine

    async def engine_async(self) -> Engine:
        """Return the running engine; starting it does not block the event loop."""
        if self._engine is not None:
            return self._engine
        return await self._on_helper(self.engine, for_queries=False)

    async def start_async(self, engine: Engine, request: Request) -> Pending:
        """Tokenise and queue without blocking the event loop: a small call at once, a large one on a helper thread.

        A task that is cancelled meanwhile, or whose time is over, leaves nothing behind.

        Raises:
            DeadlineExceeded: the time of the request is over.
        """
        if engine.pipeline.starts_at_once(request):
            return engine.pipeline.start(request)
        started = self._on_helper(partial(engine.pipeline.start, request), for_queries=request.is_query)
        try:
            # The thread looks at the time, too, but it may be busy with other calls.
            await asyncio.wait([started], timeout=request.left_s())
        except asyncio.CancelledError:
            _give_up(engine, request, started)
            raise
        if not started.done():
            _give_up(engine, request, started)
            raise DeadlineExceeded("the time of the call is over before its texts were tokenised")
        return started.result()

    def fingerprint(self) -> str:
        """Return a digest of the model and of the options that change vectors by more than rounding."""
        options = self.settings
        digest = hashlib.blake2b(self.prepared().fingerprint.encode(), digest_size=16)
        for value in (
            options.truncate_dim,
            options.normalize,
            options.max_tokens,
            options.query_prompt,
            options.document_prompt,
        ):
            encoded = repr(value).encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        return digest.hexdigest()

    def close(self) -> None:
        """Stop the engine. Idempotent."""
        with self._lock:
            self._closed = True
            engine, self._engine = self._engine, None
        with self._helpers_lock:
            helpers, self._helpers = self._helpers, {}
        if engine is not None:
            engine.close()
        for helper in helpers.values():
            helper.shutdown(wait=False)

    def close_in_background(self) -> None:
        """Close from the garbage collector, which may run on any thread, under any lock."""
        if self._engine is not None:
            threading.Thread(target=self.close, name="hybrid-embeddings-close", daemon=True).start()

    def before_fork(self) -> None:
        """Let lanes end what they do in the background."""
        for state in self._engine.states if self._engine is not None else ():
            if isinstance(state.lane, WorksInBackground):
                state.lane.settle()

    def after_fork(self) -> None:
        """Forget lanes and threads of the parent process; the next use starts new ones."""
        self._lock, self._helpers_lock = threading.RLock(), threading.Lock()
        # Kept, because native code that is torn down waits for threads, or a device, that this process does not have.
        self._of_parent.append(self._engine)
        self._engine = None
        self._helpers = {}
        if self.slo is not None:
            self.slo.after_fork()

    def _on_helper(self, work: Callable[[], _T], *, for_queries: bool) -> asyncio.Future[_T]:
        """Do something on the threads that tokenise for event loops; a query never waits behind bulk texts."""
        with self._helpers_lock:
            if self._closed:
                raise ServiceClosed(_CLOSED)
            if for_queries not in self._helpers:
                name = "hybrid-embeddings-query" if for_queries else "hybrid-embeddings-bulk"
                self._helpers[for_queries] = ThreadPoolExecutor(max_workers=2, thread_name_prefix=name)
            # Under the lock, because a pool that is closed meanwhile takes nothing more.
            return asyncio.wrap_future(self._helpers[for_queries].submit(work))


_running: weakref.WeakSet[Runtime] = weakref.WeakSet()


def _close_at_exit(runtime: Runtime) -> None:
    """See that lanes end before the interpreter does: a thread that comes back from native code later aborts it."""
    if not _running:
        atexit.unregister(_close_all)
        atexit.register(_close_all)
    _running.add(runtime)


def _close_all() -> None:
    for runtime in list(_running):
        runtime.close()


def _give_up(engine: Engine, request: Request, started: asyncio.Future[Pending]) -> None:
    """Withdraw a request whose texts are being queued on another thread."""

    def withdraw(done: asyncio.Future[Pending]) -> None:
        if not done.cancelled() and done.exception() is None:
            engine.pipeline.cancel(done.result().job)

    request.cancelled.set()
    started.add_done_callback(withdraw)
