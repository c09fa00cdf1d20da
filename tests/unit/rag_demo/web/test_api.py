"""The HTTP interface over a real index."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from hybrid_embeddings import DeadlineExceeded, HybridEmbeddingsError, Overloaded
from hybrid_embeddings import InputError as BadText
from rag_demo.chat.checking.citations import MARK
from rag_demo.chat.session import MOST_TURNS
from rag_demo.events import Events, RequestFinished
from rag_demo.library import Library
from rag_demo.testing import WordEmbedder
from rag_demo.web import app, completions
from rag_demo.web.access import Keys, RateLimit
from rag_demo.web.guard import Guard, Limits
from tests.unit.rag_demo.web.conftest import TinyService

QUESTION = "Что считает Посчитать1_2?"
STATIC = Path(app.__file__).parent / "static"
NO_LIMITS = Limits(Keys({}), RateLimit(0, clock=time.monotonic))
KEY = "ключ-для-проверки-1"
MODULE = "CommonModules/Модуль1/Ext/Module.bsl"


def events(body: str) -> list[tuple[str, dict]]:
    found = []
    for block in body.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


async def ask(client, question=QUESTION, **more):
    response = await client.post("/chat", json={"question": question, **more})
    return response, events(response.text)


async def test_an_answer_comes_as_events_in_order(client):
    response, told = await ask(client)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    names = [name for name, _ in told]
    assert names[0] == "sources"
    assert names[-2:] == ["verified", "done"]
    by_name = dict(told)
    streamed = "".join(data["text"] for name, data in told if name == "delta")
    assert streamed == by_name["verified"]["text"] == by_name["done"]["answer"]
    assert by_name["sources"]["sources"][0]["full_name"] == "CommonModule.Модуль1.Посчитать1_2"
    assert not by_name["done"]["refused"]


async def test_a_follow_up_question_is_understood_from_the_history(client):
    _, told = await ask(client)
    done = dict(told)["done"]
    history = [
        {"question": QUESTION, "standalone": done["standalone"], "answer": done["answer"], "names": done["names"]}
    ]
    _, told = await ask(client, "А какие у неё параметры?", history=history)
    assert "Посчитать1_2" in dict(told)["standalone"]["text"]


async def test_what_is_cited_can_be_read(client):
    _, told = await ask(client)
    cited = dict(told)["sources"]["sources"][0]
    response = await client.get(
        "/source",
        params={"space": "дом", "path": cited["path"], "start": cited["line_start"], "end": cited["line_end"]},
    )
    shown = response.json()
    first = cited["line_start"] - shown["start"]
    lines = shown["lines"][first : first + cited["line_end"] - cited["line_start"] + 1]
    assert "\n".join(lines) == cited["text"]


@pytest.mark.parametrize(
    "path", ["../выгрузка/Configuration.xml", "/etc/passwd", MODULE + "/..", "нет.bsl", MODULE.lower()]
)
async def test_only_indexed_files_can_be_read(client, path):
    response = await client.get("/source", params={"space": "дом", "path": path})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_file"


async def test_lines_out_of_bounds(client):
    assert (
        await client.get("/source", params={"space": "дом", "path": MODULE, "start": 9, "end": 2})
    ).status_code == 400
    far = await client.get("/source", params={"space": "дом", "path": MODULE, "start": 5000, "end": 5001})
    assert far.json()["lines"] == []


async def test_objects_under_any_of_their_names(client):
    for name in ("Catalog.Справочник0", "Справочники.Справочник0", "СПРАВОЧНИК.справочник0"):
        found = (await client.get(f"/objects/{name}")).json()
        assert found["full_name"] == "Catalog.Справочник0"
        assert {"Код", "Адрес"} <= {member["name"] for member in found["members"]}
        assert [method["full_name"].rpartition(".")[2] for method in found["methods"]] == ["НайтиСправочник0"]
    missing = await client.get("/objects/Catalog.Нет")
    assert missing.status_code == 404


async def test_search_tells_ranks_and_scores_of_the_legs(client):
    found = (await client.post("/search", json={"question": "Модуль1.Посчитать1_0", "top_k": 2})).json()
    assert len(found["hits"]) == 2
    assert found["hits"][0]["full_name"] == "CommonModule.Модуль1.Посчитать1_0"
    assert found["hits"][0]["legs"]["exact"]["rank"] == 1
    assert found["degraded"] == []


async def test_filters_reach_the_search(client):
    found = (await client.post("/search", json={"question": "Справочник0", "doc_types": ["metadata_object"]})).json()
    assert {hit["doc_type"] for hit in found["hits"]} == {"metadata_object"}


async def test_kinds_of_objects_narrow_the_search_under_any_of_their_names(client):
    for kind in ("Catalog", "Справочники", "справочник"):
        found = (await client.post("/search", json={"question": "Посчитать1_0 Справочник0", "kinds": [kind]})).json()
        assert {hit["object_kind"] for hit in found["hits"]} == {"Catalog"}
    wrong = await client.post("/search", json={"question": "x", "kinds": ["Табуретка"]})
    assert wrong.status_code == 400
    assert "Справочник (Catalog)" in wrong.json()["error"]["message"]


async def test_every_request_is_told_of_by_its_route(client, library):
    told = []
    library.events.subscribe(told.append)
    await client.get("/objects/Catalog.Нет")
    await client.post("/search", json={})
    await client.get("/about", headers={"host": "evil.com"})
    await client.get("/static/app.js")
    await client.get("/нет/такого")
    requests = [(one.route, one.status) for one in told if isinstance(one, RequestFinished)]
    assert requests == [
        ("/objects/{full_name:path}", 404),
        ("/search", 400),
        ("other", 421),
        ("other", 200),
        ("other", 404),
    ]
    assert all(one.duration_ms > 0 for one in told if isinstance(one, RequestFinished))


async def test_nothing_is_ready_while_no_text_can_be_embedded(client, monkeypatch):
    async def fail(*_, **__):
        raise HybridEmbeddingsError("no lane")

    monkeypatch.setattr(TinyService, "aencode", fail)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["missing"]) == (503, ["embeddings"])


async def test_what_the_system_knows_about_itself(client, dump):
    about = (await client.get("/about")).json()
    [space] = about["spaces"]
    assert (space["id"], space["title"]) == ("дом", "Лавка")
    assert about["doc_types"] == ["metadata_object", "method"]
    assert about["llm"] is None
    kinds = {kind["name"]: (kind["ru"], kind["en"]) for kind in about["kinds"]}
    assert kinds == {"Catalog": ("Справочники", "Catalogs"), "CommonModule": ("Общие модули", "Common modules")}
    assert str(dump.root) not in json.dumps(about, ensure_ascii=False)


async def test_probes_and_metrics(client):
    assert (await client.get("/health/live")).json() == {"status": "alive"}
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "healthy")
    assert (await client.get("/metrics")).text == "a_metric 1\n"


async def test_without_an_index_nothing_is_ready_and_the_advice_is_given(client, library):
    library.drop("дом")
    assert (await client.get("/health/ready")).status_code == 503
    response, _ = await ask(client)
    assert response.status_code == 503
    assert "rag-demo index" in response.json()["error"]["message"]
    assert (await client.get("/about")).json()["spaces"] == []


async def test_an_index_that_is_brought_up_to_date_is_asked_at_once(client, dump, library):
    dump.write_module("Модуль1", ["НоваяСовсем"])
    library.index(dump.root, "дом", progress=lambda *_: None)
    found = (await client.post("/search", json={"question": "НоваяСовсем"})).json()
    assert found["hits"][0]["full_name"] == "CommonModule.Модуль1.НоваяСовсем"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": ""},
        {"question": "  "},
        {"question": "x" * 2001},
        {"question": 1},
        {"question": "x", "top_k": 0},
        {"question": "x", "doc_types": ["что-то"]},
        {"question": "x", "unknown": 1},
        {"question": "x", "history": [{"question": "y"}] * 9},
    ],
)
async def test_bad_requests_are_told_what_is_wrong(client, body):
    response = await client.post("/chat", json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_request"
    assert "body" in response.json()["error"]["message"]


async def test_unknown_spaces(client):
    response = await client.post("/search", json={"question": "x", "spaces": ["чужое"]})
    assert (response.status_code, response.json()["error"]["code"]) == (404, "unknown_space")


class TestGuard:
    async def test_every_answer_has_the_headers_of_security(self, client):
        for path in ("/", "/about", "/static/app.js", "/nothing"):
            headers = (await client.get(path)).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"

    async def test_whoever_only_asks_whether_it_is_there(self, client):
        assert (await client.head("/")).status_code == 200

    async def test_the_page_needs_nothing_from_elsewhere(self, client):
        for name in sorted(one.name for one in STATIC.iterdir()):
            text = (await client.get(f"/static/{name}")).text
            assert "http://" not in text.replace("http://www.w3.org", "")
            assert "https://" not in text
            assert "innerHTML" not in text

    async def test_keys(self, client_for):
        async with client_for(api_keys=f"ide:{KEY}:дом,чужой:{KEY}2:другое") as client:
            assert (await client.get("/")).status_code == 200
            assert (await client.get("/health/live")).status_code == 200
            refused = await client.get("/about")
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            for headers in ({"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}):
                raw = {name: value.encode() for name, value in headers.items()}
                assert (await client.get("/about", headers=raw)).json()["spaces"][0]["id"] == "дом"
            other = {"x-api-key": f"{KEY}2".encode()}
            assert (await client.get("/about", headers=other)).json()["spaces"] == []
            assert (await client.post("/search", headers=other, json={"question": "x"})).status_code == 503
            hidden = await client.get("/objects/Catalog.Справочник0", headers=other)
            assert (hidden.status_code, hidden.json()["error"]["code"]) == (503, "IndexMissing")

    async def test_foreign_hosts_and_origins(self, client):
        assert (await client.get("/about", headers={"host": "evil.com"})).status_code == 421
        assert (await client.get("/about", headers={"origin": "http://evil.com"})).status_code == 403

    async def test_large_bodies(self, client):
        assert (await client.post("/search", content=b"x" * 1_000_001)).status_code == 413

        async def drip():
            for _ in range(11):
                yield b"x" * 100_000

        assert (await client.post("/search", content=drip())).status_code == 413

    async def test_a_body_that_never_ends(self, client):
        async def nothing_more():
            yield b"{"
            await asyncio.Event().wait()

        slow = Guard(client._transport.app, limits=dataclasses.replace(NO_LIMITS, body_s=0.05), events=Events())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(slow), base_url="http://127.0.0.1") as impatient:
            response = await impatient.post("/search", content=nothing_more())
        assert (response.status_code, response.json()["error"]["code"]) == (408, "body_too_slow")

    async def test_too_many_requests_at_once(self, client_for, library):
        async with client_for(requests_at_once=2) as client:
            entered, going_on = asyncio.Event(), threading.Event()
            loop = asyncio.get_running_loop()

            def slow(spaces):
                loop.call_soon_threadsafe(entered.set)
                assert going_on.wait(20)
                return Library.assistant(library, spaces)

            library.assistant = slow
            first = [asyncio.create_task(client.post("/search", json={"question": "x"})) for _ in range(2)]
            await entered.wait()
            refused = await client.get("/about")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert (await client.get("/health/live")).status_code == 200
            going_on.set()
            assert [one.status_code for one in await asyncio.gather(*first)] == [200, 200]
            assert (await client.get("/about")).status_code == 200

    async def test_pages_of_other_sites_get_no_leave(self, client):
        asked = {"origin": "http://evil.com", "access-control-request-method": "POST"}
        for headers in (asked, {}):
            response = await client.options("/search", headers=headers)
            assert response.status_code in {403, 405}
            assert not [name for name in response.headers if name.startswith("access-control-")]

    async def test_too_many_questions(self, client_for):
        async with client_for(requests_per_minute=5) as client:
            statuses = [(await client.post("/search", json={"question": "x"})).status_code for _ in range(7)]
            assert statuses[:5] == [200] * 5
            assert statuses[6] == 429
            response = await client.post("/search", json={"question": "x"})
            assert int(response.headers["retry-after"]) > 0

    async def test_a_defect_shows_no_stack_and_no_path(self, client, library, monkeypatch):
        monkeypatch.setattr(library, "assistant", lambda *_: 1 / 0)
        response = await client.post("/search", json={"question": "x"})
        assert response.status_code == 500
        assert "Error" not in response.json()["error"]["message"].replace("Internal error", "")


class TestOpenAi:
    async def test_embeddings_in_both_formats(self, client):
        texts = ["Курс валюты", "на дату"]
        plain = (await client.post("/v1/embeddings", json={"input": texts, "model": "слова"})).json()
        packed = (
            await client.post("/v1/embeddings", json={"input": texts, "model": "слова", "encoding_format": "base64"})
        ).json()
        expected = WordEmbedder().encode_documents(texts)
        for row, vector in enumerate(expected):
            assert plain["data"][row]["embedding"] == pytest.approx(vector.tolist(), abs=1e-6)
            raw = base64.b64decode(packed["data"][row]["embedding"])
            assert np.frombuffer(raw, dtype="<f4").tolist() == vector.tolist()
        assert plain["usage"] == {"prompt_tokens": 4, "total_tokens": 4}
        assert plain["model"] == "слова"

    async def test_fewer_dimensions_have_unit_length(self, client):
        found = (await client.post("/v1/embeddings", json={"input": "слово", "dimensions": 8})).json()
        vector = np.array(found["data"][0]["embedding"])
        assert vector.shape == (8,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)

    @pytest.mark.parametrize(
        ("body", "status", "told"),
        [
            ({"input": [1, 2, 3]}, 400, "check_embedding_ctx_length=False"),
            ({"input": [[1, 2]]}, 400, "check_embedding_ctx_length=False"),
            ({"input": []}, 400, "at least 1 item"),
            ({"input": ""}, 400, "at least 1 character"),
            ({"input": ["x", ""]}, 400, "input.texts.1: String should have at least 1 character"),
            ({"input": ["x", 5]}, 400, "input.texts.1: Input should be a valid string"),
            ({"input": 5}, 400, "a text or a list of texts"),
            ({"input": "x", "model": "нет"}, 404, "слова"),
            ({"input": "x", "dimensions": 65}, 400, "64"),
            ({"input": ["x"] * 2049}, 400, "at most 2048 items"),
        ],
    )
    async def test_what_cannot_be_embedded(self, client, body, status, told):
        response = await client.post("/v1/embeddings", json=body)
        assert response.status_code == status
        assert told in response.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("content", "sort", "told"),
        [
            ('{"input": "курс"}'.encode("cp1251"), "application/json", "UTF-8"),
            (b'{"input": ', "application/json", "no JSON"),
            (b"input=x", "application/x-www-form-urlencoded", "Content-Type: application/json"),
        ],
    )
    async def test_bodies_that_are_no_json(self, client, content, sort, told):
        response = await client.post("/v1/embeddings", content=content, headers={"content-type": sort})
        assert response.status_code == 400
        assert told in response.json()["error"]["message"]

    async def test_one_text_is_a_query_and_several_are_not(self, client, monkeypatch):
        asked = []
        aencode = TinyService.aencode

        async def listening(service, texts, **options):
            asked.append(type(texts))
            return await aencode(service, texts, **options)

        monkeypatch.setattr(TinyService, "aencode", listening)
        for texts in ("курс", ["курс"], ["слово " * 400], ["курс", "цена"]):
            response = await client.post("/v1/embeddings", json={"input": texts})
            assert len(response.json()["data"][0]["embedding"]) == 64
        assert asked == [str, str, str, list]

    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (Overloaded("full", retry_after_s=2.2), 503, "overloaded"),
            (DeadlineExceeded("/a/path"), 503, "embeddings"),
            (BadText("text 0 is no valid Unicode"), 400, "invalid_request"),
        ],
    )
    async def test_what_the_engine_refuses(self, client, monkeypatch, error, status, code):
        async def fail(*_, **__):
            raise error

        monkeypatch.setattr(TinyService, "aencode", fail)
        response = await client.post("/v1/embeddings", json={"input": "x"})
        assert (response.status_code, response.json()["error"]["code"]) == (status, code)
        assert response.headers.get("retry-after") == ("3" if code == "overloaded" else None)
        assert "/a/path" not in response.text

    async def test_a_completion_and_its_stream_say_the_same(self, client):
        body = {"model": "rag-demo", "messages": [{"role": "user", "content": QUESTION}]}
        whole = (await client.post("/v1/chat/completions", json=body)).json()
        text = whole["choices"][0]["message"]["content"]
        assert "Посчитать1_2" in text
        assert whole["sources"][0]["full_name"] == "CommonModule.Модуль1.Посчитать1_2"
        assert whole["usage"]["total_tokens"] == whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"]
        stream = await client.post(
            "/v1/chat/completions", json={**body, "stream": True, "stream_options": {"include_usage": True}}
        )
        lines = [line.removeprefix("data: ") for line in stream.text.splitlines() if line.startswith("data: ")]
        assert lines[-1] == "[DONE]"
        chunks = [json.loads(line) for line in lines[:-1]]
        assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]) == text
        assert chunks[-1]["usage"]["completion_tokens"] > 0

    @pytest.mark.parametrize(
        "option",
        [
            {"n": 2},
            {"stop": ["\n"]},
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            {"tool_choice": "required"},
            {"response_format": {"type": "json_object"}},
            {"logprobs": True},
            {"top_logprobs": 3},
            {"modalities": ["audio"]},
        ],
    )
    async def test_what_would_change_the_form_of_an_answer_is_refused_by_name(self, client, option):
        asked = {"messages": [{"role": "user", "content": QUESTION}]}
        response = await client.post("/v1/chat/completions", json={**asked, **option})
        assert (response.status_code, response.json()["error"]["code"]) == (400, "unsupported_parameter")
        assert next(iter(option)) in response.json()["error"]["message"]

    async def test_options_of_sampling_and_those_that_ask_for_nothing_pass(self, client):
        asked = {"messages": [{"role": "user", "content": QUESTION}], "temperature": 0.9, "max_tokens": 5, "seed": 1,
                 "n": 1, "stop": None, "tools": [], "tool_choice": "auto", "response_format": {"type": "text"},
                 "logprobs": False}  # fmt: skip
        assert (await client.post("/v1/chat/completions", json=asked)).status_code == 200

    async def test_a_question_with_a_picture_is_refused_one_before_it_is_not(self, client):
        seen = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
        response = await client.post("/v1/chat/completions", json={"messages": [seen]})
        assert (response.status_code, "image_url" in response.text) == (400, True)
        told = [seen, {"role": "assistant", "content": "Нет."}, {"role": "user", "content": QUESTION}]
        assert (await client.post("/v1/chat/completions", json={"messages": told})).status_code == 200

    async def test_a_conversation_may_be_long(self, client):
        turn = [{"role": "user", "content": "Да?"}, {"role": "assistant", "content": "Да."}]
        messages = [*(turn * 5_000), {"role": "user", "content": QUESTION}]
        response = await client.post("/v1/chat/completions", json={"messages": messages})
        assert "Посчитать1_2" in response.json()["choices"][0]["message"]["content"]

    async def test_the_last_message_must_be_a_question(self, client):
        for messages in ([{"role": "assistant", "content": "x"}], [{"role": "user", "content": " "}]):
            response = await client.post("/v1/chat/completions", json={"messages": messages})
            assert response.status_code == 400

    async def test_models(self, client):
        names = [model["id"] for model in (await client.get("/v1/models")).json()["data"]]
        assert names == ["rag-demo", "слова"]


async def test_the_description_has_an_example_for_whatever_must_be_given(client):
    description = (await client.get("/openapi.json")).json()
    for path, methods in description["paths"].items():
        for asked in methods.values():
            for one in asked.get("parameters", []):
                assert not one["required"] or one["schema"].get("examples") or one.get("examples"), (path, one["name"])
            if "requestBody" in asked:
                name = asked["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert description["components"]["schemas"][name]["examples"], path


async def test_the_description_of_the_interface_lists_every_route(client):
    paths = (await client.get("/openapi.json")).json()["paths"]
    expected = {"/chat", "/search", "/objects/{full_name}", "/source", "/spaces", "/about", "/metrics"}
    expected |= {"/health/live", "/health/ready", "/v1/models", "/v1/models/{name}"}
    assert expected | {"/v1/embeddings", "/v1/chat/completions"} == set(paths)


def test_earlier_answers_are_read_in_time_however_many_doubts_they_name():
    """One look through the answer for each of them, for every message of the body: this took seconds."""
    doubts = f"\n\n{MARK} «x» — y" + f"\n{MARK} aaaaaaab» — q" * 2_000
    messages = []
    for _ in range(60):
        messages += [
            completions.ChatMessage(role="user", content="Где?"),
            completions.ChatMessage(role="assistant", content="a" * 60_000 + doubts),
        ]
    started = time.process_time()
    _, before = completions._asked([*messages, completions.ChatMessage(role="user", content="Где?")])
    assert time.process_time() - started < 5.0
    assert [len(answer) for _, answer in before] == [60_000] * MOST_TURNS
