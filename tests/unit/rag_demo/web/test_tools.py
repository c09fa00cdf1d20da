"""Tools for agents, asked by the client of the protocol's own SDK."""

from __future__ import annotations

import pytest

from rag_demo.settings import Settings
from rag_demo.web import tools as tools_module
from rag_demo.web.site import Site
from rag_demo.web.tools import build_tools

mcp = pytest.importorskip("mcp")


@pytest.fixture
def tools(library, dump):
    dump.write_module("Вызывающий", ["Позвать"], body="Возврат Модуль1.Посчитать1_2(Дата);")
    dump.modules.append("Вызывающий")
    dump.write_configuration()
    library.index(dump.root, "дом", progress=lambda *_: None)
    site = Site(library, Settings(data_dir=library._settings.data_dir))
    return build_tools(site, lambda: ["дом"], version="1")


async def call(tools, tool, **arguments):
    async with mcp.Client(tools) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    found = result.structured_content
    return found.get("result", found)


async def test_the_tools_are_listed_with_what_they_do(tools):
    async with mcp.Client(tools) as client:
        listed = (await client.list_tools()).tools
    assert {tool.name for tool in listed} == {
        "search_configuration",
        "get_object",
        "get_method",
        "find_usages",
        "ask",
    }
    assert all(tool.description for tool in listed)


async def test_search(tools):
    found = await call(tools, "search_configuration", question="Посчитать1_2", limit=2)
    assert len(found) == 2
    assert found[0]["name"] == "CommonModule.Модуль1.Посчитать1_2"
    assert found[0]["citation"].startswith("CommonModules/Модуль1/Ext/Module.bsl:")


async def test_object_and_method(tools):
    found = await call(tools, "get_object", name="Справочник.Справочник1")
    assert found["full_name"] == "Catalog.Справочник1"
    [method] = await call(tools, "get_method", name="Модуль1.Посчитать1_2")
    assert "КонецФункции" in method["code"]
    assert method["export"] is True


async def test_unknown_names_are_answered_with_advice(tools):
    assert "search_configuration" in (await call(tools, "get_object", name="Нет"))["error"]
    assert "search_configuration" in (await call(tools, "get_method", name="Нет.Такого"))[0]["error"]
    assert "Нет.Такого" in (await call(tools, "find_usages", name="Нет.Такого"))[0]["note"]


@pytest.mark.parametrize("tool", ["search_configuration", "ask"])
async def test_a_question_that_cannot_be_asked_is_refused_in_words(tools, tool):
    async with mcp.Client(tools) as client:
        result = await client.call_tool(tool, {"question": " "})
    assert result.is_error
    assert "The question is empty" in result.content[0].text


async def test_usages_are_lines_that_call_not_the_declaration(tools):
    found = await call(tools, "find_usages", name="Модуль1.Посчитать1_2")
    assert [usage["in"] for usage in found] == ["CommonModule.Вызывающий.Позвать"]
    assert "Посчитать1_2" in found[0]["line"]


async def test_ask(tools):
    found = await call(tools, "ask", question="Что считает Посчитать1_2?")
    assert "Посчитать1_2" in found["answer"]
    assert found["sources"]


async def test_over_http_a_key_sees_its_spaces_only(client_for):
    keys = {"own": "k" * 16, "other": "o" * 16}
    client = client_for(api_keys=f"a:{keys['own']}:дом,b:{keys['other']}:другое")
    app = client._transport.app
    call = {"name": "get_object", "arguments": {"name": "Справочник.Справочник1"}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    said = {}
    async with client, app.router.lifespan_context(app):
        assert (await client.post("/mcp/", json=body)).status_code == 401
        for name, key in keys.items():
            headers = {"authorization": f"Bearer {key}", "accept": "application/json, text/event-stream"}
            said[name] = (await client.post("/mcp/", json=body, headers=headers)).json()["result"]
    assert said["own"]["structuredContent"]["full_name"] == "Catalog.Справочник1"
    assert said["other"]["isError"] is True
    assert "Nothing is indexed for you" in said["other"]["content"][0]["text"]


def test_long_lists_are_cut_and_counted():
    method = {"full_name": "Catalog.Большой.М", "signature": "М()", "line_start": 7, "description": "x" * 1000}
    lists = dict.fromkeys(("used_as_type_by", "movers", "movements", "subsystems"), ["Catalog.Другой"] * 3)
    found = {"full_name": "Catalog.Большой", "members": [{"name": "Код"}] * 350, "methods": [method] * 61, **lists}
    brief = tools_module._brief(found)
    assert brief["left_out"] == {"members": 250, "methods": 1}
    assert len(brief["members"]) == 100
    assert brief["methods"][0] == {"name": "Catalog.Большой.М", "signature": "М()", "line": 7}
    assert "left_out" not in tools_module._brief({**found, "members": [], "methods": []})
