"""The three ways to call an engine: piece by piece, as a stream, and from an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Literal

import numpy as np

from hybrid_embeddings.errors import DeadlineExceeded, InputError
from hybrid_embeddings.events import EncodeFailed, Events
from hybrid_embeddings.inputs import checked_device, checked_texts
from hybrid_embeddings.pipeline import Pending, Request
from hybrid_embeddings.progress import ProgressBar
from hybrid_embeddings.runtime import Runtime
from hybrid_embeddings.types import Kind, Report, Vectors
from hybrid_embeddings.wiring import Engine


def in_pieces(
    engine: Engine, request: Request, *, step: int, timeout_s: float | None, bar: ProgressBar
) -> tuple[Vectors, Report]:
    """Embed the texts of a request, at most ``step`` at a time. Returns float32, (n, dim), and the receipt."""
    request = _on_known_device(engine, request)
    request = replace(request, deadline_s=_deadline_s(timeout_s))
    results, report = [], Report(n_texts=0)
    try:
        for start in range(0, max(len(request.texts), 1), step):
            piece = request.texts[start : start + step]
            with _failures_told(engine.pipeline.events, request.kind, len(piece)):
                pending = engine.pipeline.start(replace(request, texts=piece))
                results.append(engine.pipeline.finish(pending, timeout_s=request.left_s()))
            report.add(pending.report)
            bar.advance(len(piece))
    finally:
        bar.close()
    return (results[0] if len(results) == 1 else np.concatenate(results)), report


def stream(runtime: Runtime, source: Iterator[str], kind: Kind, *, window: int, bar: ProgressBar) -> Iterator[Vectors]:
    """Yield one vector per text, in order; the next window of texts is queued while one is read."""
    engine = runtime.engine()
    queued: deque[Pending] = deque()
    n_before = 0
    try:
        while True:
            if rows := checked_texts(list(islice(source, window)), offset=n_before):
                n_before += len(rows)
                with _failures_told(engine.pipeline.events, kind, len(rows)):
                    queued.append(engine.pipeline.start(Request(rows, kind)))
            if not queued:
                return
            if len(queued) == 2 or not rows:
                with _failures_told(engine.pipeline.events, kind, queued[0].report.n_texts):
                    vectors = engine.pipeline.finish(queued.popleft())
                bar.advance(len(vectors))
                yield from vectors
    finally:
        for pending in queued:
            engine.pipeline.cancel(pending.job)
        bar.close()


async def awaited(runtime: Runtime, request: Request, *, timeout_s: float | None) -> tuple[Vectors, Report]:
    """Embed the texts of a request while the event loop runs on; cancelling the task withdraws the work."""
    engine = await runtime.engine_async()
    request = _on_known_device(engine, request)
    with _failures_told(engine.pipeline.events, request.kind, len(request.texts)):
        return await _awaited(runtime, engine, request, timeout_s)


async def _awaited(
    runtime: Runtime, engine: Engine, request: Request, timeout_s: float | None
) -> tuple[Vectors, Report]:
    request = replace(request, deadline_s=_deadline_s(timeout_s))
    pending = await runtime.start_async(engine, request)
    try:
        vectors = await asyncio.wait_for(asyncio.wrap_future(pending.job.future), request.left_s())
    except asyncio.TimeoutError:
        engine.pipeline.cancel(pending.job)
        raise DeadlineExceeded(f"the {timeout_s:g} s for {len(request.texts)} texts are over") from None
    except BaseException as error:  # noqa: BLE001 - raised again, after the work is withdrawn
        engine.pipeline.cancel(pending.job)
        raise engine.pipeline.in_terms_of_caller(pending, error) from error.__cause__
    return engine.pipeline.arrange(pending, vectors), pending.report


def _deadline_s(timeout_s: float | None) -> float | None:
    return None if timeout_s is None else time.monotonic() + timeout_s


@contextlib.contextmanager
def _failures_told(events: Events, kind: Kind, n_texts: int) -> Iterator[None]:
    """Tell of a call that ends with an error. One that was cancelled did not fail."""
    started_s = time.perf_counter()
    try:
        yield
    except Exception as error:
        if events:
            fault: Literal["caller", "service"] = "caller" if isinstance(error, InputError) else "service"
            events.emit(EncodeFailed(kind, type(error).__name__, n_texts, time.perf_counter() - started_s, fault))
        raise


def _on_known_device(engine: Engine, request: Request) -> Request:
    if request.device is None:
        return request
    return replace(request, device=checked_device(request.device, {state.lane.device for state in engine.states}))
