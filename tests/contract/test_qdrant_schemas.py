"""What is sent to a Qdrant server fits its published description, and so does what the one of the tests answers.

The description is no part of this repository: ``HYBRID_SPECS_DIR`` names a folder with ``qdrant-openapi.json``
(docs/redoc/master/openapi.json of Qdrant).
"""

from __future__ import annotations

import contextlib
import json

import jsonschema
import numpy as np
import pytest

from rag_demo.index.dense import Hnsw
from rag_demo.index.dense_connection import Server
from rag_demo.index.dense_server import ServerIndex
from rag_demo.index.ports import Where, version_of
from tests.contract.test_dense import DIMENSION, ELSEWHERE, METHOD, OBJECT, axis
from tests.published import PUBLISHED_SCHEMAS, needs_published_schemas
from tests.qdrant_server import QdrantServer

pytestmark = needs_published_schemas


def strict(schema):
    """In the words of JSON Schema: ``nullable`` as a type of its own, and no field that nobody has heard of."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema == {"nullable": True}:
        return {"type": "null"}
    parts = {name: strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and not {"allOf", "anyOf", "oneOf"} & schema.keys():
        parts.setdefault("additionalProperties", False)
    return {"anyOf": [parts, {"type": "null"}]} if schema.get("nullable") is True else parts


@pytest.fixture(scope="module")
def published():
    return json.loads((PUBLISHED_SCHEMAS / "qdrant-openapi.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validate(published):
    components = {"schemas": strict(published["components"]["schemas"])}

    def validate(value, schema) -> None:
        jsonschema.Draft202012Validator({**strict(schema), "components": components}).validate(value)

    return validate


@pytest.fixture(scope="module")
def exchanges():
    """Everything that an index is used for, as it went over the wire."""
    with QdrantServer(api_key="тайна".encode().hex()).serving() as qdrant:
        server = Server.connect(qdrant.url, name="The server", api_key=qdrant.api_key, timeout_s=5)
        server.ask(lambda client: client.get_collections())
        index = ServerIndex.create(server, "trade-1", dimension=DIMENSION, hnsw=Hnsw(24, 77, 99, int8=True))
        index.check()
        index.add([METHOD, OBJECT, ELSEWHERE], np.stack([axis(0), axis(1), axis(2)]))
        index.retire([version_of(OBJECT)], revision=2)
        index.seal()
        index.versions()
        with contextlib.closing(index.at(1)) as reader:
            reader.search(axis(0), 3)
            reader.search(axis(0), 3, where=Where(("торговля", "склад"), ("method",), ("CommonModule",)))
            reader.count(Where(kinds=("Catalog",)))
        index.collect(2)
        server.drop("trade-1")
        index.close()
    return qdrant.exchanges


def operation_of(published, exchange):
    method, path = exchange.operation.split(" ", 1)
    return published["paths"][path][method.lower()]


def test_every_request_is_one_that_the_server_knows(published, exchanges, validate):
    assert len({exchange.operation for exchange in exchanges}) == 12
    for exchange in exchanges:
        operation = operation_of(published, exchange)
        known = {given["name"]: given for given in operation.get("parameters", ()) if given["in"] == "query"}
        assert exchange.query.keys() <= known.keys(), exchange.operation
        if "requestBody" in operation:
            validate(exchange.body, operation["requestBody"]["content"]["application/json"]["schema"])
        else:
            assert exchange.body is None


def test_the_server_of_the_tests_answers_like_one(published, exchanges, validate):
    for exchange in exchanges:
        assert exchange.status == 200, exchange
        answers = operation_of(published, exchange)["responses"]["200"]
        validate(exchange.answer, answers["content"]["application/json"]["schema"])


def test_a_misspelt_field_would_be_noticed(published, validate):
    schema = published["paths"]["/collections/{collection_name}/points/query"]["post"]["requestBody"]["content"]
    with pytest.raises(jsonschema.ValidationError):
        validate({"query": [0.0], "limitt": 3}, schema["application/json"]["schema"])
    with pytest.raises(jsonschema.ValidationError):
        validate({"query": [0.0], "params": {"hnsw": 3}}, schema["application/json"]["schema"])
