"""What is sent to Ollama and TGI, and what the scripted server answers in their name, fits their published schemas.

The schemas are no part of this repository: ``HYBRID_SPECS_DIR`` names a folder with ``ollama-openapi.yaml``
(docs/openapi.yaml of Ollama) and ``tgi-openapi.json`` (docs/openapi.json of Text Generation Inference).
"""

from __future__ import annotations

import json

import jsonschema
import yaml

from rag_demo.llm.ollama import OllamaBackend
from rag_demo.llm.options import Answering, Server
from rag_demo.llm.tgi import TgiBackend
from rag_demo.llm.types import Message, Request
from tests.contract import test_llm as contract
from tests.llm_server import NdjsonWire, Reply, ScriptedServer, TgiWire
from tests.published import PUBLISHED_SCHEMAS, needs_published_schemas

pytestmark = needs_published_schemas
REQUEST = Request(
    (Message("system", "Отвечай."), Message("user", "Где?")), max_tokens=7, temperature=0.0, seed=3, stop=("\n",)
)
# Known to the server (api/types.go), not to its description.
UNDESCRIBED = {"shift", "truncate"}


def with_nulls(schema):
    """The ``nullable`` of OpenAPI 3.0 in the words of JSON Schema, which the validator understands."""
    if isinstance(schema, list):
        return [with_nulls(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: with_nulls(part) for name, part in schema.items()}
    return {"anyOf": [parts, {"type": "null"}]} if schema.get("nullable") is True else parts


class Schemas:
    def __init__(self, name: str) -> None:
        self.document = with_nulls(yaml.safe_load((PUBLISHED_SCHEMAS / name).read_text(encoding="utf-8")))

    def check(self, body, name: str) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)

    def check_sent(self, body, name: str, *, also: frozenset[str] | set[str] = frozenset()) -> None:
        """Servers ignore fields that they do not know, so a misspelt one would have no effect."""
        self.check(body, name)
        assert set(body) <= set(self.document["components"]["schemas"][name]["properties"]) | also


def make_reply(wire) -> Reply:
    return Reply([wire.started(), wire.thinking("Хм"), wire.text("да"), wire.end()], headers=wire.headers)


async def test_ollama():
    schemas, wire = Schemas("ollama-openapi.yaml"), NdjsonWire()
    async with ScriptedServer().serving() as server:
        contract.TestOllama().describe_on(server)
        server.on(wire.route, reply := make_reply(wire))
        backend = OllamaBackend(Server(server.url, contract.MODEL), Answering())
        await contract.ask(backend, REQUEST)
        await backend.close()
    paths = schemas.document["paths"]
    assert all(exchange.path in paths for exchange in server.exchanges)
    (sent,) = server.requests("/api/chat")
    schemas.check_sent(sent.body, "ChatRequest", also=UNDESCRIBED)
    schemas.check_sent(sent.body["options"], "ModelOptions")
    schemas.check_sent(server.requests("/api/show")[0].body, "ShowRequest")
    for line in b"".join(reply.steps).splitlines():
        schemas.check(json.loads(line), "ChatStreamEvent")


async def test_tgi():
    schemas, wire = Schemas("tgi-openapi.json"), TgiWire()
    async with ScriptedServer().serving() as server:
        contract.TestTgi().describe_on(server)
        server.on("POST /tokenize", Reply([b"[]"]))
        server.on(wire.route, make_reply(wire))
        backend = TgiBackend(Server(server.url), Answering())
        await contract.ask(backend, REQUEST)
        await backend.count_tokens("раз")
        await backend.close()
    assert all(exchange.path in schemas.document["paths"] for exchange in server.exchanges)
    schemas.check_sent(server.requests("/v1/chat/completions")[0].body, "ChatRequest")
    schemas.check_sent(server.requests("/tokenize")[0].body, "GenerateRequest")
    for sent in wire.text("да"), wire.end().split(b"data: [DONE]")[0]:
        for chunk in sent.decode().split("\n\n"):
            if chunk:
                schemas.check(json.loads(chunk.removeprefix("data: ")), "ChatCompletionChunk")
