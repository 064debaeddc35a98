"""Real Chromium for the pages, from a folder and from a server."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import sync_playwright

from gittrack.site.build import build
from gittrack.site.serve import serve
from tests.site.sources import (
    MemorySource,
    add_models_and_data,
    add_reports,
    make_odd_source,
    make_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@dataclass
class Site:
    """A built site and the two ways to look at it."""

    folder: Path
    source: MemorySource
    urls: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "these tests need Chromium: install it, or set CHROMIUM to its path"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, MemorySource], Site]]:
    with ExitStack() as stack:

        def make(name: str, source: MemorySource) -> Site:
            folder = tmp_path_factory.mktemp(name) / "site & more"
            build(source, folder)
            served = stack.enter_context(serve(folder))
            return Site(folder, source, {"file": folder.as_uri() + "/", "http": served.url})

        yield make


@pytest.fixture(scope="session")
def site(make_site: Callable[[str, MemorySource], Site]) -> Site:
    return make_site("sweep", make_source(60))


@pytest.fixture(scope="session")
def rich_site(make_site: Callable[[str, MemorySource], Site]) -> Site:
    """Return a site with every page there can be."""
    source = add_reports(make_source(24, points=40, files=3), make_source(9, points=40, files=0))
    add_models_and_data(source, source.runs[1])
    return make_site("rich", source)


@pytest.fixture(scope="session")
def odd_site(make_site: Callable[[str, MemorySource], Site]) -> Site:
    return make_site("odd", make_odd_source())


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages; at the end no console may have spoken and no request have gone elsewhere."""
    complaints: list[str] = []
    contexts = []

    def open_(url: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        # What a click to the next page cuts off is no failure.
        page.on(
            "requestfailed",
            lambda request: (
                None if "ABORTED" in str(request.failure) else complaints.append(f"failed: {request.url}")
            ),
        )
        origin = url[: url.index("/", 8)]
        page.on(
            "request",
            lambda request: (
                None if request.url.startswith((origin, "data:", "blob:")) else complaints.append(request.url)
            ),
        )
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []
