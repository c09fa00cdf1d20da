"""What a real vLLM (0.32.0) sent, word for word, and what a server may send that keeps to nothing."""

from __future__ import annotations

import json

import pytest

from rag_demo.errors import ContextOverflow, LlmInterrupted, LlmRefused, LlmUnavailable
from rag_demo.llm.options import Answering, Server
from rag_demo.llm.types import Done, Started, TextDelta, ThinkingDelta, Usage
from rag_demo.llm.vllm import VllmBackend
from tests.contract.test_llm import MODEL, ask, make_gateway, of_kind, text_of
from tests.llm_server import Reply, ScriptedServer, SseWire, json_reply

ROUTE = SseWire.route
WINDOW = "This model's maximum context length is 16384 tokens. However, your prompt contains "
# By the name of the parameter that is at fault.
OVERFLOWS = {
    "input_tokens": f"{WINDOW}at least 16385 input tokens, which exceeds this limit even without any output tokens. "
    "Please reduce the length of the input prompt. (parameter=input_tokens, value=16385)",
    "input_text": f"{WINDOW}2400024 characters (more than 1048576 characters, which is the upper bound for 16384 input "
    "tokens). Please reduce the length of the input prompt. (parameter=input_text, value=2400024)",
    "max_tokens": "max_tokens=99999 cannot be greater than max_model_len=16384. Please request fewer output tokens. "
    "(parameter=max_tokens, value=99999)",
}


@pytest.fixture
async def server():
    async with ScriptedServer().serving() as server:
        yield server


@pytest.fixture
async def backend(server):
    backend = VllmBackend(Server(server.url, MODEL), Answering())
    yield backend
    await backend.close()


def chunk(delta: dict, finish: str | None = None, **more) -> dict:
    """A chunk with every field that is sent with it."""
    ended = {"stop_reason": None} if finish else {}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **ended, "token_ids": None}
    return {**FRAME, "choices": [choice], **more}


