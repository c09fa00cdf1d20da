"""Parts that need no server: addresses, estimates, thoughts, errors."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_demo.errors import ContextOverflow, InputError, LlmError, LlmOverloaded, LlmRefused, LlmUnavailable
from rag_demo.llm.http import client_options, failure, message_of, translate
from rag_demo.llm.options import Server, server_root
from rag_demo.llm.thinking import ThinkingSplitter
from rag_demo.llm.tokens import TokenRatio, estimate_prompt, estimate_tokens, fewest_tokens
from rag_demo.llm.types import TextDelta, ThinkingDelta

SERVER = Server("http://127.0.0.1:8000", "м", "sk-secret")


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        (" http://127.0.0.1:8000/v1/ ", "http://127.0.0.1:8000"),
        ("localhost:11434", "http://localhost:11434"),
        ("http://ollama:11434/api", "http://ollama:11434"),
        ("https://шлюз.example/модели/v1", "https://шлюз.example/модели"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_a_url_may_end_in_v1(url, root):
    assert server_root(url) == root


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://host:port", "http://u:pass@host"])
def test_an_unusable_url_is_named_without_its_password(url):
    with pytest.raises(InputError, match="LLM_BASE_URL") as error:
        server_root(url)
    assert "pass@" not in str(error.value)


def test_proxies_of_the_environment_are_not_for_this_machine():
    for host in ("localhost", "127.0.0.9", "[::1]"):
        assert client_options(Server(f"http://{host}:1"))["trust_env"] is False
    assert client_options(Server("http://llm.example"))["trust_env"] is True


def test_the_key_is_not_shown():
    assert "sk-secret" not in repr(SERVER)


def kinds_of(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(each for below in kind.__subclasses__() for each in kinds_of(below))]


@pytest.mark.parametrize("kind", [*kinds_of(httpx.RequestError), *kinds_of(httpx.StreamError), httpx.InvalidURL])
def test_every_error_of_httpx_is_one_of_ours(kind):
    error = translate(kind.__new__(kind, "x"), SERVER)
    assert isinstance(error, LlmError)
    assert SERVER.base_url in str(error)
    assert error.retryable == issubclass(type(error), LlmUnavailable)


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "maximum context length is 4096", ContextOverflow),
        (413, "prompt is too long", ContextOverflow),
        (422, "`inputs` tokens + `max_new_tokens` must be <= 4096", ContextOverflow),
        (404, "no model with this context length", LlmRefused),
        (429, "slow down", LlmOverloaded),
        (503, "server busy, please try again.  maximum pending requests exceeded", LlmOverloaded),
        (503, "no healthy upstream", LlmUnavailable),
        (424, "generation failed", LlmUnavailable),
    ],
)
def test_what_a_status_means(status, message, kind):
    error = failure(SERVER, status, message)
    assert type(error) is kind
    assert " ".join(message.split()) in str(error)


def test_a_long_message_is_shortened_and_the_key_masked():
    told = str(failure(SERVER, 400, f"key sk-secret {'ы' * 5000}"))
    assert "key *** ы" in told
    assert len(told) < 500


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "нет"}, "нет"),
        ({"error": {"message": "нет", "param": "input_tokens"}}, "нет (param: input_tokens)"),
        ({"object": "error", "message": "нет"}, "нет"),
        ({"detail": "нет"}, "нет"),
        ("нет", "нет"),
        (["нет"], "['нет']"),
    ],
)
def test_forms_of_an_error_body(body, message):
    assert message_of(body) == message


@given(st.text(max_size=200))
def test_an_estimate_is_never_below_the_words(text):
    assert estimate_tokens(text) >= fewest_tokens([text])


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("Остаток", 4), ("ПолучитьКурсВалюты(Дата)", 9 + 1 + 2 + 1), ("a  b", 3), ("2026", 4), ("文文", 3)],
)
def test_estimates(text, tokens):
    assert estimate_tokens(text) == tokens


def test_the_estimate_learns_what_the_server_counts():
    ratio = TokenRatio()
    assert ratio.corrected(1000) == 1000
    for counted in (500, 600):
        ratio.learn(1000, counted)
    assert 600 <= ratio.corrected(1000) <= 670
    assert not ratio.was_cut(estimated=1000, counted=500, fewest=100)
    assert ratio.was_cut(estimated=1000, counted=300, fewest=100)
    assert TokenRatio().was_cut(estimated=1000, counted=90, fewest=100)
    assert estimate_prompt(["а", "б"]) == 2 * (1 + 8)


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkingSplitter()
    events = [event for piece in pieces for event in splitter.split(piece)] + list(splitter.end())
    kinds = (ThinkingDelta, TextDelta)
    thoughts, text = ("".join(event.text for event in events if isinstance(event, kind)) for kind in kinds)
    return thoughts, text


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        ("Ответ", ("", "Ответ")),
        ("<think>\nХм</think>\n\nОтвет", ("\nХм", "Ответ")),
        ("\n<think>Хм</think>Ответ <think>", ("Хм", "Ответ <think>")),
        ("<think>Хм", ("Хм", "")),
        ("<thin", ("", "<thin")),
        ("<think>a < b</thin", ("a < b</thin", "")),
        (" <b>", ("", " <b>")),
    ],
)
@given(data=st.data())
def test_thoughts_are_split_off_wherever_the_pieces_end(whole, expected, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(whole) - 1)))))
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert split(pieces) == expected
