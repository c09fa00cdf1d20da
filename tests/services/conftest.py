"""Servers that all tests here share, and one that a test may kill."""

import pytest

from tests.servers import MariaDbServer, PostgresServer, RedisServer


def _running(server):
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis_server():
    yield from _running(RedisServer(password="geheim"))  # noqa: S106 - of a server for this test


@pytest.fixture(scope="session")
def postgres_server():
    yield from _running(PostgresServer())


@pytest.fixture(scope="session")
def mariadb_server():
    yield from _running(MariaDbServer())


@pytest.fixture
def own_redis():
    yield from _running(RedisServer())
