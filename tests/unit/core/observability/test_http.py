"""The small server for scrapes and probes."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from hybrid_embeddings.observability.http import MetricsServer


@pytest.fixture
def health():
    return {"status": "healthy", "components": {"cpu": {"status": "healthy", "detail": ""}}}


@pytest.fixture
def server(health):
    def ready():
        if "broken" in health:
            raise RuntimeError("секрет /home/user")
        return health

    server = MetricsServer(lambda: (b"a_metric 1\n", "text/plain; version=0.0.4"), ready, port=0)
    yield server
    server.close()


def get(server, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as response:
            return response.status, response.headers["Content-Type"], response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_metrics(server):
    assert get(server, "/metrics") == (200, "text/plain; version=0.0.4", "a_metric 1\n")
    assert get(server, "/metrics?name=x")[0] == 200


def test_alive_says_nothing_about_the_devices(server, health):
    health["status"] = "unhealthy"
    assert get(server, "/health/live")[0] == 200


@pytest.mark.parametrize(("status", "code"), [("healthy", 200), ("degraded", 200), ("unhealthy", 503)])
def test_ready_while_one_device_works(server, health, status, code):
    health["status"] = status
    found, _, body = get(server, "/health/ready")
    assert found == code
    assert json.loads(body)["status"] == status


def test_a_failure_is_told_without_its_details(server, health, caplog):
    health["broken"] = True
    code, _, body = get(server, "/health/ready")
    assert code == 500
    assert "секрет" not in body
    assert "секрет" in caplog.text


def test_unknown_pages_name_those_that_exist(server):
    code, _, body = get(server, "/")
    assert code == 404
    assert "/metrics" in body


def test_closing_twice_is_fine(server):
    server.close()
    server.close()
