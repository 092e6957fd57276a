"""The page as a visitor meets it, in Debian's Chromium."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Locator, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.clips import make_clip
from tests.ui.chromium import CHROMIUM, launch
from tests.ui.serving import Page, wait_until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
PATIENCE_MS = 60_000
REFUSED = "refused"
"""How the name of an upload that is no video begins."""
VIDEOS = "#clip-a video, #clip-b video, #clip-heat video"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            made = launch(playwright, tmp_path_factory.mktemp("camera"))
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message.splitlines()[0]}")
        yield made
        made.close()


@contextlib.contextmanager
def opened(browser: Browser, served: Page) -> Iterator[Tab]:
    """The page in a browser of its own. Whatever a visitor does, it fetches nothing from elsewhere,
    and no error comes to its console.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["camera"], accept_downloads=True
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    faults: list[str] = []
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("console", lambda m: faults.append(m.text) if is_fault(m) else None)
    context.on("request", lambda r: faults.append(r.url) if is_elsewhere(r.url, served) else None)
    tab = context.new_page()
    tab.on("websocket", lambda socket: faults.append(socket.url))
    tab.goto(served.url)
    tab.wait_for_selector("#compare-clip video")
    yield tab
    context.close()
    assert faults == []


@pytest.fixture
def tab(browser: Browser, served: Page) -> Iterator[Tab]:
    with opened(browser, served) as tab:
        yield tab


def is_fault(message: ConsoleMessage) -> bool:
    # The player asks for every upload, and may do so just when it has been refused and deleted.
    return message.type == "error" and REFUSED not in message.location["url"]


def is_elsewhere(url: str, served: Page) -> bool:
    return not url.startswith((served.url, "data:", "blob:"))


def upload(tab: Tab, clip: Path) -> None:
    tab.locator("#compare-clip button[aria-label=Clear]").click()
    tab.locator("#compare-clip input[type=file]").set_input_files(clip)


def videos(tab: Tab, what: str) -> list[Any]:
    script = f"(all) => all.map((video) => {what})"
    return list(tab.locator(VIDEOS).evaluate_all(script))


def wait_for_all(tab: Tab, what: str) -> None:
    tab.wait_for_function(
        f"() => {{ const all = [...document.querySelectorAll('{VIDEOS}')];"
        f" return all.length === 3 && all.every((video) => {what}); }}"
    )


def test_a_clip_is_compared_and_both_results_play_in_step(
    tab: Tab, served: Page, tmp_path: Path
) -> None:
    upload(tab, make_clip(tmp_path / "mine.mp4", frames=90, size_wh=(160, 120), audio_tracks=1))
    expect(tab.get_by_text("160 by 120 · 3.0 s")).to_be_visible()
    tab.locator("#run-compare").click()
    expect(tab.locator("#results")).to_be_visible()
    wait_for_all(tab, "video.readyState >= 2")
    assert (
        videos(tab, "[video.videoWidth, video.videoHeight, video.error]") == [[160, 120, None]] * 3
    )
    assert videos(tab, "video.duration") == pytest.approx([3.0] * 3, abs=0.1)

    with tab.expect_download() as download:
        tab.locator("#report").click()
    text = Path(download.value.path()).read_text()
    assert "mean_matte_difference" in text
    report = json.loads(text)
    worst_s = report["largest_difference_at_s"]
    assert videos(tab, "video.currentTime") == pytest.approx([worst_s] * 3, abs=0.01)

    tab.locator("#player input").fill("0")
    tab.locator("#player .play").click()
    in_step = "Math.abs(video.currentTime - all[0].currentTime) < 0.1"
    wait_for_all(tab, f"video.currentTime > 1 && {in_step}")
    assert videos(tab, "video.muted") == [False, True, True]
    tab.locator("#player .play").click()
    wait_for_all(tab, "video.paused")
    times = videos(tab, "video.currentTime")
    # The player leaves alone what is within a millisecond.
    assert times == pytest.approx([times[0]] * 3, abs=0.002)

    expect(tab.locator("#slider img")).to_have_count(2)
    wait_for_slider(tab)
    assert_bars_start_at_zero(tab.locator("#results .numbers td.b .bar"))
    expect(tab.locator("#results details")).to_contain_text("Each model was timed alone")
    for place in ("#clip-a", "#clip-b"):
        expect(tab.locator(f"{place} a[download]")).to_have_attribute("href", re.compile(r"\.mp4$"))
    assert served.jobs == []