FRAME = {"id": "chatcmpl-afc7c193b1e6c001", "object": "chat.completion.chunk", "created": 1795316457, "model": "tiny"}
FIRST = chunk({"role": "assistant", "content": ""}, prompt_token_ids=None, prompt_text=None)
USAGE = {
    "prompt_tokens": 26,
    "total_tokens": 31,
    "completion_tokens": 5,
    "prompt_tokens_details": {"cached_tokens": 0, "created_cache_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
METRICS = {
    "time_to_first_token_ms": 34.37674899760168,
    "generation_time_ms": 20.014255998830777,
    "queue_time_ms": 0.03543300408637151,
    "mean_itl_ms": 5.003563999707694,
    "tokens_per_second": 91.92696476794194,
}
LAST = {**FRAME, "choices": [], "usage": USAGE, "system_fingerprint": "vllm-0.32.0-f5476a89", "metrics": METRICS}


def sent(*chunks: dict) -> Reply:
    lines = [f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode() for body in chunks]
    return Reply([*lines, b"data: [DONE]\n\n"], headers={"Content-Type": "text/event-stream; charset=utf-8"})


async def test_a_thought_and_an_answer(server, backend):
    texts = [chunk({"reasoning": "Ищу"}), chunk({"content": "Склад"}), chunk({"content": " пуст."})]
    server.on(ROUTE, sent(FIRST, *texts, chunk({"content": ""}, "stop"), LAST))
    *events, usage, done = await ask(backend)
    assert events == [Started("vllm", MODEL), ThinkingDelta("Ищу"), TextDelta("Склад"), TextDelta(" пуст.")]
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (26, 5, 0)
    assert usage.tokens_per_s == pytest.approx(1e3 / METRICS["mean_itl_ms"])
    assert done == Done("stop")


async def test_an_answer_that_the_server_gave_up_is_not_complete(server, backend):
    server.on(ROUTE, sent(FIRST, chunk({"content": "Склад"}), chunk({"content": ""}, "abort"), LAST))
    events = await ask(backend)
    assert text_of(events) == "Склад"
    assert isinstance(events[-1].error, LlmInterrupted)
    assert "abort" in str(events[-1].error)


async def test_an_engine_that_died(server, backend):
    died = "EngineCore encountered an issue. See stack trace (above) for the root cause."
    error = {"error": {"message": died, "type": "InternalServerError", "param": None, "code": 500}}
    server.on(ROUTE, sent(FIRST, chunk({"content": "Склад"}), error))
    assert isinstance((await ask(backend))[-1].error, LlmUnavailable)


@pytest.mark.parametrize(("parameter", "message"), OVERFLOWS.items())
async def test_what_does_not_fit(server, backend, parameter, message):
    error = {"message": message, "type": "BadRequestError", "param": parameter, "code": 400}
    server.on(ROUTE, json_reply({"error": error}, status=400))
    (event,) = await ask(backend)
    assert isinstance(event.error, ContextOverflow)
    assert "LLM_NUM_PREDICT" in str(event.error)
    assert "(param:" not in str(event.error)  # the message names it


async def test_a_wrong_key_and_a_wrong_model(server, backend):
    named = {"message": "The model `nope` does not exist. Valid aliases: tiny.", "type": "NotFoundError"}
    wrong = json_reply({"error": {**named, "param": "model", "code": 404}}, status=404)
    server.on(ROUTE, json_reply({"error": "Unauthorized"}, status=401), wrong)
    assert "401: Unauthorized. Check LLM_API_KEY." in str((await ask(backend))[0].error)
    assert "Valid aliases: tiny" in str((await ask(backend))[0].error)


async def test_a_refusal_to_tell_of_itself_is_logged_by_its_kind(server, backend, caplog):
    server.on("GET /v1/models", json_reply({"error": "Unauthorized: тайна"}, status=401))
    with pytest.raises(LlmRefused, match="LLM_API_KEY"):
        await make_gateway(backend).describe()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("rag_demo")] == [
        "No answer by vllm (LlmRefused); `rag-demo llm` tells why."
    ]


async def test_an_answer_as_long_as_the_window_is_warned_of(server):
    model = {"id": MODEL, "object": "model", "owned_by": "vllm", "max_model_len": 1000}
    server.on("GET /v1/models", json_reply({"object": "list", "data": [model]}))
    backend = VllmBackend(Server(server.url, MODEL), Answering(num_predict=512))
    assert "LLM_NUM_PREDICT=512" in (await backend.describe()).warnings[0]
    await backend.close()


async def test_our_own_server_is_no_language_model(server, backend):
    server.on("GET /v1/models", json_reply({"data": [{"id": "rag-demo", "owned_by": "hybrid-embeddings"}]}))
    with pytest.raises(LlmRefused, match="is a rag-demo"):
        await backend.describe()


# --- what keeps to nothing


@pytest.mark.parametrize(
    "choices",
    [
        [None],
        "abc",
        5,
        [{"delta": "текст"}],
        [{"delta": {"content": 5}}],
        [{"delta": {"content": [{"type": "text", "text": "да"}]}}],
        [{"delta": {"reasoning": 5}}],
    ],
)
async def test_chunks_of_another_form_break_the_answer_off(server, backend, choices):
    server.on(ROUTE, sent(FIRST, chunk({"content": "да"}), {**FRAME, "choices": choices}, LAST))
    assert isinstance((await ask(backend))[-1].error, LlmInterrupted)


async def test_a_chunk_nested_without_end_breaks_the_answer_off(server, backend):
    deep = b"data: " + b"[" * 200_000 + b"\n\n"
    server.on(ROUTE, Reply([deep], headers=SseWire.headers))
    assert isinstance((await ask(backend))[-1].error, LlmInterrupted)


@pytest.mark.parametrize(
    "told",
    [
        {"usage": "lots", "metrics": "fast"},
        {
            "usage": {"prompt_tokens": "many", "completion_tokens": -5, "prompt_tokens_details": [1]},
            "metrics": {"generation_time_ms": 1e400, "queue_time_ms": True, "time_to_first_token_ms": "soon"},
        },
    ],
)
async def test_counts_of_another_form_are_not_told(server, backend, told):
    server.on(ROUTE, sent(FIRST, chunk({"content": "да"}, "stop"), {**FRAME, "choices": [], **told}))
    *_, usage, done = await ask(backend)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (None, None, None)
    assert (usage.queue_ms, usage.origin) == (None, "client")
    assert done == Done("stop")


async def test_only_the_first_of_several_answers_is_read(server, backend):
    second = chunk({"content": "нет"})
    second["choices"][0]["index"] = 1
    server.on(ROUTE, sent(FIRST, chunk({"content": "да"}), second, chunk({"content": ""}, "stop")))
    assert text_of(await ask(backend)) == "да"


async def test_a_stream_is_utf_8_whatever_it_says(server, backend):
    reply = sent(FIRST, chunk({"content": "Ёж"}, "stop"))
    server.on(ROUTE, Reply(reply.steps, headers={"Content-Type": "text/event-stream; charset=windows-1251"}))
    assert text_of(await ask(backend)) == "Ёж"


@pytest.mark.parametrize("wait", ["1e400", "nan", "soon", "-5"])
async def test_a_wait_of_another_form_is_none(server, backend, wait):
    server.on(
        ROUTE,
        json_reply({"error": "busy"}, status=429, headers={"Retry-After": wait}),
        sent(chunk({"content": "да"}, "stop")),
    )
    assert of_kind(await ask(backend), Usage)[0].retries == 1


@pytest.mark.parametrize(
    "listed", [{"data": 5}, {"data": [None, {"id": 5}]}, {"data": [{"id": MODEL, "max_model_len": "4k"}]}]
)
async def test_lists_of_another_form(server, backend, listed):
    server.on("GET /v1/models", json_reply(listed))
    server.on("GET /version", json_reply({"version": 5}))
    info = await backend.describe()
    assert (info.model, info.context_tokens, info.version) == (MODEL, None, "")


@pytest.mark.parametrize("counted", [[1, 2], {"tokens": [1, 2]}, {"count": "2"}])
async def test_another_tokenize_route_is_not_asked_again(server, backend, counted):
    server.on("POST /tokenize", json_reply(counted))
    gateway = make_gateway(backend)
    assert await gateway.count_tokens(["раз"]) == await gateway.count_tokens(["раз"])
    assert len(server.requests("/tokenize")) == 1
