"""Work that nobody wants any more, by the shipped models, which take their time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab

from stream.inference.model_files import WEIGHTS
from tests.ui.chromium import NEEDS_CHROMIUM, opened, started
from tests.ui.serving import Page, served_page, wait_until

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("camera")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with served_page(WEIGHTS, tmp_path_factory.mktemp("tmp")) as page:
        yield page


def click_stop(tab: Tab) -> None:
    tab.locator("#stop-compare").click()


def close(tab: Tab) -> None:
    tab.close()


@pytest.mark.parametrize("leave", [click_stop, close])
def test_work_that_nobody_wants_ends_within_a_second(
    browser: Browser, page: Page, leave: Callable[[Tab], None]
) -> None:
    with opened(browser, page) as tab:
        tab.locator("#run-compare").click()
        expect(tab.locator("#compare-status")).to_contain_text("Frame")
        leave(tab)
        before_s = page.cpu_s
        wait_until(lambda: not page.jobs)
        # Processor time, as the machine may have other work: what a second of all processors is.
        assert page.cpu_s - before_s < (os.cpu_count() or 1)
    assert busy_share(page) < 0.3
    assert [path.name for path in page.uploads.rglob("*.mp4")] == ["clip.mp4"]  # the sample


def busy_share(page: Page) -> float:
    """How much of a processor the page keeps busy, over half a second."""
    before_s = page.cpu_s
    threading.Event().wait(0.5)
    return (page.cpu_s - before_s) / 0.5
