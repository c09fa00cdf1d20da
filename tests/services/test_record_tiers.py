"""Tiers on real stores: the contract, and what only one of them has."""

import gc
import socket
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from hybrid_embeddings.cache.redis_tier import RedisTier
from hybrid_embeddings.cache.sql_tier import SqlTier
from hybrid_embeddings.errors import CacheTierError, MissingDependencyError, SettingsError
from tests.contract.record_tier import SPACE, RecordTierContract, key, records


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def sql_tier(url: str, **options) -> SqlTier:
    return SqlTier(url, **{"ttl_s": 3600.0, "timeout_s": 10.0, "max_entries": 1_000_000} | options)


def emptied(tier):
    tier.purge()
    yield tier
    tier.close()


class TestRedis(RecordTierContract):
    @pytest.fixture
    def tier(self, redis_server):
        yield from emptied(RedisTier(redis_server.url, prefix="тест[*]", ttl_s=3600.0, timeout_s=10.0))

    def test_records_have_a_time_to_live(self, redis_server, tier):
        import redis

        tier.put_many(SPACE, records(2))
        with redis.Redis.from_url(redis_server.url) as client:
            names = [name for name in client.scan_iter("*") if b":v:" in name]
            assert len(names) == 2
            assert all(3_590_000 < client.pttl(name) <= 3_600_000 for name in names)

    def test_purge_leaves_the_keys_of_others(self, redis_server, tier):
        import redis

        tier.put_many(SPACE, records(2))
        with redis.Redis.from_url(redis_server.url) as client:
            client.set("чужой", "1")
            assert tier.purge() == 2
            assert client.get("чужой") == b"1"
            client.delete("чужой")

    def test_many_keys_are_one_round_trip(self, redis_server, tier):
        import redis

        many = records(1000)
        tier.put_many(SPACE, many)
        with redis.Redis.from_url(redis_server.url) as client:
            before = client.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]
            tier.get_many(SPACE, list(many))
            assert client.info("commandstats")["cmdstat_mget"]["calls"] == before + 1

    def test_wrong_password_is_an_error_without_the_password(self, redis_server):
        tier = RedisTier(redis_server.url.replace("geheim", "falsch"), prefix="p", ttl_s=1.0, timeout_s=5.0)
        with pytest.raises(CacheTierError) as raised:
            tier.get_many(SPACE, [key(1)])
        assert "falsch" not in str(raised.value)
        tier.close()

    @pytest.mark.parametrize("url", ["postgres://user:geheim@host/", "redis://:geheim@host/0?no_such_option=1"])
    def test_a_url_that_is_none(self, url):
        with pytest.raises(SettingsError) as raised:
            RedisTier(url, prefix="p", ttl_s=1.0, timeout_s=1.0)
        assert "geheim" not in str(raised.value)


@pytest.mark.parametrize("scheme", ["redis", "mysql"])
def test_a_server_that_does_not_answer_is_waited_for_once(scheme):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://user:geheim@127.0.0.1:{server.getsockname()[1]}/0"
        options = {"ttl_s": 1.0, "timeout_s": 0.2}
        tier = RedisTier(url, prefix="p", **options) if scheme == "redis" else sql_tier(url, **options)
        with pytest.raises(CacheTierError):
            tier.get_many(SPACE, [key(1)])
        tier.close()
        server.setblocking(False)
        with server.accept()[0], pytest.raises(BlockingIOError):
            server.accept()


class SqlContract(RecordTierContract):
    """What databases do besides."""

    url = ""

    def test_making_room_removes_the_oldest(self, url):
        clock = Clock()
        tier = sql_tier(url, max_entries=100, wall_clock=clock)
        tier.purge()
        for number in range(30):
            clock.now += 1
            tier.put_many(SPACE, records(10, start=10 * number))
        left = {entry[1] for entry in tier.scan()}
        assert left == set(records(100, start=200))
        tier.close()

    def test_one_large_write_leaves_as_many_as_fit(self, url):
        tier = sql_tier(url, max_entries=100)
        tier.purge()
        tier.put_many(SPACE, records(250))
        assert {entry[1] for entry in tier.scan()} == set(records(100, start=150))
        tier.close()

    def test_old_records_are_not_found(self, url):
        clock = Clock()
        tier = sql_tier(url, ttl_s=60.0, wall_clock=clock)
        tier.purge()
        tier.put_many(SPACE, records(1))
        clock.now += 59
        assert tier.get_many(SPACE, [key(0)]) != [None]
        clock.now += 2
        assert tier.get_many(SPACE, [key(0)]) == [None]
        assert list(tier.scan()) == []
        tier.close()

    def test_records_do_not_outlive_a_clock_that_was_set_back(self, url):
        clock = Clock()
        tier = sql_tier(url, ttl_s=60.0, wall_clock=clock)
        tier.purge()
        tier.put_many(SPACE, records(1))
        clock.now -= 86_400
        assert tier.get_many(SPACE, [key(0)]) == [None]
        tier.put_many(SPACE, records(1))
        assert tier.get_many(SPACE, [key(0)]) != [None]
        tier.close()


