"""The service over real stores that go away, come back and hold rubbish."""

import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from hybrid_embeddings import EmbeddingService, Settings

TEXTS = [f"текст для хранилища {number}" for number in range(12)]


def service(**options) -> EmbeddingService:
    return EmbeddingService(settings=Settings.load(env_file=None, cache_timeout_s=5.0, **options))


def flushed(one: EmbeddingService) -> None:
    assert one.flush_cache(20.0)


@pytest.fixture(scope="module")
def expected():
    with service(cache_enabled=False) as bare:
        return bare.encode(TEXTS)


def near(vectors, expected) -> bool:
    return float((1 - (vectors * expected).sum(axis=1)).max()) < 1e-4


def test_redis_serves_a_second_process_and_memory_the_next_call(own_redis, expected):
    with service(cache_redis_url=own_redis.url) as one:
        one.encode(TEXTS)
    with service(cache_redis_url=own_redis.url) as other:
        vectors, receipt = other.encode(TEXTS, return_report=True)
        assert (receipt.n_computed, receipt.n_cached) == (0, 12)
        assert near(vectors, expected)
        other.encode(TEXTS)
        tiers = other.get_cache_stats()["tiers"]
        assert (tiers["redis"]["hits"], tiers["memory"]["hits"]) == (12, 12)


def test_redis_killed_mid_run_costs_no_answer_and_is_used_again_after_its_restart(own_redis, expected):
    options = {"cache_redis_url": own_redis.url, "cache_size": 1}
    options |= {"breaker_threshold_cache": 2, "breaker_timeout_cache_s": 1e-6}
    with service(**options) as one:
        one.encode(TEXTS)
        flushed(one)
        own_redis.kill()
        assert near(one.encode(TEXTS), expected)
        assert near(one.encode(TEXTS), expected)
        flushed(one)
        assert one.get_cache_stats()["tiers"]["redis"]["failures"] >= 2
        own_redis.start()
        one.encode(TEXTS)
        flushed(one)
        assert one.health_check()["status"] == "healthy"
        before = one.get_cache_stats()["tiers"]["redis"]["hits"]
        vectors, receipt = one.encode(TEXTS, return_report=True)
        assert near(vectors, expected)
        assert receipt.n_computed == 0
        assert one.get_cache_stats()["tiers"]["redis"]["hits"] > before


def test_callers_never_notice_that_redis_is_killed_under_load(own_redis, expected):
    wrong = []
    with service(cache_redis_url=own_redis.url, cache_size=1) as one:
        one.encode(TEXTS)
        flushed(one)

        def work(seed: int) -> None:
            rng = np.random.default_rng(seed)
            for turn in range(8):
                rows = rng.integers(0, 12, size=5)
                if not near(one.encode([TEXTS[row] for row in rows]), expected[rows]):
                    wrong.append(seed)
                if (seed, turn) == (0, 2):
                    own_redis.kill()

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_rubbish_wrong_versions_and_swapped_records_in_redis_are_computed_anew(own_redis, expected):
    import redis

    with service(cache_redis_url=own_redis.url) as one:
        one.encode(TEXTS)
    with redis.Redis.from_url(own_redis.url) as client:
        names = sorted(name for name in client.scan_iter("*") if b":v:" in name)
        records = client.mget(names)
        damage = [
            b"",
            b"rubbish",
            b"\x80\x04N.",  # a pickle
            bytes([99]) + records[3][1:],  # another version
            records[4][:1] + bytes([4]) + records[4][2:],  # another codec
            records[5][:-1],
            records[7],
            records[6],  # two records swapped
            b'{"vector": [1, 2]}',
            records[9][:50] + b"\x00" + records[9][51:],
        ]
        client.mset(dict(zip(names, damage, strict=False)))
    with service(cache_redis_url=own_redis.url) as other:
        vectors, receipt = other.encode(TEXTS, return_report=True)
        assert near(vectors, expected)
        assert receipt.n_computed == 10
        flushed(other)
        assert other.get_cache_stats()["tiers"]["redis"]["damaged"] == 10
    with service(cache_redis_url=own_redis.url) as third:
        assert third.encode(TEXTS, return_report=True)[1].n_computed == 0


def test_a_secret_keeps_others_out_and_forgers_too(own_redis):
    for secret, n_computed in ((None, 12), ("тайна", 12), ("тайна", 0), ("другая", 12)):
        with service(cache_redis_url=own_redis.url, cache_secret=secret) as one:
            assert one.encode(TEXTS, return_report=True)[1].n_computed == n_computed


def test_nothing_in_the_store_shows_the_texts_or_the_prompt(own_redis):
    with service(cache_redis_url=own_redis.url, document_prompt="geheimer Auftrag: ") as one:
        one.encode(TEXTS, kind="document")
    stored = b"".join(
        path.read_bytes() for path in own_redis.folder.rglob("*") if path.is_file() and path.name != "log"
    )
    assert b"hybrid-embeddings:v:" in stored
    assert "хранилища".encode() not in stored
    assert b"geheim" not in stored


def test_two_processes_write_the_same_keys_at_once(own_redis, expected):
    script = textwrap.dedent("""
        import sys
        from hybrid_embeddings import EmbeddingService, Settings
        texts = [f"текст для хранилища {number}" for number in range(12)]
        with EmbeddingService(settings=Settings.load(env_file=None, cache_redis_url=sys.argv[1])) as one:
            one.encode(texts)
    """)
    writers = [subprocess.Popen([sys.executable, "-X", "utf8", "-c", script, own_redis.url]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    with service(cache_redis_url=own_redis.url) as one:
        vectors, receipt = one.encode(TEXTS, return_report=True)
    assert receipt.n_computed == 0
    assert near(vectors, expected)


def test_all_tiers_together_and_promotion_upwards(own_redis, postgres_server, expected):
    with service(cache_sql_url=postgres_server.url) as one:
        one.encode(TEXTS)
    both = {"cache_redis_url": own_redis.url, "cache_sql_url": postgres_server.url}
    with service(**both) as other:
        assert near(other.encode(TEXTS), expected)
        flushed(other)
    with service(**both) as third:
        assert near(third.encode(TEXTS), expected)
        tiers = third.get_cache_stats()["tiers"]
        assert (tiers["redis"]["hits"], tiers["sql"]["hits"]) == (12, 0)


def test_a_fork_has_connections_of_its_own(own_redis, expected):
    import multiprocessing

    context = multiprocessing.get_context("fork")
    with service(cache_redis_url=own_redis.url, cache_size=1) as one:
        one.encode(TEXTS)
        flushed(one)
        results = context.Queue()
        child = context.Process(target=lambda: results.put(one.encode(TEXTS)))
        child.start()
        assert near(results.get(timeout=120), expected)
        child.join()
        assert near(one.encode(TEXTS), expected)
