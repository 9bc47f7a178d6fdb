"""A real browser for tests: Debian's Chromium driven by Playwright; skipped where one is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.records import Incident
from storage.store import Store
from tests.console.world import Stage, World, add_sources, build, raise_incident

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SCREENSHOTS = Path(__file__).parent / "screenshots"
# No sandbox: tests may run as root in a container. The rest keeps Chromium from calling home.
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"phone": (360, 740), "desk": (1280, 860)}


def _chromium() -> str:
    named = os.environ.get("GROUNDSWELL_CHROMIUM")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium found: make test-e2e installs it, or set GROUNDSWELL_CHROMIUM")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: pip install groundswell[e2e]"
    )
    path = _chromium()
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """One page of one person at one size, with everything the console of the browser said."""

    page: Page
    size: str
    url: str
    said: list[str] = field(default_factory=list)

    def log_in(self, name: str, password: str) -> None:
        self.page.goto(f"{self.url}/login")
        self.page.fill("[name=name]", name)
        self.page.fill("[name=password]", password)
        self.page.click("button.primary")
        self.page.wait_for_url(f"{self.url}/")

    def shot(self, name: str) -> None:
        """Keep a picture to be looked at; the folder is an artefact, not a reference."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{self.size}-{name}.png", full_page=True)

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return max(0, wider)


Opens = Callable[..., Visit]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Opens]:
    """Open pages: `visit(url, "phone")`. What the browser complains about fails the test."""
    opened: list[Visit] = []

    def open_page(
        url: str, size: str = "desk", *, dark: bool = False, touch: bool = False
    ) -> Visit:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
        )
        page = context.new_page()
        made = Visit(page=page, size=size, url=url)
        page.on("console", lambda message: made.said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: made.said.append(f"error: {error}"))
        page.on("request", lambda request: _note_foreign(made, request.url))
        opened.append(made)
        return made

    yield open_page
    said = [line for made in opened for line in made.said]
    for made in opened:
        made.page.context.close()
    assert said == []


def _note_foreign(visit: Visit, address: str) -> None:
    if not address.startswith((visit.url, "data:", "about:")):
        visit.said.append(f"asked elsewhere: {address}")


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.fixture
def world(sqlite_url: str, stage: Stage) -> Iterator[World]:
    """The example project with sources, on SQLite: browsers see no difference."""
    store = Store(sqlite_url)
    world = build(store, stage)
    add_sources(world)
    yield world
    world.close()
    store.close()


@pytest.fixture
def incident(world: World) -> Incident:
    return raise_incident(world)
