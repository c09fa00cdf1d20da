"""The site of the documentation: it can be built, and it needs nothing from elsewhere."""

from __future__ import annotations

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Elements whose address a browser loads by itself; what a reader has to click is no part of the page.
_LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src"}
_LOADED |= {"link": "href", "object": "data", "embed": "src", "use": "href"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site. Warnings are errors: dead links and anchors, pages outside of the navigation."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


class Addresses(HTMLParser):
    """Collects what a page loads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(_LOADED.get(tag, ""))
        if address and not (tag == "link" and dict(attrs).get("rel") == "canonical"):
            self.found.append(address)


def test_pages_load_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    outside = set()
    for page in pages:
        parser = Addresses()
        parser.feed(page.read_text(encoding="utf-8"))
        assert parser.found
        outside |= {(page.name, address) for address in parser.found if re.match(r"(?:\w+:)?//", address)}
    assert outside == set()


def test_styles_load_nothing_from_elsewhere(site):
    styles = list(site.rglob("*.css"))
    assert styles
    for style in styles:
        text = style.read_text(encoding="utf-8")
        assert re.findall(r"""(?:url\(|@import)\s*["']?(?:\w+:)?//[^"')]+""", text) == []


def test_a_browser_asks_nobody_else_while_one_searches(site):
    """The scripts, too: a diagram or a missing font would fetch a library from elsewhere."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium")
    handler = functools.partial(QuietHandler, directory=site)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked = []
    try:
        with api.sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.on("request", lambda request: asked.append(request.url))
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            assert finds(page, "конфигурация")
            browser.close()
    finally:
        server.shutdown()
        server.server_close()
    assert any("search_index" in url for url in asked)
    assert [
        url for url in asked if not url.startswith((f"http://127.0.0.1:{server.server_port}/", "data:", "blob:"))
    ] == []


def finds(page, words):
    """Whether a search has results; what is typed before the page's search is ready is lost, so type again."""
    box, results = page.locator("input.md-search__input"), page.locator(".md-search-result__item a")
    for _ in range(30):
        box.fill("")
        box.press_sequentially(words)
        page.wait_for_timeout(1_000)
        if results.count():
            return True
    return False


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        pass
