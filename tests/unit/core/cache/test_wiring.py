"""Every option of the caches reaches the part that it is for."""

import re
from pathlib import Path

import numpy as np
import pytest

import hybrid_embeddings
from hybrid_embeddings import Settings, SettingsError
from hybrid_embeddings.cache import codecs
from hybrid_embeddings.cache_wiring import build_cache, build_stores, default_importance, secret_of, storage
from hybrid_embeddings.keys import Space

SPACE = Space("m", "w", "text", "", "p", None, 4, True, "fast")


def settings(**options) -> Settings:
    return Settings.load(environ={}, env_file=None, **options)


def test_limits_of_the_memory_tier():
    stats = build_cache(settings(cache_size=7, cache_ttl_s=9.0, cache_max_mb=2), dimension=4).stats()
    assert (stats["max_size"], stats["ttl_seconds"], stats["max_bytes"]) == (7, 9.0, 2 * 2**20)
    assert build_cache(settings(cache_size=10**9, cache_max_mb=1), dimension=384).stats()["max_size"] < 700
    assert build_cache(settings(cache_enabled=False), dimension=4) is None


def test_stores_and_their_order(tmp_path):
    urls = {"cache_redis_url": "redis://:geheim@host/1", "cache_sql_url": f"sqlite:///{tmp_path}/a.db"}
    redis, sql = build_stores(settings(**urls, cache_redis_prefix="vor", cache_redis_ttl_s=5.0, cache_sql_ttl_s=6.0))
    assert (redis.name, redis._prefix, redis._ttl_ms) == ("redis", b"vor", 5000)
    assert redis._client.connection_pool.connection_kwargs["socket_timeout"] == 1.0
    assert (sql.name, sql._ttl_ms, sql._max_entries) == ("sql", 6000, 1_000_000)
    (small,) = build_stores(settings(cache_sql_url="sqlite", cache_dir=tmp_path, cache_sql_size=5))
    assert small.address.endswith("vectors.sqlite")
    assert str(tmp_path) in small.address
    assert small._max_entries == 5
    (other,) = build_stores(settings(cache_redis_url="rediss://host", cache_timeout_s=0.25))
    kwargs = other._client.connection_pool.connection_kwargs
    assert (kwargs["socket_timeout"], kwargs["socket_connect_timeout"]) == (0.25, 0.25)
    assert "SSL" in other._client.connection_pool.connection_class.__name__


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("float32", "int16", "int8", "normal")),
        ({"precision": "exact"}, ("float32", "int16", "int8", "critical")),
        ({"precision": "exact", "quantization_importance": "background"}, ("float32", "int16", "int8", "background")),
        ({"quantization": False}, ("float32", "float32", "float32", "normal")),
        (
            {"quantization_normal": "float16", "quantization_background": "float32"},
            ("float32", "float16", "float32", "normal"),
        ),
    ],
)
def test_codecs_by_importance(options, expected):
    chosen = storage(settings(**options), 4)
    names = tuple(chosen.by_importance[name].name for name in ("critical", "normal", "background"))
    assert (*names, default_importance(settings(**options))) == expected


def test_a_calibrated_codec_needs_a_calibration_of_that_dimension(tmp_path):
    from hybrid_embeddings.cache import calibrations

    file = tmp_path / "шкалы.json"
    calibrations.append(file, codecs.calibration_of(np.ones(3, dtype=np.float32)), {})
    for path in (file, None):
        options = {"quantization_background": "int8-calibrated", "quantization_calibration": path}
        with pytest.raises(SettingsError, match="cache calibrate"):
            storage(settings(**options), 4)


def test_writes_that_may_wait_breakers_and_near_duplicates(tmp_path):
    options = {"cache_redis_url": f"unix://{tmp_path}/no.sock", "cache_write_queue": 2, "breaker_threshold_cache": 1}
    options |= {"breaker_timeout_cache_s": 1e-6, "semantic_mode": "active", "semantic_size": 3, "semantic_sample": 0.5}
    options |= {"semantic_threshold": 0.99, "semantic_exact_size": 2}
    cache = build_cache(settings(**options), dimension=4)
    cache.get_many(SPACE, ["a"])
    assert cache.stats()["tiers"]["redis"]["breaker"] == "half_open"  # after one failure, and at once
    assert cache._writer._max_entries == 2
    near = cache._near
    assert (near.mode, near._max_entries, near._exact_below, near._sample) == ("active", 3, 2, 0.5)
    assert near._judge._threshold == 0.99
    cache.close()
    assert build_cache(settings(), dimension=4)._near is None


def test_the_secret_becomes_a_key():
    assert secret_of(settings()) == b""
    assert len(secret_of(settings(cache_secret="тайна"))) == 32  # noqa: S106 - of this test


def test_nothing_is_ever_unpickled():
    package = Path(hybrid_embeddings.__file__).parent
    sources = [*package.glob("cache/*.py"), *package.glob("commands/*.py"), package / "keys.py"]
    unsafe = re.compile(r"\b(pickle|marshal|shelve|dill|allow_pickle|eval|exec)\b")
    assert len(sources) > 10
    found = [path.name for path in sources if unsafe.search(path.read_text(encoding="utf-8").replace("unpickled", ""))]
    assert found == []
