"""Tools for agents over both transports, asked by the client of the protocol's own SDK."""

from __future__ import annotations

import contextlib
import sys

import pytest

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.unit.rag_demo.dumps import SmallDump
from tests.unit.rag_demo.web.conftest import TinyService
from tests.web_server import Served, running

mcp = pytest.importorskip("mcp")
KEYS = {"own": "k" * 16, "other": "o" * 16}
NAME = "CommonModule.Модуль1.Посчитать1_2"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("инструменты")
    keys = f"a:{KEYS['own']}:дом,b:{KEYS['other']}:другое"
    settings = Settings(data_dir=str(folder / "данные"), model="слова", api_keys=keys)
    with pytest.MonkeyPatch.context() as patched, contextlib.closing(Library(settings)) as library:
        patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
        patched.setattr(server, "_scrape", lambda *_: lambda: (b"", "text/plain"))
        library.index(SmallDump(folder / "выгрузка").root, "дом", progress=lambda *_: None)
        with running(server.build(library, TinyService(), settings)) as address:
            yield f"{address}/mcp"


@contextlib.asynccontextmanager
async def connected(url, **headers):
    """A client over streamable HTTP that sends these headers."""
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    async with (
        httpx2.AsyncClient(headers=headers, follow_redirects=False) as http,
        mcp.Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield client


async def found_by(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    found = result.structured_content
    return found.get("result", found), result


@pytest.mark.parametrize("slash", ["", "/"])
async def test_every_tool_over_http(url, slash):
    async with connected(url + slash, authorization=f"Bearer {KEYS['own']}") as client:
        assert len((await client.list_tools()).tools) == 5
        [first, *_], result = await found_by(client, "search_configuration", question="Посчитать1_2")
        assert first["name"] == NAME
        assert first["citation"].startswith("CommonModules/Модуль1/Ext/Module.bsl:")
        assert len(result.content[0].text) < 4_000
        [method], _ = await found_by(client, "get_method", name="Модуль1.Посчитать1_2")
        assert method["citation"] == first["citation"]
        catalogue, _ = await found_by(client, "get_object", name="Справочники.Справочник1")
        assert catalogue["full_name"] == "Catalog.Справочник1"
        usages, _ = await found_by(client, "find_usages", name="Посчитать1_2")
        assert usages == [{"note": "No line of code mentions 'Посчитать1_2'."}]
        answer, _ = await found_by(client, "ask", question="Что считает Посчитать1_2?")
        assert answer["sources"][0].startswith(f"[1] {NAME}")


async def test_a_key_sees_its_spaces_only(url):
    async with connected(url, authorization=f"Bearer {KEYS['other']}") as client:
        result = await client.call_tool("get_object", {"name": "Справочник.Справочник1"})
    assert result.is_error
    assert "Nothing is indexed for you" in result.content[0].text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": f"Bearer {KEYS['own']}", "origin": "http://evil.example"}, 403),
        ({"authorization": f"Bearer {KEYS['own']}", "host": "evil.example"}, 421),
    ],
)
async def test_nobody_else_gets_in(url, headers, status):
    import httpx2

    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    accept = {"accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient() as http:
        for address in (url, f"{url}/"):
            assert (await http.post(address, json=body, headers=accept | headers)).status_code == status


@pytest.mark.parametrize("slash", ["", "/"])
async def test_nobody_is_sent_elsewhere(url, slash):
    import httpx2

    headers = {"authorization": f"Bearer {KEYS['own']}", "accept": "application/json, text/event-stream"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    async with httpx2.AsyncClient(follow_redirects=False) as http:
        assert (await http.post(url + slash, json=body, headers=headers)).status_code == 200


async def test_over_standard_streams_beside_a_running_server(tmp_path):
    served = Served(tmp_path / "сервер")
    served.index(SmallDump(tmp_path / "выгрузка").root)
    served.start()
    try:
        command = mcp.StdioServerParameters(
            command=sys.executable, args=[str(served.script), "mcp"], env=served.environment, cwd=served.folder
        )
        async with mcp.Client(command) as client:
            [first, *_], _ = await found_by(client, "search_configuration", question="Что считает Посчитать1_2?")
            assert first["name"] == NAME
            answer, _ = await found_by(client, "ask", question="Что считает Посчитать1_2?")
            assert not answer["refused"]
            served.close()  # the one that held the indexes is gone: the tools go on
            [first, *_], _ = await found_by(client, "search_configuration", question="Что считает Посчитать1_1?")
            assert first["name"].endswith("Посчитать1_1")
    finally:
        served.close()