class TestSqlite(SqlContract):
    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path / 'кэш' / 'vectors.sqlite'}"

    @pytest.fixture
    def tier(self, url):
        yield from emptied(sql_tier(url))

    def test_a_file_that_is_no_database_is_put_aside(self, tmp_path):
        file = tmp_path / "vectors.sqlite"
        file.write_bytes(b"no database " * 1000)
        tier = sql_tier(f"sqlite:///{file}")
        tier.put_many(SPACE, records(2))
        assert tier.get_many(SPACE, [key(1)]) == [b"record\x00\xff 1"]
        assert (tmp_path / "vectors.sqlite.damaged").read_bytes() == b"no database " * 1000
        tier.close()

    def test_a_file_that_is_no_database_and_cannot_be_put_aside(self, tmp_path):
        (tmp_path / "v.sqlite").write_bytes(b"no database " * 1000)
        (tmp_path / "v.sqlite.damaged" / "in the way").mkdir(parents=True)
        tier = sql_tier(f"sqlite:///{tmp_path / 'v.sqlite'}")
        with pytest.raises(CacheTierError, match="not a database"):
            tier.get_many(SPACE, [key(1)])
        tier.close()

    def test_full_disk_is_an_error_and_what_is_there_stays(self, tmp_path):
        """A limit on the size of files stands for the full disk: SQLite gets the same refusal from the system."""
        script = textwrap.dedent("""
            import resource, signal, sys
            from hybrid_embeddings.cache.sql_tier import SqlTier
            from hybrid_embeddings.errors import CacheTierError
            tier = SqlTier(sys.argv[1], ttl_s=60.0, timeout_s=5.0, max_entries=10**6)
            key = lambda number: number.to_bytes(24, "big")
            tier.put_many(b"space-01", {key(1): b"first"})
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
            try:
                tier.put_many(b"space-01", {key(n): b"x" * 10_000 for n in range(2, 200)})
            except CacheTierError as error:
                print("refused", type(error.__cause__).__name__)
            print(tier.get_many(b"space-01", [key(1), key(2)]))
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            tier.put_many(b"space-01", {key(3): b"third"})
            print(tier.get_many(b"space-01", [key(3)]))
        """)
        command = [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'v.sqlite'}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines() == ["refused OperationalError", "[b'first', None]", "[b'third']"], done.stderr

    def test_two_processes_write_the_same_keys(self, url):
        script = textwrap.dedent("""
            import sys
            from hybrid_embeddings.cache.sql_tier import SqlTier
            tier = SqlTier(sys.argv[1], ttl_s=60.0, timeout_s=20.0, max_entries=10**6)
            for turn in range(20):
                tier.put_many(b"space-01", {n.to_bytes(24, "big"): b"same" for n in range(50)})
            tier.close()
        """)
        writers = [subprocess.Popen([sys.executable, "-c", script, url]) for _ in range(2)]
        assert [writer.wait() for writer in writers] == [0, 0]
        tier = sql_tier(url)
        assert tier.get_many(SPACE, [key(number) for number in range(51)]) == [b"same"] * 50 + [None]
        tier.close()

    def test_threads_begin_at_once(self, url):
        tier = sql_tier(url)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda number: tier.put_many(SPACE, records(3, start=number)), range(16)))
        assert found == [None] * 16
        tier.close()

    def test_a_call_does_not_stand_in_line_for_a_database_that_is_away(self, url):
        tier = sql_tier(url, timeout_s=0.01)
        with tier._lock, pytest.raises(CacheTierError, match="another call waits"):  # as if one waited for it
            tier.get_many(SPACE, [key(1)])
        tier.close()

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(SettingsError, match="give a path"):
            sql_tier(f"sqlite:///{tmp_path / 'file' / 'v.sqlite'}")

    @pytest.mark.parametrize("url", ["no url", "oraculum://user:geheim@host/x", "mysql://u:geheim@host:port/x"])
    def test_a_url_that_is_none(self, url):
        with pytest.raises(SettingsError) as raised:
            sql_tier(url)
        assert "geheim" not in str(raised.value)

    def test_a_driver_that_is_not_installed(self):
        with pytest.raises(MissingDependencyError, match="hybrid-embeddings"):
            sql_tier("mysql+mysqldb://user:geheim@host/x")


class TestPostgres(SqlContract):
    @pytest.fixture
    def url(self, postgres_server):
        return postgres_server.url

    @pytest.fixture
    def tier(self, url):
        yield from emptied(sql_tier(url))

    def test_after_a_kill_and_a_restart_it_goes_on(self, postgres_server, tier):
        tier.put_many(SPACE, records(2))
        postgres_server.kill()
        with pytest.raises(CacheTierError):
            tier.get_many(SPACE, [key(1)])
        postgres_server.start()
        assert tier.get_many(SPACE, [key(1)]) == [b"record\x00\xff 1"]


class TestMariaDb(SqlContract):
    @pytest.fixture
    def url(self, mariadb_server):
        return mariadb_server.url

    @pytest.fixture
    def tier(self, url):
        yield from emptied(sql_tier(url))

    # PyMySQL forgets to close the socket of a connection that is refused; the garbage collector does it.
    @pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
    def test_after_a_kill_and_a_restart_it_goes_on(self, mariadb_server, tier):
        tier.put_many(SPACE, records(2))
        mariadb_server.kill()
        with pytest.raises(CacheTierError):
            tier.get_many(SPACE, [key(1)])
        mariadb_server.start()
        assert tier.get_many(SPACE, [key(1)]) == [b"record\x00\xff 1"]
        gc.collect()
