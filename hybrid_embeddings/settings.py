"""Every option of the engine, once: its argument, its environment variable and its line in ``.env``.

Values are taken from, in this order: arguments, environment, ``.env`` in the working directory, defaults.
They are read when a service is built and then passed on as plain values; nothing below reads the environment.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hybrid_embeddings.errors import SettingsError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
_MOST_SECONDS = 1e9  # thirty years; every option with a fraction is a time
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
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def _bool(value: str) -> bool:
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError("expected one of 1, 0, true, false, yes, no, on, off")
    return word in _TRUE


def _positive_int(value: str | int) -> int:
    number = int(value)
    if number < 1:
        raise ValueError("expected a whole number of at least 1")
    return number


def _positive_float(value: str | float) -> float:
    number = float(value)
    if not 0 < number <= _MOST_SECONDS:
        raise ValueError(f"expected a number above 0, at most {_MOST_SECONDS:,.0f}")
    return number


def _inner_share(value: str | float) -> float:
    number = float(value)
    if not 0 < number < 1:
        raise ValueError("expected a share between 0 and 1, both excluded")
    return number


def _targets(value: str | Targets) -> Targets:
    """Read ``name=number`` pairs between commas; those that are not named keep their defaults."""
    pairs = [pair.split("=", 1) for pair in value.split(",") if pair.strip()] if isinstance(value, str) else value
    targets = dict(TARGETS)
    for name, number in pairs:
        if name.strip() not in targets:
            raise ValueError(f"there is no target {name.strip()!r}; targets: {', '.join(targets)}")
        targets[name.strip()] = float(number)
    return tuple(targets.items())


def _share(value: str | float) -> float:
    number = float(value)
    if not 0 < number <= 1:
        raise ValueError("expected a number above 0, at most 1")
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _choice(*allowed: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return str(value)

    return parse


def _path(value: str | os.PathLike[str]) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "~name" of an unknown user
        raise ValueError(str(error)) from error


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
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base


def _option(default: Any, env: str, parse: Callable[[Any], Any], meaning: str, *, secret: bool = False) -> Any:
    metadata = {"env": env, "parse": parse, "meaning": meaning, "secret": secret}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Options of an :class:`EmbeddingService`. Build it with :meth:`load`, or directly for full control."""

    model: str = _option(
        DEFAULT_MODEL,
        "EMBEDDING_MODEL",
        _text,
        "Model: a name on the Hugging Face hub, a short name such as all-MiniLM-L6-v2, or a directory.",
    )
    hybrid_mode: bool = _option(
        True, "EMBEDDING_HYBRID_MODE", _bool, "Use CPU and GPU at once. Off: the fastest device alone."
    )
    precision: str = _option(
        "fast",
        "EMBEDDING_PRECISION",
        _choice("fast", "exact"),
        "fast: half precision where the device is faster with it and 1-cos stays within 1e-4. exact: float32.",
    )
    normalize: bool | None = _option(
        None, "EMBEDDING_NORMALIZE", _bool, "Scale vectors to unit length. Not set: as the model itself does."
    )
    truncate_dim: int | None = _option(
        None, "EMBEDDING_TRUNCATE_DIM", _positive_int, "Keep only the first N dimensions (Matryoshka models)."
    )
    max_tokens: int | None = _option(
        None,
        "EMBEDDING_MAX_TOKENS",
        _positive_int,
        "Cut texts to N tokens, special tokens included. Not set: the limit of the model.",
    )
    query_prompt: str | None = _option(
        None, "EMBEDDING_QUERY_PROMPT", _text, "Text put before queries. Not set: the model's own."
    )
    document_prompt: str | None = _option(
        None, "EMBEDDING_DOCUMENT_PROMPT", _text, "Text put before documents. Not set: the model's own."
    )
    max_batch_tokens: int | None = _option(
        None,
        "EMBEDDING_MAX_BATCH_TOKENS",
        _positive_int,
        "Padded tokens in one batch. Not set: what suits the device.",
    )
    memory_aware_batching: bool = _option(
        True, "EMBEDDING_MEMORY_AWARE_BATCHING", _bool, "Cut batches to what fits into the free memory of the device."
    )
    max_memory_mb: int | None = _option(
        None,
        "EMBEDDING_MAX_MEMORY_MB",
        _positive_int,
        "Mebibytes that the batches of one device may take. Not set: what is free.",
    )
    adaptive_batch_size: bool = _option(
        True,
        "EMBEDDING_ADAPTIVE_BATCH_SIZE",
        _bool,
        "Cut batches on a slow device to two seconds of measured time.",
    )
    predictive_batch: bool = _option(
        False,
        "EMBEDDING_PREDICTIVE_BATCH",
        _bool,
        "Learn time and memory of batches while running, and choose the fastest size that fits.",
    )
    max_queued_tokens: int = _option(
        64_000_000,
        "EMBEDDING_MAX_QUEUED_TOKENS",
        _positive_int,
        "Tokens that may wait in the queue; a call that would exceed it gets the error Overloaded.",
    )
    operation_timeout_s: float = _option(
        30.0,
        "EMBEDDING_OPERATION_TIMEOUT",
        _positive_float,
        "Seconds after which a device that does not finish a batch is given up.",
    )
    breaker_threshold_cpu: int = _option(
        5, "EMBEDDING_CPU_CB_THRESHOLD", _positive_int, "Failures in a row that take a CPU lane out of service."
    )
    breaker_timeout_cpu_s: float = _option(
        60.0, "EMBEDDING_CPU_CB_TIMEOUT", _positive_float, "Seconds until a CPU lane is tried again."
    )
    breaker_threshold_gpu: int = _option(
        5, "EMBEDDING_GPU_CB_THRESHOLD", _positive_int, "Failures in a row that take a GPU lane out of service."
    )
    breaker_timeout_gpu_s: float = _option(
        60.0, "EMBEDDING_GPU_CB_TIMEOUT", _positive_float, "Seconds until a GPU lane is tried again."
    )
    multi_gpu: bool = _option(True, "EMBEDDING_MULTI_GPU_ENABLED", _bool, "Use every CUDA device. Off: only the first.")
    gpu_memory_pool: bool = _option(
        True,
        "EMBEDDING_GPU_MEMORY_POOL",
        _bool,
        "Keep pinned and device buffers of a GPU for the next batches. Off: allocate them for each batch.",
    )
    gpu_memory_pool_mb: int = _option(
        256,
        "EMBEDDING_GPU_MEMORY_POOL_MB",
        _positive_int,
        "Most MiB that a GPU's pool holds in pinned memory, and the same again in device memory.",
    )
    cpu_backend: str = _option(
        "auto",
        "EMBEDDING_CPU_BACKEND",
        _choice("auto", "openvino", "torch"),
        "auto, openvino or torch. auto: OpenVINO where it is installed.",
    )
    cpu_threads: int | None = _option(
        None,
        "EMBEDDING_CPU_THREADS",
        _positive_int,
        "Threads of the CPU lane. Not set: the cores this process may use.",
    )
    offline: bool = _option(
        False, "EMBEDDING_OFFLINE", _bool, "Never ask the model hub (HF_HUB_OFFLINE=1 does the same)."
    )
    cache_dir: Path | None = _option(
        None, "EMBEDDING_MODEL_CACHE_DIR", _path, "Folder for prepared models. Not set: the user's cache folder."
    )

    cache_enabled: bool = _option(
        True, "EMBEDDING_CACHE_ENABLED", _bool, "Keep vectors of texts and use them again. Off: no tier at all."
    )
    cache_size: int = _option(1000, "EMBEDDING_CACHE_SIZE", _positive_int, "Most vectors in the memory tier.")
    cache_ttl_s: float = _option(
        3600.0, "EMBEDDING_CACHE_TTL", _positive_float, "Seconds until the memory tier forgets a vector."
    )
    cache_max_mb: int = _option(
        256, "EMBEDDING_CACHE_MAX_MB", _positive_int, "Most MiB of vectors and texts in the memory tier."
    )
    cache_redis_url: str | None = _option(
        None,
        "EMBEDDING_CACHE_REDIS_URL",
        _text,
        "Redis tier: redis://, rediss:// (TLS) or unix://. Not set: no such tier.",
        secret=True,
    )
    cache_redis_prefix: str = _option(
        "hybrid-embeddings", "EMBEDDING_CACHE_REDIS_PREFIX", _text, "What all keys in Redis begin with."
    )
    cache_redis_ttl_s: float = _option(
        604_800.0, "EMBEDDING_CACHE_REDIS_TTL", _positive_float, "Seconds until Redis forgets a vector."
    )
    cache_sql_url: str | None = _option(
        None,
        "EMBEDDING_CACHE_SQL_URL",
        _text,
        "SQL tier: a URL of SQLAlchemy (sqlite, postgresql, mysql, mariadb), or sqlite alone for a file in the user's "
        "cache folder. Not set: no such tier.",
        secret=True,
    )
    cache_sql_ttl_s: float = _option(
        2_592_000.0, "EMBEDDING_CACHE_SQL_TTL", _positive_float, "Seconds until the SQL tier forgets a vector."
    )
    cache_sql_size: int = _option(
        1_000_000, "EMBEDDING_CACHE_SQL_SIZE", _positive_int, "About how many vectors the SQL tier keeps."
    )
    cache_timeout_s: float = _option(
        1.0, "EMBEDDING_CACHE_TIMEOUT", _positive_float, "Seconds to wait for Redis or the database."
    )
    cache_secret: str | None = _option(
        None,
        "EMBEDDING_CACHE_SECRET",
        _text,
        "Secret of all who share a store: keys cannot be guessed, records cannot be forged. Not set: plain digests.",
        secret=True,
    )
    cache_write_queue: int = _option(
        20_000,
        "EMBEDDING_CACHE_WRITE_QUEUE",
        _positive_int,
        "Most vectors that wait to be written to the slower tiers; more are not stored there.",
    )
    breaker_threshold_cache: int = _option(
        5, "EMBEDDING_CACHE_CB_THRESHOLD", _positive_int, "Failures in a row that take a cache tier out of service."
    )
    breaker_timeout_cache_s: float = _option(
        60.0, "EMBEDDING_CACHE_CB_TIMEOUT", _positive_float, "Seconds until a cache tier is tried again."
    )
    quantization: bool = _option(
        True,
        "EMBEDDING_QUANTIZATION_ENABLED",
        _bool,
        "Store vectors in Redis and SQL in fewer bits, by importance. Off: float32.",
    )
    quantization_importance: str | None = _option(
        None,
        "EMBEDDING_QUANTIZATION_IMPORTANCE",
        _choice("critical", "normal", "background"),
        "Importance of calls that give none. critical is stored in float32. Not set: critical with exact precision, "
        "else normal.",
    )
    quantization_normal: str = _option(
        "int16",
        "EMBEDDING_QUANTIZATION_NORMAL",
        _choice("float32", "float16", "int16", "int8", "int8-calibrated"),
        "How vectors of normal importance are stored: float32, float16, int16, int8 or int8-calibrated.",
    )
    quantization_background: str = _option(
        "int8",
        "EMBEDDING_QUANTIZATION_BACKGROUND",
        _choice("float32", "float16", "int16", "int8", "int8-calibrated"),
        "How vectors of background importance are stored.",
    )
    quantization_calibration: Path | None = _option(
        None,
        "EMBEDDING_QUANTIZATION_CALIBRATION",
        _path,
        "File with the scales of int8-calibrated, made by: hybrid-embeddings cache calibrate.",
    )
    slo_tracking: bool = _option(
        True, "EMBEDDING_SLO_TRACKING", _bool, "Keep objectives and their error budgets, see get_advanced_stats()."
    )
    slo_latency_p50_ms: float = _option(
        20.0, "EMBEDDING_SLO_LATENCY_P50_MS", _positive_float, "Half of the calls with one text take at most this."
    )
    slo_latency_p95_ms: float = _option(
        100.0, "EMBEDDING_SLO_LATENCY_P95_MS", _positive_float, "95 % of the calls with one text take at most this."
    )
    slo_latency_p99_ms: float = _option(
        200.0, "EMBEDDING_SLO_LATENCY_P99_MS", _positive_float, "99 % of the calls with one text take at most this."
    )
    slo_error_rate: float = _option(
        0.001, "EMBEDDING_SLO_ERROR_RATE", _inner_share, "Share of calls that may fail by a fault of the service."
    )
    slo_availability: float = _option(
        0.999, "EMBEDDING_SLO_AVAILABILITY", _inner_share, "Share of calls that the service takes on."
    )
    slo_cache_hit_rate: float = _option(
        0.7, "EMBEDDING_SLO_CACHE_HIT_RATE", _inner_share, "Share of distinct texts of calls that a cache has."
    )
    slo_window_s: float = _option(
        3600.0, "EMBEDDING_SLO_WINDOW", _positive_float, "Seconds over which objectives are judged, but availability."
    )
    slo_availability_window_s: float = _option(
        86_400.0, "EMBEDDING_SLO_AVAILABILITY_WINDOW", _positive_float, "Seconds over which availability is judged."
    )
    targets: Targets = _option(
        TARGETS,
        "EMBEDDING_TARGETS",
        _targets,
        "Targets that dashboards show and alerts use, as name=number between commas; others keep their defaults.",
    )

    semantic_mode: str = _option(
        "off",
        "EMBEDDING_SEMANTIC_MODE",
        _choice("off", "shadow", "active"),
        "Near-duplicate tier: off, shadow (measures what it would have answered) or active.",
    )
    semantic_threshold: float = _option(
        0.95,
        "EMBEDDING_SEMANTIC_THRESHOLD",
        _share,
        "Least estimated true cosine of a near-duplicate that is used; hits are held to 0.98 in any case.",
    )
    semantic_size: int = _option(
        10_000, "EMBEDDING_SEMANTIC_SIZE", _positive_int, "Most texts that the near-duplicate tier knows, per kind."
    )
    semantic_exact_size: int = _option(
        2000, "EMBEDDING_SEMANTIC_EXACT_SIZE", _positive_int, "Texts up to which it searches exactly; above by HNSW."
    )
    semantic_sample: float = _option(
        0.05,
        "EMBEDDING_SEMANTIC_SAMPLE",
        _share,
        "Share of near-duplicates that are computed all the same, to measure the error.",
    )
    semantic_federation: bool = _option(
        False,
        "EMBEDDING_SEMANTIC_FEDERATION",
        _bool,
        "Exchange near-duplicates with the other processes on the same Redis (EMBEDDING_CACHE_REDIS_URL).",
    )

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
        known = {option.name: option for option in fields(cls)}
        values: dict[str, Any] = {}
        for name in arguments:
            if name not in known:
                raise SettingsError(f"unknown option {name!r}; known options: {', '.join(sorted(known))}")
        for name, option in known.items():
            env = option.metadata["env"]
            for origin, raw in (
                (f"argument {name}", arguments.get(name)),
                (f"environment variable {env}", variables.get(env) or None),
                (f"{env} in {env_file}", from_file.get(env) or None),
            ):
                if raw is not None:
                    values[name] = _parse(option.metadata["parse"], raw, origin, secret=option.metadata["secret"])
                    break
        return cls(**values)


