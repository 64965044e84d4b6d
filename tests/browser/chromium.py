"""The Chromium that is installed, driven by Playwright."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
READY = "html[data-ready=yes]"


def executable() -> str:
    """Path of the browser: what CHROMIUM names, else the first that is installed."""
    named = os.environ.get("CHROMIUM", "")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    assert found, (
        f"no Chromium: {named or ', '.join(NAMES)} not found; install one (Debian: apt-get install chromium) "
        "or pass CHROMIUM=<path>"
    )
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser."""
    # Chromium refuses its sandbox to root, which is who runs in a container.
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), args=flags)
        yield running
        running.close()


class Opened:
    """A report in a browser, with all that it complained of and asked the network for."""

    def __init__(self, browser: Browser, report: Path, anchor: str = "") -> None:
        self.page: Page = browser.new_page(viewport={"width": 1300, "height": 900})
        self.page.set_default_timeout(120_000)  # ms; a busy machine draws slowly
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(report.resolve().as_uri() + anchor)
        self.page.wait_for_selector(READY)

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(f"request: {url}")

    def search(self, words: str) -> None:
        """Type into the search and wait for what is found."""
        self.page.fill("#search", words)
        self.page.dispatch_event("#search", "input")
        self.page.wait_for_function("words => document.querySelector('#found').dataset.words === words", arg=words)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()
