"""Lanes for the devices of this machine, each checked before it takes part. Names the concrete lanes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from hybrid_embeddings.errors import HybridEmbeddingsError, MissingDependencyError, NoLaneAvailable
from hybrid_embeddings.events import Events, LaneLoaded, LaneRefused
from hybrid_embeddings.models.canaries import canary_texts
from hybrid_embeddings.models.cuda_device import CudaDevice, cuda_devices
from hybrid_embeddings.models.devices import HostMemory, available_cores, has_fast_bfloat16
from hybrid_embeddings.models.lane_check import TOLERANCE, check_lane
from hybrid_embeddings.models.openvino_lane import OpenVinoLane
from hybrid_embeddings.models.prepared import PreparedModel
from hybrid_embeddings.models.tokenizer import TextTokenizer
from hybrid_embeddings.models.torch_device import HostDevice
from hybrid_embeddings.models.torch_lane import TorchLane
from hybrid_embeddings.ports import Lane, ReportsMemory
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.scheduling.budget import (
    BudgetPolicy,
    FixedBudget,
    FormulaBudget,
    MemoryLimit,
    activation_bytes_per_token,
)
from hybrid_embeddings.scheduling.cost import CostModel
from hybrid_embeddings.scheduling.lane import LaneState
from hybrid_embeddings.scheduling.predictive import PredictiveBudget
from hybrid_embeddings.settings import Settings
from hybrid_embeddings.types import Attempt, MemoryReading, ModelCard, Precision, TokenizedText

_log = logging.getLogger("hybrid_embeddings")

# Well above what full batches take on any device measured: it only cuts where a model is too heavy for its device,
# so that what comes next does not wait long and no batch comes near the operation time-out.
_BATCH_TARGET_S = 2.0

LaneFactory = Callable[[Attempt], Lane]

# Lanes that are built only if another one is refused: OpenVINO may convert a model without an error, and wrongly.
_INSTEAD_OF = {"cpu:torch": "cpu"}
# What is tried on a device, best first, until one passes the lane check.
_ATTEMPTS: dict[Precision, tuple[Attempt, ...]] = {"fast": ("fast", "wide", "exact"), "exact": ("exact",)}
_CUDA_NUMERIC: dict[Attempt, str] = {"fast": "float16", "wide": "bfloat16", "exact": "float32"}


def lane_factories(settings: Settings, model: PreparedModel) -> dict[str, LaneFactory]:
    """Return what builds a lane for each device of this machine that the settings let take part."""
    factories: dict[str, LaneFactory] = {}
    devices = cuda_devices()
    for device in devices if settings.multi_gpu else devices[:1]:
        factories[device] = _cuda_factory(settings, model, device)
    if not devices or settings.hybrid_mode:
        factories["cpu"] = _cpu_factory(settings, model)
        if settings.cpu_backend == "auto":
            factories["cpu:torch"] = _torch_factory(model)
    return factories


def _cuda_factory(settings: Settings, model: PreparedModel, device: str) -> LaneFactory:
    def build(attempt: Attempt) -> Lane:
        cuda = CudaDevice(device, pool_bytes=_pool_bytes(settings))
        return TorchLane(model.source, model.card, cuda, numeric_class=_CUDA_NUMERIC[attempt])

    return build


def _pool_bytes(settings: Settings) -> int:
    return settings.gpu_memory_pool_mb * 2**20 if settings.gpu_memory_pool else 0


def _torch_factory(model: PreparedModel) -> LaneFactory:
    def build(attempt: Attempt) -> Lane:
        numeric_class = "bfloat16" if attempt == "fast" and has_fast_bfloat16() else "float32"
        return TorchLane(model.source, model.card, HostDevice(), numeric_class=numeric_class)

    return build


def _cpu_factory(settings: Settings, model: PreparedModel) -> LaneFactory:
    n_threads = settings.cpu_threads or available_cores()
    torch_lane = _torch_factory(model)
    if settings.cpu_backend == "torch":
        return torch_lane

    def build(attempt: Attempt) -> Lane:
        try:
            return OpenVinoLane(model, precision="fast" if attempt == "fast" else "exact", n_threads=n_threads)
        except HybridEmbeddingsError as error:
            if settings.cpu_backend == "openvino":
                raise
            level = logging.INFO if isinstance(error, MissingDependencyError) else logging.WARNING
            _log.log(level, "OpenVINO does not run this model, torch does: %s", error)
            return torch_lane(attempt)

    return build


def build_lanes(
    settings: Settings,
    model: PreparedModel,
    tokenizer: TextTokenizer,
    factories: Mapping[str, LaneFactory],
    events: Events,
) -> tuple[list[LaneState], dict[str, str]]:
    """Build a lane per factory and check it; return those that work, and why the others do not.

    Raises:
        NoLaneAvailable: none works; one cause per device.
    """
    canaries = tokenizer(canary_texts()) if settings.max_tokens is None else _full_length_canaries(model)
    states, refused = [], {}
    for name, factory in factories.items():
        if name in _INSTEAD_OF and _INSTEAD_OF[name] not in refused:
            continue
        try:
            states.append(_build_lane(settings, model, canaries, factory, events))
        # Drivers and libraries raise what they like: one device must not take the others down with it.
        except Exception as error:  # noqa: BLE001 - see above
            is_ours = isinstance(error, HybridEmbeddingsError)
            refused[name] = str(error) if is_ours else f"{type(error).__name__}: {error}"
            if events:
                events.emit(LaneRefused(name, type(error).__name__))
            _log.warning("%s does not take part: %s", name, refused[name], exc_info=not is_ours)
    if not states:
        raise NoLaneAvailable("no device of this machine can run the model:", causes=refused)
    return states, refused


def _full_length_canaries(model: PreparedModel) -> list[TokenizedText]:
    """Tokenise the canaries as the references were made: with the limit of the model itself."""
    tokenizer = TextTokenizer(model.tokenizer_definition(), max_tokens=model.card.max_tokens, add_special_tokens=True)
    return tokenizer(canary_texts())


def _build_lane(
    settings: Settings,
    model: PreparedModel,
    canaries: Sequence[TokenizedText],
    factory: LaneFactory,
    events: Events,
) -> LaneState:
    """Build a lane and check it; one that differs too much gets another chance in wider arithmetic."""
    started_s = time.perf_counter()
    wanted: Precision = "exact" if settings.precision == "exact" else "fast"
    attempts = _ATTEMPTS[wanted]
    reference = model.canary_vectors()
    for attempt in attempts:
        lane = factory(attempt)
        try:
            check = check_lane(lane, canaries, reference, tolerance=TOLERANCE[wanted])
            break
        except Exception as error:
            lane.close()
            if attempt == attempts[-1]:
                raise
            _log.warning("%s in %s: %s; trying wider arithmetic", lane.name, lane.numeric_class, error)
    cost = CostModel()
    for padded_tokens, seconds in check.timings:
        cost.observe(padded_tokens, seconds)
    is_gpu = lane.device != "cpu"
    breaker = Breaker(
        threshold=settings.breaker_threshold_gpu if is_gpu else settings.breaker_threshold_cpu,
        timeout_s=settings.breaker_timeout_gpu_s if is_gpu else settings.breaker_timeout_cpu_s,
    )
    _log.info("%s takes part in %s, 1-cos at most %.1e", lane.name, lane.numeric_class, check.worst)
    if events:
        events.emit(LaneLoaded(lane.name, lane.numeric_class, check.worst, time.perf_counter() - started_s))
    return LaneState(
        lane,
        breaker,
        cost,
        settings.max_batch_tokens or lane.max_batch_tokens,
        budget=_budget_policy(settings, lane, model.card),
        read_memory=_memory_source(settings, lane),
    )


def _budget_policy(settings: Settings, lane: Lane, card: ModelCard) -> BudgetPolicy:
    limit = MemoryLimit(
        activation_bytes_per_token(
            card.dimension,
            max_tokens=card.max_tokens,
            bytes_per_number=4 if lane.numeric_class == "float32" else 2,
        ),
        n_slots=lane.n_slots,
        max_bytes=None if settings.max_memory_mb is None else settings.max_memory_mb * 2**20,
    )
    if settings.predictive_batch:
        return PredictiveBudget(limit, limit_tokens=settings.max_batch_tokens)
    if settings.memory_aware_batching or settings.adaptive_batch_size or settings.max_memory_mb:
        return FormulaBudget(limit, target_s=_BATCH_TARGET_S if settings.adaptive_batch_size else None)
    return FixedBudget()


def _memory_source(settings: Settings, lane: Lane) -> Callable[[], MemoryReading]:
    """Return where the free memory for batches of a lane is read; a source that knows nothing if nobody does."""
    if not settings.memory_aware_batching:
        return MemoryReading
    if lane.device == "cpu":
        return HostMemory()
    return lane.memory if isinstance(lane, ReportsMemory) else MemoryReading
