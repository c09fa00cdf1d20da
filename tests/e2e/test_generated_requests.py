"""No request that can be generated from the description of the interface makes the server fail."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.unit.rag_demo.dumps import SmallDump
from tests.unit.rag_demo.web.conftest import TinyService
from tests.web_server import running

schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 25  # of each operation, valid and again invalid ones
# Nothing that is asked of these can be invalid.
BARE = {"GET /spaces", "GET /about", "GET /health/live", "GET /health/ready", "GET /metrics", "GET /v1/models"}
BARE |= {"GET /v1/models/{name}"}
OPERATIONS = [
    "POST /chat",
    "POST /search",
    "GET /objects/{full_name}",
    "GET /source",
    "GET /spaces",
    "GET /about",
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "POST /v1/chat/completions",
    "POST /v1/embeddings",
    "GET /v1/models",
    "GET /v1/models/{name}",
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    folder = tmp_path_factory.mktemp("запросы")
    options = Settings(data_dir=str(folder / "данные"), model="слова")
    with pytest.MonkeyPatch.context() as patched, contextlib.closing(Library(options)) as library:
        patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
        patched.setattr(server, "_scrape", lambda *_: lambda: (b"", "text/plain"))
        library.index(SmallDump(folder / "выгрузка").root, "дом", progress=lambda *_: None)
        with running(server.build(library, TinyService(), options)) as url:
            yield schemathesis.openapi.from_url(f"{url}/openapi.json")


@pytest.mark.parametrize(
    ("operation", "mode"),
    [
        *[(operation, schemathesis.GenerationMode.POSITIVE) for operation in OPERATIONS],
        *[(operation, schemathesis.GenerationMode.NEGATIVE) for operation in OPERATIONS if operation not in BARE],
    ],
)
def test_no_generated_request_makes_the_server_fail(schema, operation, mode):
    method, path = operation.split()
    served = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def check(case):
        if isinstance(case.body, dict) and case.body.get("spaces"):
            case.body["spaces"] = ["дом"]  # a made-up name would only ever be refused
        response = case.call()
        served.append(response.status_code)
        assert response.status_code < 500, f"{response.text}\n{case.as_curl_command()}"
        if response.status_code >= 400:
            assert response.json()["error"]["message"]

    check()
    assert served


def test_every_operation_is_tried(schema):
    assert {found.ok().label for found in schema.get_all_operations()} == set(OPERATIONS)
