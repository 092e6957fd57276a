"""A page behind a password, started as visitors start it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.ui.chromium import NEEDS_CHROMIUM, PATIENCE_MS, started
from tests.ui.serving import PATIENCE_S, Page, free_port, running


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    command = ["ui", "--port", str(free_port()), "--auth", "ann:secret"]
    with running(command, tmp_path_factory.mktemp("tmp")) as page:
        yield page


@pytest.mark.parametrize("path", ["config", "gradio_api/info", "gradio_api/file=/etc/passwd"])
def test_a_stranger_reads_nothing(guarded: Page, path: str) -> None:
    assert httpx.get(guarded.url + path, timeout=PATIENCE_S).status_code == 401


@pytest.mark.parametrize("path", ["upload", "queue/join", "call/compare", "run/compare"])
def test_a_stranger_asks_for_nothing(guarded: Page, path: str) -> None:
    files = {"files": ("clip.mp4", b"clip")} if path == "upload" else None
    json = None if files else {"data": [], "fn_index": 0, "session_hash": "x"}
    url = f"{guarded.url}gradio_api/{path}"
    assert httpx.post(url, files=files, json=json, timeout=PATIENCE_S).status_code == 401
    assert not list(guarded.uploads.rglob("clip.mp4/*"))


def test_a_program_needs_the_password_too(guarded: Page) -> None:
    with httpx.Client(base_url=guarded.url, timeout=PATIENCE_S) as web:
        for password, status in (("guess", 401), ("", 401), ("secret", 200)):
            web.post("login", data={"username": "ann", "password": password})
            assert web.get("gradio_api/info").status_code == status


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_only_the_right_password_opens_the_page(guarded: Page, tmp_path: Path) -> None:
    with started(tmp_path) as browser:
        tab = browser.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        tab.goto(guarded.url)
        for password in ("guess", "secret"):
            expect(tab.locator("#compare-clip")).to_have_count(0)
            tab.get_by_label("username").fill("ann")
            tab.get_by_label("password").fill(password)
            tab.get_by_role("button", name="Login").click()
            if password == "guess":
                expect(tab.get_by_text("Incorrect")).to_be_visible()
        tab.wait_for_selector("#compare-clip video")
