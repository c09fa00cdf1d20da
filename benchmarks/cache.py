"""Caches: warm calls, round trips to stores, sizes of records, and 10,000 requests of which 90 % repeat.

``python benchmarks/cache.py [--json FILE]``. Needs the extras redis, sql, langchain and dev (real servers).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from common import arguments, in_turn, median, mixed_texts, report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from hybrid_embeddings import EmbeddingService, Settings
from hybrid_embeddings.cache import accuracy, codecs
from hybrid_embeddings.cache.record import RecordFormat
from hybrid_embeddings.cache_wiring import build_stores
from hybrid_embeddings.keys import Space, tags

ROUNDS = 7


def service(**options: Any) -> EmbeddingService:
    return EmbeddingService(settings=settings(**options))


def settings(**options: Any) -> Settings:
    return Settings.load(env_file=None, **({"cache_enabled": True} | options))


def warm_numpy(texts: list[str]) -> dict[str, Any]:
    """Return warm texts/s of ``encode`` by size of the call, with texts that are new objects each time."""
    result = {}
    with service(cache_size=2 * len(texts)) as ours:
        ours.encode(texts)
        for size in (1, 10, 100, 1000, len(texts)):
            calls = max(1, 2000 // size)
            copies = [[_copy(text) for text in texts[:size]] for _ in range(ROUNDS * calls)]
            seconds = []
            for start in range(0, len(copies), calls):
                began = time.perf_counter()
                for copy in copies[start : start + calls]:
                    ours.encode(copy)
                seconds.append((time.perf_counter() - began) / calls)
            result[str(size)] = round(size / median(seconds))
    return result


def _copy(text: str) -> str:
    return text.encode().decode()  # a new object: its hash is not known yet, as of a text that comes from outside


def warm_langchain(texts: list[str]) -> dict[str, Any]:
    """Compare with LangChain's own cache: blake2b keys over a store in memory. Both warm, both return lists."""
    from langchain_classic.embeddings import CacheBackedEmbeddings
    from langchain_core.stores import InMemoryByteStore

    from langchain_hybrid_embeddings import HybridEmbeddings

    ours = HybridEmbeddings()
    ours._service = service(cache_size=2 * len(texts))  # noqa: SLF001 - the adapter takes the size from the environment
    uncached = ours._service  # noqa: SLF001 - see above
    theirs = CacheBackedEmbeddings.from_bytes_store(ours, InMemoryByteStore(), namespace="model", key_encoder="blake2b")
    expected = ours.embed_documents(texts)
    theirs.embed_documents(texts)
    seconds = in_turn(
        {
            "ours": lambda: ours.embed_documents(texts),
            "CacheBackedEmbeddings": lambda: theirs.embed_documents(texts),
            "lists_alone": lambda: np.array(expected, dtype=np.float32).tolist(),
        },
        rounds=ROUNDS,
    )
    matrix = np.array(expected, dtype=np.float32)
    seconds["lists_alone"] = in_turn({"lists": matrix.tolist}, rounds=ROUNDS)["lists"]
    uncached.close()
    speeds = {name: round(len(texts) / median(values)) for name, values in seconds.items()}
    return {"texts_per_s": speeds, "ratio": round(speeds["ours"] / speeds["CacheBackedEmbeddings"], 1)}


@contextmanager
def stores() -> Iterator[dict[str, str]]:
    """Yield the URLs of real stores on this machine."""
    from tests.servers import MariaDbServer, PostgresServer, RedisServer

    started, urls = [], {}
    with tempfile.TemporaryDirectory() as folder:
        urls["sqlite"] = f"sqlite:///{folder}/vectors.sqlite"
        for name, kind in (("redis", RedisServer), ("postgresql", PostgresServer), ("mariadb", MariaDbServer)):
            try:
                server = kind()
            except BaseException as error:  # noqa: BLE001 - pytest's skip: this store is not on this machine
                print(f"{name} left out: {error}", file=sys.stderr)
                continue
            started.append(server)
            server.start()
            urls[name] = server.url
        try:
            yield urls
        finally:
            for server in started:
                server.close()


def url_option(name: str, url: str) -> dict[str, str]:
    return {"cache_redis_url" if name == "redis" else "cache_sql_url": url}


def round_trips(urls: dict[str, str], vectors: np.ndarray, batch: int) -> dict[str, Any]:
    """Return texts/s of each store with int16 records: read (key, fetch, check, decode) and written."""
    from hybrid_embeddings.cache_wiring import build_cache

    space = Space("m", "w", "text", "", "p", None, vectors.shape[1], True, "fast")
    texts = [f"text number {row}" for row in range(len(vectors))]
    facts = np.ones((len(texts), 2), dtype=np.int32)
    result = {}
    for name, url in urls.items():
        options = {"cache_size": 1, "cache_write_queue": 10**6, "cache_timeout_s": 30.0}
        cache = build_cache(settings(**options, **url_option(name, url)), dimension=vectors.shape[1])
        if cache is None:
            raise SystemExit("caching is off")
        began = time.perf_counter()
        for start in range(0, len(texts), batch):
            rows = slice(start, start + batch)
            cache.put_many(space, texts[rows], vectors[rows], facts[rows])
        cache.flush()
        written = time.perf_counter() - began
        seconds = []
        for start in range(0, len(texts), batch):
            asked = texts[start : start + batch]
            began = time.perf_counter()
            found = cache.get_many(space, asked)
            seconds.append(time.perf_counter() - began)
            if found is None or not found.found.all():
                raise SystemExit(f"{name} lost records")
        result[name] = {
            "read_texts_per_s": round(batch / median(seconds)),
            "read_batch_ms": round(1000 * median(seconds), 2),
            "written_texts_per_s": round(len(texts) / written),
        }
        cache.close()
        for store in build_stores(settings(**url_option(name, url))):
            store.purge()
            store.close()
    return result


