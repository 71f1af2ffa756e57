"""One Chromium for all browser tests, and a page that tells what went wrong in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

Opened = Callable[..., AbstractContextManager[tuple[Any, Callable[[], list[str]]]]]


@pytest.fixture(scope="session")
def browser(needs_chromium: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=needs_chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture
def opened(browser: Any) -> Opened:
    """Open a file; the second value tells what went wrong so far: messages, errors, requests, broken rules."""

    @contextmanager
    def open_page(path: Path, **options: Any) -> Iterator[tuple[Any, Callable[[], list[str]]]]:
        page = browser.new_page(**options)
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.add_init_script(
            "window.broken = [];"
            "addEventListener('securitypolicyviolation', e => window.broken.push(e.violatedDirective))"
        )

        def only_the_file(route: Any) -> None:
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                wrong.append(f"request: {route.request.url[:200]}")
                route.abort()

        page.route("**/*", only_the_file)
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")
        yield page, lambda: wrong + [f"policy: {name}" for name in page.evaluate("window.broken")]
        page.close()

    return open_page
