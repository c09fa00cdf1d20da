"""What an :class:`EmbeddingService` can tell of itself: options, model, statistics, health."""

from __future__ import annotations

from typing import Any

from hybrid_embeddings import statistics
from hybrid_embeddings.events import Events
from hybrid_embeddings.models.resolve import ResolvedModel
from hybrid_embeddings.runtime import Runtime
from hybrid_embeddings.settings import Settings


class ServiceFacts:
    """The part of a service that computes nothing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    @property
    def events(self) -> Events:
        """Where to subscribe to what happens; see :mod:`hybrid_embeddings.events`."""
        return self._runtime.events

    @property
    def settings(self) -> Settings:
        """The options in force."""
        return self._runtime.settings

    @property
    def model_name(self) -> str:
        """Canonical name of the model, or its directory as given."""
        return self._runtime.found.name

    @property
    def model(self) -> ResolvedModel:
        """Where the model was found."""
        return self._runtime.found

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        own = self._runtime.prepared().card.dimension
        return min(self._runtime.settings.truncate_dim or own, own)

    @property
    def max_tokens(self) -> int | None:
        """Tokens that the model reads of one text, special tokens included; None: all."""
        return self._runtime.settings.max_tokens or self._runtime.prepared().card.max_tokens

    @property
    def fingerprint(self) -> str:
        """Hex digits that change when the model or an option changes the vectors by more than rounding."""
        return self._runtime.fingerprint()

    def is_hybrid_mode(self) -> bool:
        """Tell whether several devices share the work."""
        return (
            self._runtime.settings.hybrid_mode
            and len({state.lane.device for state in self._runtime.engine().states}) > 1
        )

    def explain(self) -> dict[str, Any]:
        """Return what every lane is and did, why it may get nothing, and which devices were refused and why."""
        return {
            "model": self.model_name,
            "origin": self._runtime.found.origin,
            **statistics.explain(self._runtime.engine()),
        }

    def get_device_stats(self) -> dict[str, float]:
        """Return calls per sort of device, texts, tokens, duplicates, cut texts and cache hits since the start."""
        return statistics.device_stats(self._runtime.engine())

    def get_cache_stats(self) -> dict[str, Any]:
        """Return size, limits, hits and misses of the caches, in all and per tier; texts are counted row by row."""
        return statistics.cache_stats(self._runtime.engine())

    def flush_cache(self, timeout_s: float | None = None) -> bool:
        """Wait until Redis and SQL have all vectors; False when the time is over before. :meth:`close` does it, too."""
        cache = self._runtime.engine().cache
        return cache is None or cache.flush(timeout_s)

    def get_performance_stats(self) -> dict[str, dict[str, float]]:
        """Return batches, seconds and speed per lane since the start."""
        return statistics.performance_stats(self._runtime.engine())

    def get_advanced_stats(self) -> dict[str, Any]:
        """Return all statistics in sections: requests, lanes, cache, health, objectives, targets.

        Never loads the model: before the first call only the sections that need none are there.
        """
        engine = self._runtime.running
        return {
            **(statistics.advanced_stats(engine) if engine is not None else {}),
            "slo": statistics.objective_stats(self._runtime.slo),
            "targets": dict(self.settings.targets),
        }

    def health_check(self) -> dict[str, Any]:
        """Return ``status`` healthy, degraded or unhealthy, for the service and per component.

        Raises:
            ServiceClosed, NoLaneAvailable: it was closed, or cannot be loaded, which this does if nobody did before.
        """
        return statistics.health(self._runtime.engine())