def sizes(vectors: np.ndarray, url: str) -> dict[str, Any]:
    """Return bytes per record and per row of an SQLite file, and what each codec costs; JSON for comparison."""
    dimension = vectors.shape[1]
    as_json = sum(len(json.dumps(vector.tolist())) for vector in vectors) / len(vectors)
    calibration = codecs.calibrate(vectors)
    formats = RecordFormat(dimension, calibration=calibration)
    result: dict[str, Any] = {"json_bytes": round(as_json)}
    texts = [str(row) for row in range(len(vectors))]
    space = Space("m", "w", "text", "", "p", None, dimension, True, "fast")
    for codec in codecs.CODECS.values():
        measured = accuracy.measure(codec, vectors, calibration)
        records = formats.encode(
            codec, space.keys(texts), tags(texts), vectors, np.ones((len(texts), 2), dtype=np.int32)
        )
        (store,) = build_stores(settings(cache_sql_url=f"{url}-{codec.name}"))
        store.put_many(b"space-01", records)
        store.close()
        file = Path(f"{url}-{codec.name}".removeprefix("sqlite:///"))
        result[codec.name] = {
            "record_bytes": formats.record_bytes(codec),
            "times_smaller_than_json": round(as_json / formats.record_bytes(codec), 1),
            "sqlite_bytes_per_row": round(file.stat().st_size / len(texts)),
            "worst_1_minus_cos": measured.worst_error,
            "mean_1_minus_cos": measured.mean_error,
            "recall_at_10_lost": measured.recall_loss_at_10,
        }
    return result


def reference_experiment(urls: dict[str, str], unique: list[str], n_requests: int, call: int) -> dict[str, Any]:
    """Ask for 10,000 texts, 1,000 of them distinct, in random order; cold, then warm, per set of tiers."""
    order = unique + Random(0).choices(unique, k=n_requests - len(unique))
    Random(1).shuffle(order)
    with service(cache_enabled=False) as bare:
        bare.encode(order[:200])
        uncached = _asked(bare, order[: 200 * call], call)["p50_ms"]
    arrangements: dict[str, dict[str, Any]] = {"memory": {"cache_size": len(unique)}}
    for name in ("redis", "sqlite", "postgresql", "mariadb"):
        if name in urls:
            # One entry in memory: nearly everything is asked of the store.
            arrangements[name] = {"cache_size": 1, **url_option(name, urls[name])}
    if "redis" in urls:
        combined = {"cache_redis_url": urls["redis"], "cache_sql_url": urls["sqlite"], "cache_redis_prefix": "all"}
        arrangements["memory+redis+sqlite"] = {"cache_size": len(unique), **combined}
    result: dict[str, Any] = {"uncached_p50_ms": uncached}
    for name, options in arrangements.items():
        with service(**options) as cold:
            first = _asked(cold, order, call)
            if name == "memory":  # lives in the process: warm is the same process
                second = _asked(cold, order, call)
        if name != "memory":  # another process, so to speak: only the store is warm
            with service(**options) as warm:
                second = _asked(warm, order, call)
        saved = 1 - second["p50_ms"] / uncached
        result[name] = {"cold": first, "warm": second, "latency_saved_warm": round(saved, 4)}
        for store in build_stores(settings(**options)):
            store.purge()
            store.close()
    return result


def _asked(ours: EmbeddingService, order: list[str], call: int) -> dict[str, float]:
    ours.load()
    before = ours.get_cache_stats()
    seconds, n_computed, began = [], 0, time.perf_counter()
    for start in range(0, len(order), call):
        call_began = time.perf_counter()
        _, receipt = ours.encode(order[start : start + call], return_report=True)
        seconds.append(time.perf_counter() - call_began)
        n_computed += receipt.n_computed
        ours.flush_cache()
    after = ours.get_cache_stats()
    rows = after["hits"] + after["misses"] - before["hits"] - before["misses"]
    return {
        "hit_rate": round((after["hits"] - before["hits"]) / rows, 4) if rows else 0.0,
        "not_computed": round(1 - n_computed / len(order), 4),
        "p50_ms": round(1000 * median(seconds), 3),
        "total_s": round(time.perf_counter() - began, 2),
    }


def main() -> None:
    options = arguments(__doc__ or "", texts=5000, unique=1000, requests=10_000, vectors=5000, call=1)
    short = mixed_texts(options.texts, shortest=5, longest=40)
    steps: dict[str, Callable[[], Any]] = {}
    with service(cache_enabled=False) as model:
        sample = model.encode(mixed_texts(min(options.vectors, 2000), shortest=5, longest=40, seed=7))
    many = np.concatenate([sample] * (-(-options.vectors // len(sample))))[: options.vectors]
    with stores() as urls:
        steps["warm_texts_per_s_by_call_size"] = lambda: warm_numpy(short)
        steps["langchain"] = lambda: warm_langchain(short[: min(5000, len(short))])
        steps["stores_batch_1000"] = lambda: round_trips(urls, many, min(1000, len(many)))
        steps["records"] = lambda: sizes(sample, urls["sqlite"])
        unique = mixed_texts(options.unique, shortest=5, longest=40, seed=3)
        steps["reference"] = lambda: reference_experiment(urls, unique, options.requests, options.call)
        report({name: step() for name, step in steps.items()}, options.json)


if __name__ == "__main__":
    main()