def wait_for_slider(tab: Tab) -> None:
    tab.wait_for_function(
        "() => [...document.querySelectorAll('#slider img')].every((img) => img.naturalWidth > 0)"
    )


def assert_bars_start_at_zero(bars: Locator) -> None:
    """Every bar begins where its track begins, and is no longer than it."""
    sizes = bars.evaluate_all(
        "(all) => all.map((bar) => [bar, bar.firstElementChild].map("
        "(each) => { const box = each.getBoundingClientRect(); return [box.left, box.right]; }))"
    )
    assert len(sizes) > 5
    for (track_left, track_right), (left, right) in sizes:
        assert left == pytest.approx(track_left, abs=0.5)
        assert right <= track_right + 0.5


def test_stop_frees_the_machine(tab: Tab, served: Page) -> None:
    start_comparison(tab)
    assert served.jobs
    tab.locator("#stop-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("Stopped")
    expect(tab.locator("#run-compare")).to_be_visible()
    wait_until(lambda: not served.jobs)
    expect(tab.locator("#compare-status")).to_contain_text("Stopped")  # nothing came after that
    expect(tab.locator("#results")).to_be_hidden()


def start_comparison(tab: Tab) -> None:
    """Compare the models on the sample, which takes a while."""
    tab.locator("#run-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("is working")


def test_a_second_visitor_sees_the_place_in_the_queue(
    tab: Tab, browser: Browser, served: Page
) -> None:
    start_comparison(tab)
    with opened(browser, served) as other:
        other.locator("#run-compare").click()
        expect(other.locator("#compare-status")).to_contain_text("Waiting for its turn")
        expect(other.locator("#compare-status")).to_contain_text("queue: 1/1")
        tab.locator("#stop-compare").click()
        expect(other.locator("#compare-status")).to_contain_text("is working")
        other.locator("#stop-compare").click()
        expect(other.locator("#compare-status")).to_contain_text("Stopped")
    wait_until(lambda: not served.jobs)


def test_a_closed_tab_frees_the_machine(browser: Browser, served: Page) -> None:
    with opened(browser, served) as other:
        start_comparison(other)
        other.close()
        assert served.jobs
        wait_until(lambda: not served.jobs)


def test_a_bad_upload_gets_one_sentence(tab: Tab, served: Page, tmp_path: Path) -> None:
    bad = tmp_path / f"{REFUSED} <b>upload.mp4"
    bad.write_text("no video")
    upload(tab, bad)
    expect(tab.locator(".toast-body")).to_contain_text("is not a video that can be read")
    expect(tab.locator("#compare-clip video")).to_have_count(0)
    assert not list(served.uploads.rglob(f"{REFUSED}*"))


def test_the_webcam_is_put_before_a_background_that_can_be_changed(tab: Tab) -> None:
    tab.get_by_role("tab", name="Live").click()
    tab.locator("#camera button", has_text="Access Webcam").click()
    tab.locator("#camera .button-wrap button").click()
    for background in ("evening", "blur", "orbit"):
        tab.locator(f'#live-background label:has(input[value="{background}"])').click()
        for _ in range(3):
            wait_for_new_picture(tab)
    expect(tab.locator("#live-rate")).to_contain_text("pictures per second")
    tab.locator("#camera .button-wrap button").click()


def wait_for_new_picture(tab: Tab) -> None:
    images = tab.locator("#live img")
    seen = images.get_attribute("src") if images.count() else None
    tab.wait_for_function(
        "(seen) => { const image = document.querySelector('#live img');"
        " return image && image.src !== seen; }",
        arg=seen,
    )


def test_the_compression_is_told(tab: Tab) -> None:
    tab.get_by_role("tab", name="Compression").click()
    expect(tab.locator("#models tbody tr")).to_have_count(2)
    expect(tab.get_by_label("above the threshold")).to_be_visible()
    assert_bars_start_at_zero(tab.locator("#models .bar"))
