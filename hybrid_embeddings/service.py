"""The front door: :class:`EmbeddingService`."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, overload

from hybrid_embeddings import calls
from hybrid_embeddings.code_text import function_text
from hybrid_embeddings.inputs import check_count, check_options, checked_documents, checked_stream, checked_texts
from hybrid_embeddings.pipeline import Request
from hybrid_embeddings.progress import ProgressBar
from hybrid_embeddings.runtime import Runtime
from hybrid_embeddings.service_facts import ServiceFacts
from hybrid_embeddings.settings import Settings
from hybrid_embeddings.types import Importance, Kind, OnTruncate, Report, Vectors

if TYPE_CHECKING:
    from typing_extensions import Self


class EmbeddingService(ServiceFacts):
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
        super().__init__(Runtime(settings))
        # Lanes hold threads: a service that is dropped without close() must give them back.
        weakref.finalize(self, self._runtime.close_in_background).atexit = False

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
        on_truncate: OnTruncate = "ignore",
        importance: Importance | None = None,
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
        on_truncate: OnTruncate = "ignore",
        importance: Importance | None = None,
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
        on_truncate: OnTruncate = "ignore",
        importance: Importance | None = None,
        return_report: bool = False,
    ) -> Vectors | tuple[Vectors, Report]:
        """Embed one text or many.

        Args:
            texts: one string, or a list of strings. Nothing is stripped, cut out or dropped.
            batch_size: texts handed to the engine at once; it forms its own batches by tokens, so this only
                bounds memory. Not set: all of them.
            show_progress: draw a progress bar on standard error.
            use_device: ``cpu``, ``cuda`` or ``cuda:1``: only this device; caches are not asked. Not set: all.
            kind: which prompt of the model is put before the texts; ``text`` does what
                ``SentenceTransformer.encode`` does.
            timeout_s: seconds for the whole call. Not set: as long as it takes.
            on_truncate: what to do with a text that is longer than the model reads: cut it, cut it and log a
                warning, or raise :class:`InputError`.
            importance: how exactly Redis and SQL store the vectors: ``critical`` in float32, ``normal`` in int16,
                ``background`` in int8, if the settings do not say otherwise. Vectors that were stored less exactly
                are computed again. Not set: see EMBEDDING_QUANTIZATION_IMPORTANCE.
            return_report: also return a :class:`Report` with truncated rows, tokens and lanes.

        Returns:
            float32. A string gives shape (dim,), a list of n strings (n, dim), an empty list (0, dim).

        Raises:
            InputError: an element is not a string or no valid Unicode; names its index.
            DeadlineExceeded, Overloaded, NoLaneAvailable, BadVector, ServiceClosed: see the errors module.
        """
        check_options(kind, timeout_s, on_truncate, batch_size, importance)
        request = Request(checked_texts(texts), kind, use_device, _is_query(texts, kind), on_truncate, importance)
        vectors, report = calls.in_pieces(
            self._runtime.engine(),
            request,
            step=batch_size or max(len(request.texts), 1),
            timeout_s=timeout_s,
            bar=ProgressBar(len(request.texts), wanted=show_progress),
        )
        result = vectors[0] if isinstance(texts, str) else vectors
        return (result, report) if return_report else result

    def encode_query(self, text: str | Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed questions with the query prompt of the model. They go before bulk work. See :meth:`encode`."""
        return self.encode(text, kind="query", timeout_s=timeout_s)

    def encode_documents(
        self, texts: Sequence[str], *, show_progress: bool = False, timeout_s: float | None = None
    ) -> Vectors:
        """Embed passages with the document prompt of the model. float32, shape (n, dim). See :meth:`encode`."""
        texts = checked_documents(texts, "encode_documents")
        return self.encode(texts, show_progress=show_progress, kind="document", timeout_s=timeout_s)

    @overload
    async def aencode(
        self,
        texts: str | Sequence[str],
        *,
        kind: Kind = "text",
        use_device: str | None = None,
        timeout_s: float | None = None,
        return_report: Literal[False] = False,
    ) -> Vectors: ...
    @overload
    async def aencode(
        self,
        texts: str | Sequence[str],
        *,
        kind: Kind = "text",
        use_device: str | None = None,
        timeout_s: float | None = None,
        return_report: Literal[True],
    ) -> tuple[Vectors, Report]: ...
    async def aencode(
        self,
        texts: str | Sequence[str],
        *,
        kind: Kind = "text",
        use_device: str | None = None,
        timeout_s: float | None = None,
        return_report: bool = False,
    ) -> Vectors | tuple[Vectors, Report]:
        """Embed like :meth:`encode` without blocking the event loop; cancelling the task withdraws the work."""
        check_options(kind, timeout_s)
        request = Request(checked_texts(texts), kind, use_device, _is_query(texts, kind))
        vectors, report = await calls.awaited(self._runtime, request, timeout_s=timeout_s)
        result = vectors[0] if isinstance(texts, str) else vectors
        return (result, report) if return_report else result

    async def aencode_query(self, text: str | Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed a question without blocking the event loop. See :meth:`encode_query`."""
        return await self.aencode(text, kind="query", timeout_s=timeout_s)

    async def aencode_documents(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Vectors:
        """Embed passages without blocking the event loop. See :meth:`encode_documents`."""
        texts = checked_documents(texts, "aencode_documents")
        return await self.aencode(texts, kind="document", timeout_s=timeout_s)

    def embed_iter(
        self, texts: Iterable[str], *, kind: Kind = "document", window: int = 2048, show_progress: bool = False
    ) -> Iterator[Vectors]:
        """Embed a stream that does not fit into memory: yields vectors of shape (dim,), one per text, in order.

        At most two windows of ``window`` texts are held at a time; the second is queued while the first is read.

        Raises:
            InputError: ``texts`` is one string, or nothing that texts come from. A bad element is named when its
                window is read.
        """
        check_options(kind, None)
        check_count("window", window)
        bar = ProgressBar(None, wanted=show_progress)
        return calls.stream(self._runtime, checked_stream(texts), kind, window=window, bar=bar)

    def encode_code(self, code: str | Sequence[str]) -> Vectors:
        """Embed source code as documents, unchanged. A string gives (dim,), a list (n, dim)."""
        return self.encode(code, kind="document")

    def encode_function(self, function: Mapping[str, object]) -> Vectors:
        """Embed the description of a 1C function: name, description, parameters, region. Shape (dim,).

        Raises:
            InputError: no name, or an unknown field.
        """
        return self.encode(function_text(function), kind="document")

    # -------------------------------------------------------------- lifecycle

    def load(self) -> Self:
        """Load the model now rather than at the first call. Returns itself."""
        self._runtime.engine()
        return self

    def close(self) -> None:
        """Stop the lanes and give their memory back. Calls that wait get ServiceClosed. Idempotent."""
        self._runtime.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EmbeddingService({self.model_name!r}, precision={self._runtime.settings.precision!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy in another process loads lanes of its own.
        return _rebuild, (self._runtime.settings,)


def _rebuild(settings: Settings) -> EmbeddingService:
    return EmbeddingService(settings=settings)


def _is_query(texts: str | Sequence[str], kind: Kind) -> bool:
    """Tell whether a call goes before bulk work: one string that is no document."""
    return isinstance(texts, str) and kind != "document"
