"""The chat page in a real browser, served by a real server over a small index."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import threading

import pytest

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.llm_server import Reply, ScriptedServer, SseWire, json_reply, stall
from tests.unit.rag_demo.dumps import SmallDump
from tests.web_server import Served, running

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: apt install chromium)")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run", "--disable-quic"]
QUESTION = "Что считает Посчитать1_2?"


class Service:
    """Stands where the page never asks."""

    model_name = "слова"
    dimension = 8


@contextlib.contextmanager
def serving(folder, **options):
    """A server over a small index; yields its address and its library."""
    dump = SmallDump(folder / "выгрузка")
    settings = Settings(data_dir=str(folder / "данные"), model="слова", **options)
    with pytest.MonkeyPatch.context() as patched, contextlib.closing(Library(settings)) as library:
        patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
        patched.setattr(server, "_scrape", lambda *_: lambda: (b"", "text/plain"))
        library.index(dump.root, "дом", progress=lambda *_: None)
        with running(server.build(library, Service(), settings)) as address:
            yield f"{address}/", library, dump


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("страница")) as (address, _, _):
        yield address


@pytest.fixture(scope="module")
def browser():
    # The browser talks to Playwright over pipes; a test of its own loop would stand in its way.
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, url):
    context = browser.new_context(locale="ru-RU", viewport={"width": 1200, "height": 800})
    page = context.new_page()
    page.set_default_timeout(20_000)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#spaces input", state="attached")
    yield page
    context.close()
    assert complaints == []


def ask(page, question=QUESTION, *, turns=1):
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector(f".turn:nth-child({turns}) .tools button")


def test_an_answer_with_a_source_beside_it(page):
    ask(page)
    assert "Посчитать1_2" in page.inner_text(".answer")
    page.click(".cite >> nth=0")
    page.wait_for_selector(".line.cited")
    assert "Функция Посчитать1_2" in page.inner_text("#source-code")
    cited = page.locator(".line.cited .number").all_inner_texts()
    first, last = page.inner_text(".sources button small").rpartition(":")[2].split("-")
    assert (cited[0], cited[-1]) == (first, last)
    assert page.locator(".line .keyword").first.inner_text() == "Функция"
    page.click("#source-whole")
    page.wait_for_selector(".line .number:text-is('1')")
    assert page.locator(".line .number:text-is('⋯')").count() == 2  # blank lines between the methods
    assert page.locator(".line.cited .number").all_inner_texts() == cited
    assert page.locator("#source-whole").is_hidden()
    page.keyboard.press("Escape")
    assert page.locator("#source").is_hidden()
    page.keyboard.press("Alt+Digit1")
    page.wait_for_selector(".line.cited")


def test_a_first_question_to_press(page):
    assert page.evaluate("() => document.activeElement.id") == "question"
    page.click("#examples button:has-text('Какие есть справочники?')")
    page.wait_for_selector(".turn .tools button")
    assert "Справочник0" in page.inner_text(".answer")
    page.click(".answer a:has-text('Catalog.Справочник1')")
    page.wait_for_selector(".turn:nth-child(2) .tools button")
    assert page.inner_text(".turn:nth-child(2) .asked") == "Catalog.Справочник1"
    assert "Catalogs/Справочник1.xml" in page.inner_text(".turn:nth-child(2) .sources")
    page.click("#new")
    page.wait_for_selector("#examples button")


def test_a_follow_up_question_and_the_history(page):
    ask(page)
    ask(page, "А какие у неё параметры?", turns=2)
    assert "Посчитать1_2" in page.inner_text(".meant")
    page.click("#new")
    assert page.locator(".turn").count() == 0
    page.reload()
    page.click("#history-open")
    page.click("#dialog .sources button")
    assert page.locator(".turn").count() == 2


def test_filters_narrow_the_search(page):
    page.click("#filters summary")
    page.check("#types input[value=metadata_object]")
    assert "объекты" in page.inner_text("#chosen")
    ask(page, "Справочник0")
    assert "Справочник0" in page.inner_text(".sources")
    assert ".bsl" not in page.inner_text(".sources")


def test_both_languages_and_both_themes(page):
    assert page.inner_text("#title") == "Вопросы к конфигурации"
    page.click("#language")
    assert page.inner_text("#title") == "Ask your configuration"
    assert page.get_attribute("html", "lang") == "en"
    before = page.get_attribute("html", "data-theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") != before
    page.reload()
    assert page.inner_text("#title") == "Ask your configuration"


def test_what_the_system_knows_about_itself(page):
    page.click("#about-open")
    assert "Лавка" in page.inner_text("#dialog")


def test_stopping_and_asking_again(page):
    page.route("**/chat", lambda _: None)  # a server that never answers
    page.fill("#question", QUESTION)
    page.press("#question", "Enter")
    page.click("#stop")
    page.wait_for_selector("text=Остановлено.")
    page.unroute("**/chat")
    page.click("text=Спросить ещё раз")
    page.wait_for_selector(".cite")


def test_errors_are_told_in_words(browser, url):
    context = browser.new_context(locale="ru-RU")
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#spaces input", state="attached")
    answers = iter([(503, {"Retry-After": "7"}, "busy"), (500, {}, "Внутренняя ошибка")])

    def fail(route):
        status, headers, message = next(answers)
        route.fulfill(status=status, headers=headers, json={"error": {"message": message}})

    page.route("**/chat", fail)
    for turn, told in ((1, "7"), (2, "Внутренняя ошибка")):
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.wait_for_selector(f".turn:nth-child({turn}) .failed")
        assert told in page.inner_text(f".turn:nth-child({turn}) .failed")
    page.unroute("**/chat")
    page.context.set_offline(True)
    page.fill("#question", QUESTION)
    page.press("#question", "Enter")
    page.wait_for_selector("#banner:not([hidden])")
    page.context.set_offline(False)
    page.wait_for_selector("#banner", state="hidden", timeout=15_000)  # recovers by itself
    context.close()


def test_text_of_sources_never_becomes_html(page):
    page.route(
        "**/chat",
        lambda route: route.fulfill(
            headers={"content-type": "text/event-stream"},
            body='event: delta\ndata: {"text": "<img src=x onerror=alert(1)> **жирно** `код` [1]"}\n\n'
            'event: done\ndata: {"refused": false}\n\n',
        ),
    )
    ask(page)
    assert page.locator(".answer img").count() == 0
    assert "<img src=x" in page.inner_text(".answer")
    assert page.inner_text(".answer strong") == "жирно"
    page.unroute("**/chat")


def test_a_phone_shows_everything_without_scrolling_sideways(browser, url):
    context = browser.new_context(viewport={"width": 360, "height": 700}, locale="ru-RU", has_touch=True)
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#spaces input", state="attached")
    ask(page)
    widths = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    page.click(".cite >> nth=0")
    page.wait_for_selector(".line.cited")
    assert page.locator("#source").bounding_box()["width"] == 360
    context.close()


def test_everything_that_can_be_used_has_a_name_and_a_keyboard(page):
    ask(page)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, textarea, summary, [role]")]
          .filter((node) => node.checkVisibility())
          .filter((node) => !(node.innerText?.trim() || node.getAttribute("aria-label") || node.labels?.length
            || document.querySelector(`label[for="${node.id}"]`)))
          .map((node) => node.outerHTML)"""
    )
    assert [node for node in unnamed if 'role="status"' not in node] == []
    page.focus("#question")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.className || document.activeElement.id"))
    assert {"cite", "new", "language", "theme"} <= reached


