"""Every option of the engine, once: its argument, its environment variable and its line in ``.env``.

Values are taken from, in this order: arguments, environment, ``.env`` in the working directory, defaults.
They are read when a service is built and then passed on as plain values; nothing below reads the environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import SettingsError
from hybrid_embeddings.model_settings import ModelSettings
from hybrid_embeddings.options import (
    check,
    choice,
    inner_share,
    option,
    parsed,
    path,
    positive_float,
    positive_int,
    read_env_file,
    share,
    text,
    truth,
)

Targets = tuple[tuple[str, float], ...]
# What a healthy service reaches, for the lines of dashboards and for alerts; shares but for the throughput.
TARGETS: Targets = (
    ("texts_per_s", 2000.0),
    ("texts_per_s_four_gpus", 5000.0),
    ("cache_hit_rate", 0.8),
    ("memory_hit_rate", 0.6),
    ("near_hit_rate", 0.05),
    ("gpu_usage_min", 0.8),
    ("gpu_usage_max", 0.95),
    ("cpu_usage_min", 0.6),
    ("cpu_usage_max", 0.8),
    ("memory_usage_max", 0.8),
    ("slo_compliance", 0.99),
    ("error_rate_critical", 0.01),
)


def _targets(value: str | Targets) -> Targets:
    """Read ``name=number`` pairs between commas; those that are not named keep their defaults."""
    pairs = [pair.partition("=")[::2] for pair in value.split(",") if pair.strip()] if isinstance(value, str) else value
    targets = dict(TARGETS)
    for name, number in pairs:
        if name.strip() not in targets:
            raise ValueError(f"there is no target {name.strip()!r}; targets: {', '.join(targets)}")
        targets[name.strip()] = float(number)
    return tuple(targets.items())


def default_cache_dir() -> Path:
    """Return the per-user folder for prepared models, by the custom of the operating system.

    Raises:
        SettingsError: the user has no home folder.
    """
    try:
        return _user_cache_dir() / "hybrid-embeddings"
    except RuntimeError as error:
        raise SettingsError(f"{error}; set EMBEDDING_MODEL_CACHE_DIR") from error


def _user_cache_dir() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ModelSettings):
    """Options of an :class:`EmbeddingService`. Build it with :meth:`load`, or directly for full control.

    Raises:
        SettingsError: a value that cannot be used; names the option.
    """

    cache_enabled: bool = option(
        True, "EMBEDDING_CACHE_ENABLED", truth, "Keep vectors of texts and use them again. Off: no tier at all."
    )
    cache_size: int = option(1000, "EMBEDDING_CACHE_SIZE", positive_int, "Most vectors in the memory tier.")
    cache_ttl_s: float = option(
        3600.0, "EMBEDDING_CACHE_TTL", positive_float, "Seconds until the memory tier forgets a vector."
    )
    cache_max_mb: int = option(
        256, "EMBEDDING_CACHE_MAX_MB", positive_int, "Most MiB of vectors and texts in the memory tier."
    )
    cache_redis_url: str | None = option(
        None,
        "EMBEDDING_CACHE_REDIS_URL",
        text,
        "Redis tier: redis://, rediss:// (TLS) or unix://. Not set: no such tier.",
        secret=True,
    )
    cache_redis_prefix: str = option(
        "hybrid-embeddings", "EMBEDDING_CACHE_REDIS_PREFIX", text, "What all keys in Redis begin with."
    )
    cache_redis_ttl_s: float = option(
        604_800.0, "EMBEDDING_CACHE_REDIS_TTL", positive_float, "Seconds until Redis forgets a vector."
    )
    cache_sql_url: str | None = option(
        None,
        "EMBEDDING_CACHE_SQL_URL",
        text,
        "SQL tier: a URL of SQLAlchemy (sqlite, postgresql, mysql, mariadb), or sqlite alone for a file in the user's "
        "cache folder. Not set: no such tier.",
        secret=True,
    )
    cache_sql_ttl_s: float = option(
        2_592_000.0, "EMBEDDING_CACHE_SQL_TTL", positive_float, "Seconds until the SQL tier forgets a vector."
    )
    cache_sql_size: int = option(
        1_000_000, "EMBEDDING_CACHE_SQL_SIZE", positive_int, "About how many vectors the SQL tier keeps."
    )
    cache_timeout_s: float = option(
        1.0, "EMBEDDING_CACHE_TIMEOUT", positive_float, "Seconds to wait for Redis or the database."
    )
    cache_secret: str | None = option(
        None,
        "EMBEDDING_CACHE_SECRET",
        text,
        "Secret of all who share a store: keys cannot be guessed, records cannot be forged. Not set: plain digests.",
        secret=True,
    )
    cache_write_queue: int = option(
        20_000,
        "EMBEDDING_CACHE_WRITE_QUEUE",
        positive_int,
        "Most vectors that wait to be written to the slower tiers; more are not stored there.",
    )
    breaker_threshold_cache: int = option(
        5, "EMBEDDING_CACHE_CB_THRESHOLD", positive_int, "Failures in a row that take a cache tier out of service."
    )
    breaker_timeout_cache_s: float = option(
        60.0, "EMBEDDING_CACHE_CB_TIMEOUT", positive_float, "Seconds until a cache tier is tried again."
    )
    quantization: bool = option(
        True,
        "EMBEDDING_QUANTIZATION_ENABLED",
        truth,
        "Store vectors in Redis and SQL in fewer bits, by importance. Off: float32.",
    )
    quantization_importance: str | None = option(
        None,
        "EMBEDDING_QUANTIZATION_IMPORTANCE",
        choice("critical", "normal", "background"),
        "Importance of calls that give none. critical is stored in float32. Not set: critical with exact precision, "
        "else normal.",
    )
    quantization_normal: str = option(
        "int16",
        "EMBEDDING_QUANTIZATION_NORMAL",
        choice("float32", "float16", "int16", "int8", "int8-calibrated"),
        "How vectors of normal importance are stored: float32, float16, int16, int8 or int8-calibrated.",
    )
    quantization_background: str = option(
        "int8",
        "EMBEDDING_QUANTIZATION_BACKGROUND",
        choice("float32", "float16", "int16", "int8", "int8-calibrated"),
        "How vectors of background importance are stored.",
    )
    quantization_calibration: Path | None = option(
        None,
        "EMBEDDING_QUANTIZATION_CALIBRATION",
        path,
        "File with the scales of int8-calibrated, made by: hybrid-embeddings cache calibrate.",
    )
    slo_tracking: bool = option(
        True, "EMBEDDING_SLO_TRACKING", truth, "Keep objectives and their error budgets, see get_advanced_stats()."
    )
    slo_latency_p50_ms: float = option(
        20.0, "EMBEDDING_SLO_LATENCY_P50_MS", positive_float, "Half of the calls with one text take at most this."
    )
    slo_latency_p95_ms: float = option(
        100.0, "EMBEDDING_SLO_LATENCY_P95_MS", positive_float, "95 % of the calls with one text take at most this."
    )
    slo_latency_p99_ms: float = option(
        200.0, "EMBEDDING_SLO_LATENCY_P99_MS", positive_float, "99 % of the calls with one text take at most this."
    )
    slo_error_rate: float = option(
        0.001, "EMBEDDING_SLO_ERROR_RATE", inner_share, "Share of calls that may fail by a fault of the service."
    )
    slo_availability: float = option(
        0.999, "EMBEDDING_SLO_AVAILABILITY", inner_share, "Share of calls that the service takes on."
    )
    slo_cache_hit_rate: float = option(
        0.7, "EMBEDDING_SLO_CACHE_HIT_RATE", inner_share, "Share of distinct texts of calls that a cache has."
    )
    slo_window_s: float = option(
        3600.0, "EMBEDDING_SLO_WINDOW", positive_float, "Seconds over which objectives are judged, but availability."
    )
    slo_availability_window_s: float = option(
        86_400.0, "EMBEDDING_SLO_AVAILABILITY_WINDOW", positive_float, "Seconds over which availability is judged."
    )
    targets: Targets = option(
        TARGETS,
        "EMBEDDING_TARGETS",
        _targets,
        "Targets that dashboards show and alerts use, as name=number between commas; others keep their defaults.",
    )

    semantic_mode: str = option(
        "off",
        "EMBEDDING_SEMANTIC_MODE",
        choice("off", "shadow", "active"),
        "Near-duplicate tier: off, shadow (measures what it would have answered) or active.",
    )
    semantic_threshold: float = option(
        0.95,
        "EMBEDDING_SEMANTIC_THRESHOLD",
        share,
        "Least estimated true cosine of a near-duplicate that is used; hits are held to 0.98 in any case.",
    )
    semantic_size: int = option(
        10_000, "EMBEDDING_SEMANTIC_SIZE", positive_int, "Most texts that the near-duplicate tier knows, per kind."
    )
    semantic_exact_size: int = option(
        2000, "EMBEDDING_SEMANTIC_EXACT_SIZE", positive_int, "Texts up to which it searches exactly; above by HNSW."
    )
    semantic_sample: float = option(
        0.05,
        "EMBEDDING_SEMANTIC_SAMPLE",
        share,
        "Share of near-duplicates that are computed all the same, to measure the error.",
    )
    semantic_federation: bool = option(
        False,
        "EMBEDDING_SEMANTIC_FEDERATION",
        truth,
        "Exchange near-duplicates with the other processes on the same Redis (EMBEDDING_CACHE_REDIS_URL).",
    )

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                check(each.metadata["parse"], value, f"argument {each.name}", secret=each.metadata["secret"])

    @classmethod
    def load(
        cls,
        *,
        environ: Mapping[str, str] | None = None,
        env_file: str | os.PathLike[str] | None = ".env",
        **arguments: Any,
    ) -> Settings:
        """Combine arguments, environment, ``.env`` and defaults.

        Args:
            environ: variables to read instead of those of the process.
            env_file: path of the ``.env`` file; a missing file is fine, None reads none.
            **arguments: names of the fields of this class; None means "not given".

        Raises:
            SettingsError: unknown option, or a value that cannot be used; names where it came from.
        """
        variables = os.environ if environ is None else environ
        from_file = read_env_file(Path(env_file)) if env_file is not None else {}
        known = {each.name: each for each in fields(cls)}
        values: dict[str, Any] = {}
        for name in arguments:
            if name not in known:
                raise SettingsError(f"unknown option {name!r}; known options: {', '.join(sorted(known))}")
        for name, each in known.items():
            env = each.metadata["env"]
            for origin, raw in (
                (f"argument {name}", arguments.get(name)),
                (f"environment variable {env}", variables.get(env) or None),
                (f"{env} in {env_file}", from_file.get(env) or None),
            ):
                if raw is not None:
                    values[name] = parsed(each.metadata["parse"], raw, origin, secret=each.metadata["secret"])
                    break
        return cls(**values)


def _as_text(value: Any) -> str:
    """Return a value as it would stand in the environment."""
    return ",".join(f"{name}={number:g}" for name, number in value) if isinstance(value, tuple) else str(value)


def describe() -> list[tuple[str, str, str]]:
    """Return (environment variable, default, meaning) of every option, for ``env.example`` and the docs."""
    rows = []
    for each in fields(Settings):
        default = "" if each.default is None else _as_text(each.default)
        rows.append((each.metadata["env"], default, each.metadata["meaning"]))
    return rows