def _parse(parse: Callable[[Any], Any], raw: Any, origin: str, *, secret: bool = False) -> Any:
    shown = "***" if secret else repr(raw)
    if parse is _bool and isinstance(raw, bool):
        return raw
    if parse is not _bool and isinstance(raw, bool):
        raise SettingsError(f"{origin}: {shown} cannot be used: expected no truth value")
    try:
        return parse(raw)
    except (TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"{origin}: {shown} cannot be used: {error}") from error


def read_env_file(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines; ``#`` comments, an ``export`` before the name and quotes are understood.

    Other lines are left alone: the file may belong to another program, too.

    Raises:
        SettingsError: the file cannot be read as UTF-8; names it.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (FileNotFoundError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}; save it as UTF-8 text") from error
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and name.strip().isidentifier():
            found[name.strip()] = _unquote(value.strip())
    return found


def _unquote(value: str) -> str:
    if value[:1] in {'"', "'"} and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return re.split(r"\s#", value, maxsplit=1)[0].rstrip()


def _as_text(value: Any) -> str:
    """Return a value as it would stand in the environment."""
    return ",".join(f"{name}={number:g}" for name, number in value) if isinstance(value, tuple) else str(value)


def describe() -> list[tuple[str, str, str]]:
    """Return (environment variable, default, meaning) of every option, for ``env.example`` and the docs."""
    rows = []
    for option in fields(Settings):
        default = "" if option.default is None else _as_text(option.default)
        rows.append((option.metadata["env"], default, option.metadata["meaning"]))
    return rows