def test_the_page_is_small_and_all_of_it_comes_from_here(browser, url):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url, wait_until="networkidle")
    assert all(one.startswith(url) for one in asked)
    assert page.evaluate("() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd") < 1000
    context.close()


def test_kinds_of_objects_narrow_the_search_in_both_languages(page):
    page.click("#filters summary")
    assert "Общие модули" in page.inner_text("#kinds")
    page.check("#kinds input[value=Catalog]")
    assert page.inner_text("#chosen") == ": Справочники"
    page.click("#language")
    assert page.inner_text("#chosen") == ": Catalogs"
    ask(page, "Посчитать1_2 Справочник0")
    shown = page.inner_text(".sources")
    assert "Catalogs/" in shown
    assert "CommonModules/" not in shown


def test_an_english_question_gets_an_english_answer(page):
    page.click("#language")
    ask(page, "What does Посчитать1_2 do?")
    assert "Посчитать1_2" in page.inner_text(".answer")
    assert "Sources" in page.inner_text(".turn")
    assert not re.search(r"\b(Источник|Копировать|Вот что)\b", page.inner_text("main"))


def test_an_answer_is_copied_where_there_is_no_clipboard(page):
    page.evaluate("() => { window.copied = 0; document.addEventListener('copy', () => { copied += 1; }); }")
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    ask(page)
    page.click("text=Копировать")
    page.wait_for_selector("text=Скопировано")
    assert page.evaluate("() => copied") == 1


def axe(page) -> list[str]:
    """What breaks the rules for accessible pages, by axe-core."""
    found = pytest.importorskip("axe_playwright_python.sync_playwright").Axe().run(page)
    return [f"{one['id']}: {node['html']}" for one in found.response["violations"] for node in one["nodes"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 360)])
