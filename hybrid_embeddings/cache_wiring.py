"""Puts the caches together. The only file that names concrete tiers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from hybrid_embeddings.cache import calibrations, codecs
from hybrid_embeddings.cache.federation import MOST_PER_MESSAGE, Federation, MessageFormat
from hybrid_embeddings.cache.guarded import GuardedTier
from hybrid_embeddings.cache.memory import MemoryTier
from hybrid_embeddings.cache.near import NearTier
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.cache.redis_tier import RedisStream, RedisTier
from hybrid_embeddings.cache.sql_tier import SqlTier
from hybrid_embeddings.cache.tiers import Storage, TieredCache
from hybrid_embeddings.cache.values import ByteValues
from hybrid_embeddings.errors import SettingsError
from hybrid_embeddings.events import Events
from hybrid_embeddings.keys import Space
from hybrid_embeddings.models.prepared import PreparedModel
from hybrid_embeddings.models.resolve import canonical_name
from hybrid_embeddings.ports import RecordTier
from hybrid_embeddings.resilience.breaker import Breaker
from hybrid_embeddings.settings import Settings, default_cache_dir
from hybrid_embeddings.types import Importance, Kind


def build_cache(
    settings: Settings,
    *,
    dimension: int,
    spaces: Iterable[Space] = (),
    with_stores: bool = True,
    events: Events | None = None,
) -> TieredCache | None:
    """Return the tiers that the settings ask for; None if caching is off.

    Args:
        settings: the options.
        dimension: length of the vectors.
        spaces: those that this process uses: news of near-duplicates in others are not for it.
        with_stores: False leaves Redis, SQL and near-duplicates out.
        events: who is told.

    Raises:
        SettingsError, MissingDependencyError: a tier cannot be built.
    """
    if not settings.cache_enabled:
        return None
    memory = MemoryTier(
        dimension,
        max_entries=settings.cache_size,
        max_bytes=settings.cache_max_mb * 2**20,
        ttl_s=settings.cache_ttl_s,
    )
    guarded = _guarded(settings, build_stores(settings) if with_stores else [], events)
    near = _near(settings, events) if with_stores and settings.semantic_mode != "off" else None
    federated = near is not None and settings.semantic_federation
    return TieredCache(
        memory,
        guarded,
        storage(settings, dimension),
        max_waiting=settings.cache_write_queue,
        near=near,
        federation=_federation(settings, near, spaces, dimension) if near is not None and federated else None,
        events=events,
    )


def _near(settings: Settings, events: Events | None) -> NearTier:
    return NearTier(
        mode="active" if settings.semantic_mode == "active" else "shadow",
        threshold=settings.semantic_threshold,
        max_entries=settings.semantic_size,
        exact_below=settings.semantic_exact_size,
        sample=settings.semantic_sample,
        secret=secret_of(settings),
        events=events,
    )


def _federation(settings: Settings, near: NearTier, spaces: Iterable[Space], dimension: int) -> Federation:
    if not settings.cache_redis_url:
        raise SettingsError("EMBEDDING_SEMANTIC_FEDERATION needs EMBEDDING_CACHE_REDIS_URL")
    secret = secret_of(settings)
    stream = RedisStream(
        settings.cache_redis_url,
        name=f"{settings.cache_redis_prefix}:near",
        # Twice what a process keeps, if all messages are full; a sixteenth of it, if each holds one text.
        max_messages=max(1, 2 * settings.semantic_size // MOST_PER_MESSAGE),
        timeout_s=settings.cache_timeout_s,
    )
    known = {space.digest(secret): space for space in spaces}
    return Federation(stream, near, known, MessageFormat(dimension, secret))


def build_stores(settings: Settings) -> list[RecordTier]:
    """Return the tiers outside this process, fastest first.

    Raises:
        SettingsError, MissingDependencyError: a URL cannot be used, a library is not installed.
    """
    stores: list[RecordTier] = []
    if settings.cache_redis_url:
        stores.append(
            RedisTier(
                settings.cache_redis_url,
                prefix=settings.cache_redis_prefix,
                ttl_s=settings.cache_redis_ttl_s,
                timeout_s=settings.cache_timeout_s,
            )
        )
    if settings.cache_sql_url:
        stores.append(
            SqlTier(
                _sql_url(settings, settings.cache_sql_url),
                ttl_s=settings.cache_sql_ttl_s,
                timeout_s=settings.cache_timeout_s,
                max_entries=settings.cache_sql_size,
            )
        )
    return stores


def build_values(settings: Settings, *, namespace: str) -> ByteValues:
    """Return a store of any bytes by name in Redis, SQL, or both.

    Raises:
        SettingsError, MissingDependencyError: no store is set, or it cannot be used.
    """
    stores = build_stores(settings)
    if not stores:
        raise SettingsError("there is no store: set EMBEDDING_CACHE_REDIS_URL or EMBEDDING_CACHE_SQL_URL")
    return ByteValues(_guarded(settings, stores), namespace=namespace, secret=secret_of(settings))


def storage(settings: Settings, dimension: int) -> Storage:
    """Return how vectors of a dimension are stored outside this process.

    Raises:
        SettingsError: int8-calibrated is wanted, and there is no calibration of this dimension.
    """
    known = calibrations.read(settings.quantization_calibration) if settings.quantization_calibration else []
    of_dimension = [one for one in known if len(one.scales) == dimension]
    chosen: dict[Importance, codecs.Codec] = {
        "critical": codecs.FLOAT32,
        "normal": codecs.CODECS[settings.quantization_normal] if settings.quantization else codecs.FLOAT32,
        "background": codecs.CODECS[settings.quantization_background] if settings.quantization else codecs.FLOAT32,
    }
    if codecs.INT8_CALIBRATED in chosen.values() and not of_dimension:
        raise SettingsError(
            f"int8-calibrated needs a calibration for {dimension} dimensions; make one with "
            "`hybrid-embeddings cache calibrate FILE` and set EMBEDDING_QUANTIZATION_CALIBRATION=FILE"
        )
    records = RecordFormat(
        dimension,
        secret=secret_of(settings),
        calibration=of_dimension[-1] if of_dimension else None,
        calibrations={one.number: one for one in of_dimension},
    )
    return Storage(records, chosen, default=default_importance(settings))


def default_importance(settings: Settings) -> Importance:
    """Return the importance of calls that give none."""
    given = settings.quantization_importance
    if given == "background":
        return "background"
    if given == "critical" or (given is None and settings.precision == "exact"):
        return "critical"
    return "normal"


def secret_of(settings: Settings) -> bytes:
    """Return the key of digests, 32 bytes; empty without a secret."""
    if not settings.cache_secret:
        return b""
    return hashlib.blake2b(settings.cache_secret.encode("utf-8", "surrogatepass"), digest_size=32).digest()


def spaces_of(settings: Settings, model: PreparedModel, prompts: dict[Kind, str]) -> dict[Kind, Space]:
    """Return what the vectors of each kind of text belong to."""
    card = model.card
    is_directory = Path(settings.model).expanduser().is_dir()
    return {
        kind: Space(
            model="directory" if is_directory else canonical_name(settings.model),
            weights=model.fingerprint,
            kind=kind,
            prompt=prompt,
            pooling="prompt included" if card.pools_prompt else "prompt left out",
            max_tokens=settings.max_tokens or card.max_tokens,
            dimension=min(settings.truncate_dim or card.dimension, card.dimension),
            normalize=card.normalizes if settings.normalize is None else settings.normalize,
            # A static model has one arithmetic only.
            numeric_class="exact" if card.is_static else settings.precision,
        )
        for kind, prompt in prompts.items()
    }


def _guarded(settings: Settings, stores: Sequence[RecordTier], events: Events | None = None) -> list[GuardedTier]:
    def breaker() -> Breaker:
        return Breaker(threshold=settings.breaker_threshold_cache, timeout_s=settings.breaker_timeout_cache_s)

    return [GuardedTier(store, breaker(), events) for store in stores]


def _sql_url(settings: Settings, url: str) -> str:
    if url != "sqlite":
        return url
    return f"sqlite:///{(settings.cache_dir or default_cache_dir()) / 'vectors.sqlite'}"
