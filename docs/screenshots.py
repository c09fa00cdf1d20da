"""Pictures of the page for the manual: ``python docs/screenshots.py [--url http://127.0.0.1:8000]``.

Without an address it indexes the bundled configuration in a temporary folder and starts ``rag-demo serve`` over it.
Needs Playwright and an installed Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).parent / "images"
QUESTION = "Как получить курс валюты на дату?"
ENGLISH = "Which documents write to the register ТоварыНаСкладах?"
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve the bundled configuration; yields the address."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {**os.environ, "RAG_DATA_DIR": folder}
        program = [sys.executable, "-m", "rag_demo"]
        subprocess.run([*program, "demo"], env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        server = subprocess.Popen([*program, "serve", "--port", str(port)], env=environment)  # noqa: S603
        try:
            wait_for(f"http://127.0.0.1:{port}/health/live")
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(30)


def wait_for(url: str) -> None:
    """Return when the address answers; raises OSError when it does not within a minute."""
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
            return
        time.sleep(0.2)
    raise OSError(f"{url} does not answer")


@contextlib.contextmanager
def opened(browser: Browser, url: str, size: dict[str, int], scheme: str, locale: str) -> Iterator[Page]:
    """Open the page as a visitor with nothing in the browser's memory."""
    context = browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("#examples button")
    yield page
    context.close()


def ask(page: Page, question: str) -> None:
    """Ask and wait for the whole answer."""
    page.fill("#question", question)
    page.press("#question", "Enter")
    page.wait_for_selector(".turn .tools button", timeout=60_000)


def shoot(page: Page, name: str) -> None:
    """Write one picture."""
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")


def take_all(browser: Browser, url: str) -> None:
    """Take every picture of the manual."""
    with opened(browser, url, DESKTOP, "light", "ru-RU") as page:
        ask(page, QUESTION)
        page.click(".cite >> nth=0")
        page.wait_for_selector(".line.cited")
        shoot(page, "page-desktop")
    with opened(browser, url, DESKTOP, "dark", "en-US") as page:
        page.click("#filters summary")
        ask(page, ENGLISH)
        shoot(page, "page-desktop-dark-english")
    with opened(browser, url, PHONE, "light", "ru-RU") as page:
        shoot(page, "page-phone-start")
        ask(page, QUESTION)
        shoot(page, "page-phone-answer")
        page.click(".cite >> nth=0")
        page.wait_for_selector(".line.cited")
        shoot(page, "page-phone-source")


def main() -> None:
    """Take the pictures of a server that runs, or of one that is started for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="address of a server over the bundled configuration")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with contextlib.nullcontext(options.url) if options.url else serving() as url, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        take_all(browser, url)
        browser.close()


if __name__ == "__main__":
    main()
