"""What every `Backend` must do with what a server may send, seen through the gateway. The server is a real one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from hybrid_embeddings.resilience.breaker import Breaker
from rag_demo.errors import (
    ContextOverflow,
    EmptyAnswer,
    LlmInterrupted,
    LlmOverloaded,
    LlmRefused,
    LlmTimeout,
    LlmUnavailable,
)
from rag_demo.llm.gateway import Gateway, Link
from rag_demo.llm.ollama import OllamaBackend
from rag_demo.llm.options import Answering, Limits, Server
from rag_demo.llm.ports import Backend
from rag_demo.llm.tgi import TgiBackend
from rag_demo.llm.types import Done, Failed, Message, Request, Started, TextDelta, ThinkingDelta, Usage
from rag_demo.llm.vllm import VllmBackend
from tests.llm_server import NdjsonWire, Reply, ScriptedServer, SseWire, TgiWire, json_reply, stall

MODEL = "модель:8b"
QUESTION = Request((Message("system", "Отвечай кратко."), Message("user", "Где остаток товара?")))
KEY = "sk-тайна".encode().hex()
LIMITS = Limits(total_s=20, first_token_s=10, idle_s=10, attempts=2, pause_s=0.01)


def make_gateway(backend: Backend, limits: Limits = LIMITS) -> Gateway:
    return Gateway([Link(backend, Breaker(threshold=3, timeout_s=60))], limits=limits)


async def ask(backend: Backend, request: Request = QUESTION, limits: Limits = LIMITS) -> list:
    async with contextlib.aclosing(make_gateway(backend, limits).stream(request)) as events:
        return [event async for event in events]


def text_of(events: list) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def of_kind(events: list, kind: type) -> list:
    return [event for event in events if isinstance(event, kind)]


class BackendContract:
    wire: SseWire | NdjsonWire

    @pytest.fixture
    async def server(self):
        async with ScriptedServer().serving() as server:
            self.describe_on(server)
            yield server

    @pytest.fixture
    async def backend(self, server):
        backend = self.make(Server(server.url, MODEL, KEY))
        yield backend
        await backend.close()

    def make(self, server: Server, **answering) -> Backend:
        raise NotImplementedError

    def describe_on(self, server: ScriptedServer) -> None:
        """Let the server tell about its model."""
        raise NotImplementedError

    def reply(self, *steps, **options) -> Reply:
        return Reply(steps, headers=self.wire.headers, **options)

    def answer(self, *texts: str, reason: str = "stop") -> Reply:
        return self.reply(self.wire.started(), *map(self.wire.text, texts), self.wire.end(reason))

    # --- what arrives

    async def test_an_answer_is_started_text_usage_done(self, server, backend):
        server.on(self.wire.route, self.answer("Оста", "ток."))
        events = await ask(backend)
        assert events[:3] == [Started(backend.name, MODEL), TextDelta("Оста"), TextDelta("ток.")]
        usage, done = events[3:]
        assert (usage.prompt_tokens, usage.completion_tokens, usage.retries) == (12, 3, 0)
        assert usage.first_token_ms > 0
        assert usage.total_ms >= usage.first_token_ms + usage.slot_ms
        assert done == Done("stop")

    async def test_bytes_may_be_cut_anywhere_even_within_a_letter(self, server, backend):
        whole = self.wire.started() + self.wire.text("Ёжик — 文") + self.wire.text("ъ") + self.wire.end()
        server.on(self.wire.route, self.reply(*(bytes([byte]) for byte in whole)))
        assert text_of(await ask(backend)) == "Ёжик — 文ъ"

    async def test_everything_may_come_at_once(self, server, backend):
        whole = self.wire.started() + self.wire.text("а") + self.wire.text("б") + self.wire.end()
        server.on(self.wire.route, self.reply(whole))
        assert text_of(await ask(backend)) == "аб"

    async def test_line_ends_of_windows(self, server, backend):
        whole = self.wire.started() + self.wire.text("а\\nб") + self.wire.end()
        server.on(self.wire.route, self.reply(whole.replace(b"\n", b"\r\n")))
        assert text_of(await ask(backend)) == "а\\nб"

    async def test_thoughts_are_told_from_text(self, server, backend):
        steps = [self.wire.started(), self.wire.thinking("Ищу…"), self.wire.text("Склад."), self.wire.end()]
        server.on(self.wire.route, self.reply(*steps))
        events = await ask(backend)
        assert events[1:3] == [ThinkingDelta("Ищу…"), TextDelta("Склад.")]

    async def test_thoughts_without_an_answer_are_a_failure(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.thinking("Хм"), self.wire.end("length")))
        events = await ask(backend)
        assert isinstance(events[-1].error, EmptyAnswer)
        assert "LLM_NUM_PREDICT" in str(events[-1].error)
        assert not of_kind(events, Done)

    async def test_an_empty_answer_is_a_failure(self, server, backend):
        server.on(self.wire.route, self.answer(" \n"))
        assert isinstance((await ask(backend))[-1].error, EmptyAnswer)

    async def test_an_answer_cut_by_the_limit_says_so(self, server, backend):
        server.on(self.wire.route, self.answer("Ост", reason="length"))
        assert (await ask(backend))[-1] == Done("length")

    async def test_missing_counts_are_none(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.text("а"), self.wire.end(usage=False)))
        (usage,) = of_kind(await ask(backend), Usage)
        assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (None, None, None)
        assert usage.tokens_per_s is None
        assert (usage.origin, usage.prefill_ms) == ("client", usage.first_token_ms)

    # --- what goes wrong

    async def test_an_error_before_the_first_token_is_tried_again(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.error("вышла память")), self.answer("да"))
        events = await ask(backend)
        assert text_of(events) == "да"
        assert of_kind(events, Usage)[0].retries == 1

    async def test_an_error_after_the_first_token_is_not_tried_again(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.text("Ост"), self.wire.error("вышла память")))
        events = await ask(backend)
        assert text_of(events) == "Ост"
        assert isinstance(events[-1], Failed)
        assert isinstance(events[-1].error, LlmUnavailable)
        assert "вышла память" in str(events[-1].error)
        assert len(server.exchanges_of_chat(self.wire)) == 1

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    async def test_a_failing_server_is_tried_again(self, server, backend, status):
        server.on(self.wire.route, self.wire.refusal(status, "server busy"), self.answer("да"))
        assert text_of(await ask(backend)) == "да"

    @pytest.mark.parametrize("status", [400, 401, 404, 422])
    async def test_a_refusal_is_not_tried_again(self, server, backend, status):
        server.on(self.wire.route, self.wire.refusal(status, f"нет: {KEY}"), self.answer("да"))
        (event,) = await ask(backend)
        assert type(event.error) is LlmRefused
        assert str(status) in str(event.error)
        assert KEY not in str(event.error)

    async def test_retry_after_is_obeyed(self, server, backend):
        busy = self.wire.refusal(429, "busy", {"Retry-After": "1"})
        server.on(self.wire.route, busy, self.answer("да"))
        started = asyncio.get_running_loop().time()
        assert text_of(await ask(backend)) == "да"
        assert asyncio.get_running_loop().time() - started >= 1

    async def test_a_server_that_wants_too_much_patience_is_overloaded(self, server, backend):
        server.on(self.wire.route, self.wire.refusal(503, "busy", {"Retry-After": "3600"}))
        (event,) = await ask(backend)
        assert isinstance(event.error, LlmOverloaded)
        assert event.error.retry_after_s == 3600
        assert len(server.exchanges_of_chat(self.wire)) == 1

    async def test_a_server_that_is_not_there(self, backend, server):
        unused = self.make(Server("http://127.0.0.1:1", MODEL))
        (event,) = await ask(unused)
        assert isinstance(event.error, LlmUnavailable)
        assert "http://127.0.0.1:1" in str(event.error)
        await unused.close()

    async def test_no_first_token_in_time(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.started(), stall))
        (event,) = await ask(backend, limits=Limits(first_token_s=0.3))
        assert isinstance(event.error, LlmTimeout)
        assert "LLM_FIRST_TOKEN_TIMEOUT" in str(event.error)
        await server.until(lambda: server.active == 0)

    async def test_no_next_token_in_time(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.text("Ост"), stall))
        events = await ask(backend, limits=Limits(idle_s=0.3))
        assert events[1] == TextDelta("Ост")
        assert "LLM_IDLE_TIMEOUT" in str(events[-1].error)
        await server.until(lambda: server.active == 0)

    async def test_no_end_in_time(self, server, backend):
        async def drip(exchange):
            await asyncio.sleep(0.05)

        steps = itertools.chain.from_iterable((self.wire.text("а"), drip) for _ in range(40))
        server.on(self.wire.route, self.reply(*steps, self.wire.end()))
        events = await ask(backend, limits=Limits(total_s=0.5))
        assert text_of(events)
        assert "LLM_TIMEOUT" in str(events[-1].error)

    @pytest.mark.parametrize("is_cut", [True, False])
    async def test_a_stream_without_its_end_is_a_failure(self, server, backend, is_cut):
        server.on(self.wire.route, self.reply(self.wire.text("Ост"), is_cut=is_cut))
        events = await ask(backend)
        assert text_of(events) == "Ост"
        assert isinstance(events[-1].error, LlmInterrupted)

    async def test_a_connection_that_breaks_before_the_first_token_is_tried_again(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.started(), is_cut=True), self.answer("да"))
        assert text_of(await ask(backend)) == "да"

    async def test_nonsense_is_a_failure(self, server, backend):
        server.on(self.wire.route, self.reply(b"data: {\n\n" if self.wire.is_sse else b"{\n"))
        (event,) = await ask(backend)
        assert isinstance(event.error, LlmInterrupted)

    async def test_a_page_in_place_of_an_answer(self, server, backend):
        page = Reply(["<html>Прокси</html>".encode()], 200, {"Content-Type": "text/html"})
        server.on(self.wire.route, page)
        (event,) = await ask(backend)
        assert isinstance(event.error, (LlmRefused, LlmInterrupted))

    async def test_a_redirect_is_told(self, server, backend):
        server.on(self.wire.route, Reply((), 307, {"Location": "https://elsewhere.example/v1"}))
        (event,) = await ask(backend)
        assert "https://elsewhere.example/v1" in str(event.error)

    # --- what is sent, and when it stops

    async def test_the_request(self, server, backend):
        server.on(self.wire.route, self.answer("да"))
        await ask(backend, Request(QUESTION.messages, max_tokens=7, temperature=0.0, seed=3, stop=("\n\n",)))
        (exchange,) = server.exchanges_of_chat(self.wire)
        assert exchange.headers["authorization"] == f"Bearer {KEY}"
        assert exchange.body["model"] == MODEL
        assert exchange.body["messages"] == [
            {"role": "system", "content": "Отвечай кратко."},
            {"role": "user", "content": "Где остаток товара?"},
        ]
        assert exchange.body["stream"] is True
        options = exchange.body.get("options") or exchange.body
        assert (options["temperature"], options["seed"], options["stop"]) == (0.0, 3, ["\n\n"])
        assert 7 in {options.get("max_tokens"), options.get("num_predict")}

    async def test_leaving_closes_the_connection_and_frees_the_slot(self, server, backend):
        server.on(self.wire.route, self.reply(self.wire.text("Ост"), stall))
        gateway = make_gateway(backend, Limits(concurrency=1, queue=0))
        async with contextlib.aclosing(gateway.stream(QUESTION)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        await server.until(lambda: server.active == 0)
        server.on(self.wire.route, self.answer("да"))
        async with contextlib.aclosing(gateway.stream(QUESTION)) as events:
            assert text_of([event async for event in events]) == "да"

    async def test_cancelling_before_the_first_token_closes_the_connection(self, server, backend):
        server.on(self.wire.route, self.reply(stall))
        task = asyncio.create_task(ask(backend))
        await server.until(lambda: bool(server.exchanges_of_chat(self.wire)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda: server.active == 0)

    async def test_it_tells_what_answers(self, server, backend):
        info = await backend.describe()
        assert (info.backend, info.base_url, info.model) == (backend.name, server.url, MODEL)
        assert info.context_tokens == 4096
        assert info.version == "1.2.3"

    async def test_without_a_name_the_server_chooses_the_model(self, server):
        backend = self.make(Server(server.url))
        server.on(self.wire.route, self.answer("да"))
        assert (await ask(backend))[0] == Started(backend.name, MODEL)
        await backend.close()

    async def test_close_twice(self, backend):
        await backend.close()
        await backend.close()

    async def test_after_close_it_connects_anew(self, server, backend):
        server.on(self.wire.route, self.answer("да"))
        await ask(backend)
        await backend.close()
        assert text_of(await ask(backend)) == "да"


class SseContract(BackendContract):
    wire = SseWire()

    @pytest.mark.parametrize(
        "change",
        [
            lambda sent: sent.replace(b"data: ", b"data:"),
            lambda sent: b": ping\n\n" + sent.replace(b"\n\n", b"\n\n: ping\n\n"),
            lambda sent: sent.replace(b"\n\n", b"\n\nevent: message\nid: 1\nretry: 5\n\n"),
            lambda sent: sent.replace(b"data: [DONE]\n\n", b""),
            lambda sent: sent.replace(b"data: [DONE]\n\n", b"data:[DONE]"),
        ],
        ids=["no space", "comments", "other fields", "no end mark", "end mark without line end"],
    )
    async def test_forms_of_the_stream(self, server, backend, change):
        whole = self.wire.started() + self.wire.text("да") + self.wire.end()
        server.on(self.wire.route, self.reply(change(whole)))
        events = await ask(backend)
        assert (text_of(events), events[-1]) == ("да", Done("stop"))

    async def test_comments_are_no_tokens(self, server, backend):
        async def pause(exchange):
            await asyncio.sleep(0.05)

        steps = itertools.chain.from_iterable((b": ping\n\n", pause) for _ in range(40))
        server.on(self.wire.route, self.reply(*steps))
        (event,) = await ask(backend, limits=Limits(first_token_s=0.3))
        assert "LLM_FIRST_TOKEN_TIMEOUT" in str(event.error)

    async def test_separators_of_unicode_are_text(self, server, backend):
        server.on(self.wire.route, self.answer("а\u2028б\u0085в"))
        assert text_of(await ask(backend)) == "а\u2028б\u0085в"

    async def test_thoughts_within_the_text(self, server, backend):
        server.on(self.wire.route, self.answer("<th", "ink>\nХм</thi", "nk>\n\nОс", "таток <think> тут"))
        events = await ask(backend)
        assert "".join(event.text for event in of_kind(events, ThinkingDelta)) == "\nХм"
        assert text_of(events) == "Остаток <think> тут"

    async def test_overflow_is_refused(self, server, backend):
        # The words of vLLM up to 0.15; those of today are in test_llm_recorded.py.
        told = "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."
        server.on(self.wire.route, self.wire.refusal(400, told))
        (event,) = await ask(backend)
        assert isinstance(event.error, ContextOverflow)

    async def test_a_server_that_knows_less_is_asked_without(self, server, backend):
        unknown = self.wire.refusal(422, "Unsupported fields in the request: {'stream_options'}")
        server.on(self.wire.route, unknown, self.answer("да"))
        assert text_of(await ask(backend)) == "да"
        await ask(backend)
        sent = ["stream_options" in exchange.body for exchange in server.exchanges_of_chat(self.wire)]
        assert sent == [True, False, False]


class TestVllm(SseContract):
    def make(self, server, **answering):
        return VllmBackend(server, Answering(**answering))

    def describe_on(self, server):
        model = {"id": MODEL, "object": "model", "max_model_len": 4096}
        server.on("GET /v1/models", json_reply({"object": "list", "data": [model]}))
        server.on("GET /version", json_reply({"version": "1.2.3"}))

    async def test_timings_and_cached_tokens_of_the_server(self, server, backend):
        usage = {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 64}}
        metrics = {
            "time_to_first_token_ms": 120.5,
            "generation_time_ms": 400.0,
            "queue_time_ms": 30.0,
            "mean_itl_ms": 50.0,
            "tokens_per_second": 17.3,  # of all tokens and all the time, the prefill included: not what we tell
        }
        last = self.wire.data({"choices": [], "usage": usage, "metrics": metrics})
        server.on(self.wire.route, self.reply(self.wire.text("да"), last, self.wire.end(usage=False)))
        (told,) = of_kind(await ask(backend), Usage)
        assert (told.cached_tokens, told.queue_ms, told.prefill_ms, told.decode_ms) == (64, 30.0, 120.5, 400.0)
        assert (told.tokens_per_s, told.origin) == (20.0, "server")

    @pytest.mark.parametrize(
        ("think", "enabled", "effort"), [("off", False, None), ("on", True, None), ("low", True, "low")]
    )
    async def test_thinking_and_salt_are_sent(self, server, backend, think, enabled, effort):
        server.on(self.wire.route, self.answer("да"))
        await ask(backend, Request(QUESTION.messages, think=think, cache_salt="торговля"))
        (exchange,) = server.exchanges_of_chat(self.wire)
        assert exchange.body["chat_template_kwargs"] == {"enable_thinking": enabled}
        assert exchange.body.get("reasoning_effort") == effort
        assert exchange.body["cache_salt"] == "торговля"

    async def test_older_name_of_thoughts_and_flat_errors(self, server, backend):
        thought = self.wire.data({"choices": [{"index": 0, "delta": {"reasoning_content": "Хм"}}]})
        flat = json_reply({"object": "error", "message": "нет ключа", "code": 401}, status=401)
        server.on(self.wire.route, self.reply(thought, self.wire.text("да"), self.wire.end()), flat)
        assert (await ask(backend))[1] == ThinkingDelta("Хм")
        assert "нет ключа" in str((await ask(backend))[0].error)

    async def test_the_server_counts_tokens(self, server, backend):
        server.on("POST /tokenize", json_reply({"count": 5, "max_model_len": 4096, "tokens": [1, 2, 3, 4, 5]}))
        assert await make_gateway(backend).count_tokens(["раз два"]) == [5]

    async def test_a_server_without_that_route_is_asked_once(self, server, backend):
        gateway = make_gateway(backend)
        counts = await gateway.count_tokens(["раз два", ""])
        assert counts == await gateway.count_tokens(["раз два", ""])
        assert counts[0] >= 2
        assert len(server.requests("/tokenize")) == 1

    async def test_an_unlisted_model_is_a_warning(self, server):
        backend = self.make(Server(server.url, "другая"))
        assert MODEL in (await backend.describe()).warnings[0]
        await backend.close()


class TestTgi(SseContract):
    wire = TgiWire()

    def make(self, server, **answering):
        return TgiBackend(server, Answering(**answering))

    def describe_on(self, server):
        info = {
            "model_id": MODEL,
            "max_concurrent_requests": 128,
            "max_best_of": 2,
            "max_stop_sequences": 4,
            "max_input_tokens": 3072,
            "max_total_tokens": 4096,
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": "1.2.3",
        }
        server.on("GET /info", json_reply(info))

    async def test_it_is_marked_as_legacy(self, backend):
        assert "maintenance" in (await backend.describe()).warnings[0]

    async def test_the_server_counts_tokens(self, server, backend):
        server.on("POST /tokenize", json_reply([{"id": 1, "text": "раз", "start": 0, "stop": 3}]))
        assert await make_gateway(backend).count_tokens(["раз"]) == [1]

    @pytest.mark.parametrize("status", [422, 413])
    async def test_its_words_for_overflow(self, server, backend, status):
        told = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 and 512"
        server.on(self.wire.route, json_reply({"error": told, "error_type": "validation"}, status=status))
        (event,) = await ask(backend)
        assert isinstance(event.error, ContextOverflow)

    async def test_its_errors_within_a_stream(self, server, backend):
        refused = self.wire.data({"error": {"message": "нельзя", "http_status_code": 422}})
        server.on(self.wire.route, self.reply(refused))
        (event,) = await ask(backend)
        assert type(event.error) is LlmRefused


class TestOllama(BackendContract):
    wire = NdjsonWire()

    def make(self, server, **answering):
        return OllamaBackend(server, Answering(**answering))

    def describe_on(self, server, *, version="1.2.3", family="qwen3", capabilities=("completion", "thinking")):
        shown = {
            "details": {"family": family},
            "model_info": {"general.architecture": family, f"{family}.context_length": 4096},
            "capabilities": list(capabilities),
        }
        server.on("GET /api/version", json_reply({"version": version}))
        server.on("POST /api/show", json_reply(shown))
        server.on("GET /api/tags", json_reply({"models": [{"name": MODEL, "model": MODEL}]}))
        server.on("GET /api/ps", json_reply({"models": []}))

    async def test_timings_of_the_server_are_milliseconds(self, server, backend):
        server.on(self.wire.route, self.answer("да"))
        (usage,) = of_kind(await ask(backend), Usage)
        assert (usage.load_ms, usage.prefill_ms, usage.decode_ms) == (2000.0, 500.0, 1500.0)
        assert (usage.tokens_per_s, usage.origin) == (2.0, "server")

    async def test_window_and_overflow_are_set_on_every_request(self, server, backend):
        server.on(self.wire.route, self.answer("да"))
        for _ in range(2):
            await ask(backend)
        for exchange in server.exchanges_of_chat(self.wire):
            assert exchange.body["options"]["num_ctx"] == 4096  # the model has no more than that
            assert exchange.body["options"]["num_predict"] == 512
            assert (exchange.body["shift"], exchange.body["truncate"]) == (False, False)
            assert exchange.body["keep_alive"] == "30m"

    async def test_overflow_is_refused_by_the_server(self, server, backend):
        told = "the prompt is longer than the context length currently available to the model; shorten the prompt"
        server.on(self.wire.route, self.wire.refusal(400, told))
        (event,) = await ask(backend)
        assert isinstance(event.error, ContextOverflow)

    async def test_what_cannot_fit_is_not_even_sent(self, server, backend):
        (event,) = await ask(backend, Request((Message("user", "слово " * 5000),)))
        assert isinstance(event.error, ContextOverflow)
        assert "4,096" in str(event.error)
        assert not server.exchanges_of_chat(self.wire)

    async def test_a_server_that_cuts_is_caught(self, server, backend):
        self.describe_on(server, version="0.11.9")
        server.on(self.wire.route, self.answer("да"))
        events = await ask(backend, Request((Message("user", "слово " * 1000),)))
        assert isinstance(events[-1].error, ContextOverflow)
        assert "not to be trusted" in str(events[-1].error)
        assert "cuts long prompts" in (await backend.describe()).warnings[0]

    async def test_one_that_counts_only_what_was_not_cached_is_not_suspected(self, server, backend):
        self.describe_on(server, version="0.20.0")
        server.on(self.wire.route, self.answer("да"))
        assert (await ask(backend, Request((Message("user", "слово " * 1000),))))[-1] == Done("stop")

    @pytest.mark.parametrize(
        ("model", "think", "sent"),
        [
            (("qwen3", "thinking"), "off", False),
            (("qwen3", "thinking"), "on", True),
            (("qwen3", "thinking"), "high", "high"),
            (("llama", "tools"), "on", False),
            (("gptoss", "thinking"), "off", "low"),
            (("gptoss", "thinking"), "on", "medium"),
        ],
    )
    async def test_thinking_is_always_told(self, server, backend, model, think, sent):
        family, ability = model
        self.describe_on(server, family=family, capabilities=("completion", ability))
        server.on(self.wire.route, self.answer("да"))
        await ask(backend, Request(QUESTION.messages, think=think))
        assert server.exchanges_of_chat(self.wire)[0].body["think"] == sent

    async def test_an_end_without_a_reason_is_a_failure(self, server, backend):
        server.on(self.wire.route, self.answer("да", reason=""))
        assert isinstance((await ask(backend))[-1].error, LlmInterrupted)

    async def test_an_unknown_model_names_the_command(self, server, backend):
        server.on("POST /api/show", self.wire.refusal(404, f"model '{MODEL}' not found"))
        (event,) = await ask(backend)
        assert "ollama pull" in str(event.error)

    async def test_a_loaded_model_is_preferred_and_one_that_only_embeds_is_not_taken(self, server):
        show = [json_reply({"capabilities": [c], "model_info": {}, "details": {}}) for c in ("embedding", "completion")]
        server.on("POST /api/show", *show)
        server.on("GET /api/ps", json_reply({"models": [{"model": "bge-m3"}]}))
        backend = self.make(Server(server.url))
        assert (await backend.describe()).model == MODEL
        server.on("GET /api/tags", json_reply({"models": []}))
        server.on("POST /api/show", show[0])
        with pytest.raises(LlmRefused, match="ollama pull"):
            await backend.describe()
        await backend.close()

    async def test_it_warns_of_a_small_window_and_of_the_cpu(self, server, backend):
        loaded = {"model": MODEL, "size": 100, "size_vram": 60, "context_length": 2048}
        server.on("GET /api/ps", json_reply({"models": [loaded]}))
        window, reload, cpu = (await backend.describe()).warnings
        assert "LLM_NUM_CTX=8,192" in window
        assert "2,048" in reload
        assert "60 %" in cpu
