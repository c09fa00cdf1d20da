"""The chat page in a real browser, served by a real server over a small index."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time

import pytest
import uvicorn

from rag_demo import wiring
from rag_demo.library import Library
from rag_demo.settings import Settings
from rag_demo.testing import WordEmbedder
from rag_demo.web import server
from tests.unit.rag_demo.dumps import SmallDump

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


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("страница")
    dump = SmallDump(folder / "выгрузка")
    settings = Settings(data_dir=str(folder / "данные"), model="слова")
    patched = pytest.MonkeyPatch()
    patched.setattr(wiring, "build_embedder", lambda *_: WordEmbedder())
    patched.setattr(server, "_scrape", lambda *_: lambda: (b"", "text/plain"))
    with contextlib.closing(Library(settings)) as library:
        library.index(dump.root, "дом", progress=lambda *_: None)
        app = server.build(library, Service(), settings)
        running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=running.run)
        thread.start()
        deadline = time.monotonic() + 30
        while not running.started and time.monotonic() < deadline:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/"
        running.should_exit = True
        thread.join(timeout=30)
    patched.undo()


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
    page.keyboard.press("Escape")
    assert page.locator("#source").is_hidden()
    page.keyboard.press("Alt+Digit1")
    page.wait_for_selector(".line.cited")


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