def test_the_page_keeps_the_rules_of_accessibility(browser, url, scheme, width):
    context = browser.new_context(locale="ru-RU", color_scheme=scheme, viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#spaces input", state="attached")
    assert page.get_attribute("html", "data-theme") == scheme
    assert axe(page) == []
    page.click("#filters summary")
    ask(page)
    assert axe(page) == []
    page.click(".cite >> nth=0")
    page.wait_for_selector(".line.cited")
    assert axe(page) == []
    page.keyboard.press("Escape")
    page.click("#about-open")
    page.wait_for_selector("#dialog table")
    assert axe(page) == []
    page.evaluate("() => document.getElementById('dialog-body').append(document.createElement('button'))")
    assert len(axe(page)) == 1  # it would have been found
    context.close()


def test_a_key_is_asked_for_and_kept(browser, tmp_path):
    with serving(tmp_path, api_keys="я:ключ-из-двадцати-букв") as (address, _, _):
        context = browser.new_context(locale="ru-RU")
        page = context.new_page()
        page.goto(address)
        for key in ("неверный", "ключ-из-двадцати-букв"):
            page.wait_for_selector("#dialog[open] input")
            page.fill("#dialog input", key)
            page.press("#dialog input", "Enter")
        ask(page)
        page.reload()
        page.wait_for_selector("#spaces input", state="attached")
        assert page.locator("#dialog[open]").count() == 0
        context.close()


def test_an_index_that_goes_and_comes_back(browser, tmp_path):
    with serving(tmp_path) as (address, library, dump):
        context = browser.new_context(locale="ru-RU")
        page = context.new_page()
        page.goto(address)
        ask(page)
        library.drop("дом")
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.wait_for_selector(".turn:nth-child(2) .failed")
        assert "rag-demo index" in page.inner_text(".turn:nth-child(2) .failed")
        page.wait_for_selector("#banner:not([hidden])")
        library.index(dump.root, "дом", progress=lambda *_: None)
        page.wait_for_selector("#banner", state="hidden")
        page.click("text=Спросить ещё раз")
        page.wait_for_selector(".turn:nth-child(2) .cite")
        context.close()


def test_a_language_model_that_hangs_is_stopped_or_told_and_works_again(browser, tmp_path):
    wire = SseWire()
    with scripted_llm() as llm:
        llm.on("GET /v1/models", json_reply({"data": [{"id": "м", "max_model_len": 32768}]}))
        llm.on("GET /version", json_reply({"version": "1"}))
        begun = Reply([wire.started(), wire.text("Это делает "), stall], headers=wire.headers)
        silent = Reply([stall], headers=wire.headers)
        well = Reply([wire.started(), wire.text("Это делает Посчитать1_2. [1]"), wire.end()], headers=wire.headers)
        llm.on(wire.route, begun, silent, well)
        options = {"llm_mode": "vllm", "llm_base_url": llm.url, "llm_model": "м", "llm_attempts": 1}
        with serving(tmp_path, **options, llm_first_token_timeout_s=2.0, answer_cache="off") as (address, _, _):
            context = browser.new_context(locale="ru-RU")
            page = context.new_page()
            page.goto(address)
            page.fill("#question", QUESTION)
            page.press("#question", "Enter")
            page.wait_for_selector("text=Это делает")
            page.keyboard.press("Escape")
            page.wait_for_selector("text=Остановлено.")
            assert "Это делает" in page.inner_text(".answer")  # what was said stays
            ask(page, turns=2)
            assert "языковая модель" in page.inner_text(".turn:nth-child(2)")
            assert "Посчитать1_2" in page.inner_text(".turn:nth-child(2) .answer")  # out of the sources
            ask(page, turns=3)
            assert page.inner_text(".turn:nth-child(3) .answer").startswith("Это делает Посчитать1_2.")
            context.close()


@contextlib.contextmanager
def scripted_llm():
    """A scripted server on a loop of its own: this thread belongs to the browser."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    serving = ScriptedServer().serving()
    try:
        yield asyncio.run_coroutine_threadsafe(serving.__aenter__(), loop).result(20)
        asyncio.run_coroutine_threadsafe(serving.__aexit__(None, None, None), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
        loop.close()


def test_a_server_that_is_killed_is_missed_and_found_again(browser, tmp_path):
    served = Served(tmp_path / "сервер")
    served.index(SmallDump(tmp_path / "выгрузка").root)
    served.start()
    try:
        context = browser.new_context(locale="ru-RU")
        page = context.new_page()
        page.goto(served.url)
        ask(page)
        served.kill()
        page.fill("#question", QUESTION)
        page.press("#question", "Enter")
        page.wait_for_selector("#banner:not([hidden])")
        assert "не отвечает" in page.inner_text("#banner")
        served.start()
        page.wait_for_selector("#banner", state="hidden")
        page.click("text=Спросить ещё раз")
        page.wait_for_selector(".turn:nth-child(2) .cite")
        context.close()
    finally:
        served.close()
