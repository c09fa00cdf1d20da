"""Puts the parts together: one engine from settings and a prepared model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hybrid_embeddings.cache_wiring import build_cache, spaces_of
from hybrid_embeddings.errors import SettingsError
from hybrid_embeddings.events import Events
from hybrid_embeddings.finishing import Finishing
from hybrid_embeddings.lane_wiring import LaneFactory, build_lanes, lane_factories
from hybrid_embeddings.models.prepared import PreparedModel
from hybrid_embeddings.models.static import StaticModel
from hybrid_embeddings.models.tokenizer import TextTokenizer
from hybrid_embeddings.observability.objectives import Promises, objectives
from hybrid_embeddings.observability.slo import SloTracker
from hybrid_embeddings.pipeline import Pipeline
from hybrid_embeddings.ports import VectorCache
from hybrid_embeddings.scheduling.dispatcher import Dispatcher
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.settings import Settings
from hybrid_embeddings.types import Kind


def build_tracker(settings: Settings) -> SloTracker | None:
    """Return what keeps the objectives of a service; None if they are not to be kept."""
    if not settings.slo_tracking:
        return None
    return SloTracker(
        objectives(
            Promises(
                latency_p50_ms=settings.slo_latency_p50_ms,
                latency_p95_ms=settings.slo_latency_p95_ms,
                latency_p99_ms=settings.slo_latency_p99_ms,
                error_rate=settings.slo_error_rate,
                availability=settings.slo_availability,
                cache_hit_rate=settings.slo_cache_hit_rate,
                window_s=settings.slo_window_s,
                availability_window_s=settings.slo_availability_window_s,
            )
        )
    )


@dataclass(slots=True)
class Engine:
    """A running engine: what :class:`EmbeddingService` drives."""

    pipeline: Pipeline
    refused: dict[str, str] = field(default_factory=dict)  # lane → why it does not work

    @property
    def states(self) -> list[LaneState]:
        """The lanes at work; none for a static model."""
        return self.pipeline.dispatcher.states if self.pipeline.dispatcher else []

    @property
    def cache(self) -> VectorCache | None:
        """All cache tiers; None if caching is off."""
        return self.pipeline.finishing.cache

    def close(self) -> None:
        """Stop the lanes, and write what the caches have not written yet."""
        close_cache = self.cache.close if self.cache is not None else lambda: None
        if self.pipeline.dispatcher is not None:
            self.pipeline.dispatcher.close(before_lanes=close_cache)
        else:
            close_cache()


def build_engine(
    settings: Settings,
    model: PreparedModel,
    *,
    factories: Mapping[str, LaneFactory] | None = None,
    events: Events | None = None,
) -> Engine:
    """Load a model onto every device that passes the lane check.

    Args:
        settings: the options.
        model: the prepared model.
        factories: lanes to build instead of those for the devices of this machine.
        events: who is told.

    Raises:
        NoLaneAvailable: no device can run the model; one cause per device.
        SettingsError: ``max_tokens`` or ``truncate_dim`` exceeds what the model has.
    """
    events = events if events is not None else Events()
    card = model.card
    tokenizer = TextTokenizer(
        model.tokenizer_definition(),
        max_tokens=_token_limit(settings, model),
        add_special_tokens=not card.is_static,
    )
    prompts = prompts_of(settings, model)
    finishing = _finishing(settings, model, prompts, events)
    dispatcher, static = None, None
    refused: dict[str, str] = {}
    try:
        if card.is_static:
            static = StaticModel(model.static_weights(), normalizes=card.normalizes)
        else:
            factories = factories or lane_factories(settings, model)
            states, refused = build_lanes(settings, model, tokenizer, factories, events)
            dispatcher = _dispatcher(settings, states, finishing, events)
    except BaseException:  # the caches have threads and connections, and the next call tries again
        if finishing.cache is not None:
            finishing.cache.close()
        raise
    pipeline = Pipeline(
        card=card,
        tokenizer=tokenizer,
        prompts=prompts,
        dispatcher=dispatcher,
        static=static,
        finishing=finishing,
        events=events,
    )
    return Engine(pipeline, refused)


def _finishing(settings: Settings, model: PreparedModel, prompts: dict[Kind, str], events: Events) -> Finishing:
    card, wanted = model.card, settings.truncate_dim
    if wanted is not None and wanted > card.dimension:
        raise SettingsError(f"truncate_dim is {wanted}, but the model has {card.dimension} dimensions")
    spaces = spaces_of(settings, model, prompts)
    cache = build_cache(
        settings,
        dimension=wanted or card.dimension,
        spaces=spaces.values(),
        # A static model computes a vector in less time than another process needs to send it.
        with_stores=not card.is_static,
        events=events,
    )
    return Finishing(card, truncate_dim=wanted, normalize=settings.normalize, cache=cache, spaces=spaces)


def _dispatcher(settings: Settings, states: Sequence[LaneState], finishing: Finishing, events: Events) -> Dispatcher:
    return Dispatcher(
        states,
        dimension=finishing.card.dimension,
        max_queued_tokens=settings.max_queued_tokens,
        operation_timeout_s=settings.operation_timeout_s,
        hybrid=settings.hybrid_mode,
        on_computed=finishing.remember,
        events=events,
    )


def _token_limit(settings: Settings, model: PreparedModel) -> int | None:
    limit = model.card.max_tokens
    if settings.max_tokens is None:
        return limit
    if limit is not None and settings.max_tokens > limit:
        raise SettingsError(f"max_tokens is {settings.max_tokens}, but the model reads at most {limit} tokens")
    if settings.max_tokens < 3 and not model.card.is_static:
        raise SettingsError("max_tokens must be at least 3: special tokens are counted")
    return settings.max_tokens


def prompts_of(settings: Settings, model: PreparedModel) -> dict[Kind, str]:
    """Return what is put before the texts of each kind.

    Raises:
        SettingsError: a prompt is given that the model cannot take.
    """
    prompts = dict(model.card.prompts)
    given: dict[Kind, str | None] = {"query": settings.query_prompt, "document": settings.document_prompt}
    for kind, prompt in given.items():
        if prompt is not None:
            if not model.card.pools_prompt:
                raise SettingsError(f"the {kind} prompt cannot be changed: this model leaves it out of the pooling")
            prompts[kind] = prompt
    return prompts
