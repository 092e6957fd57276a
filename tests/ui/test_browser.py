"""The page as a visitor meets it, in Debian's Chromium."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from av.video.frame import VideoFrame
from playwright.sync_api import Browser, Error, Locator, expect, sync_playwright
from playwright.sync_api import Page as Tab

from stream.sample import CLIP
from stream.source import open_source
from tests.clips import make_clip
from tests.ui.serving import Page

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
PATIENCE_MS = 60_000
VIDEOS = "#clip-a video, #clip-b video, #clip-heat video"


def write_camera(path: Path) -> Path:
    """Write the sample as a file that Chromium takes for a camera: plain 4:2:0 pictures."""
    with open_source(str(CLIP)) as source, path.open("wb") as file:
        file.write(b"YUV4MPEG2 W320 H240 F25:1 Ip A1:1 C420jpeg\n")
        for frame in islice(source, 50):
            picture = VideoFrame.from_ndarray(frame.image, format="bgr24")
            small = picture.reformat(width=320, height=240, format="yuv420p")
            file.write(b"FRAME\n" + small.to_ndarray().tobytes())
    return path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    camera = write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m")
    with sync_playwright() as playwright:
        try:
            made = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=[
                    "--no-sandbox",
                    "--use-fake-ui-for-media-stream",
                    "--use-fake-device-for-media-stream",
                    f"--use-file-for-fake-video-capture={camera}",
                    "--autoplay-policy=no-user-gesture-required",
                ],
            )
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message.splitlines()[0]}")
        yield made
        made.close()


@pytest.fixture
def tab(browser: Browser, served: Page) -> Iterator[Tab]:
    """The page, opened; whatever a visitor does, it fetches nothing from elsewhere and no error
    comes to its console.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["camera"], accept_downloads=True
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda m: faults.append(m.text) if m.type == "error" else None)
    opened.on("request", lambda r: faults.append(r.url) if is_elsewhere(r.url, served) else None)
    opened.goto(served.url)
    opened.wait_for_selector("#compare-clip video")
    yield opened
    context.close()
    assert faults == []


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
    expect(tab.locator("#compare-status")).to_contain_text("Frame")
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
    wait_for_all(tab, "video.currentTime > 1")
    times = videos(tab, "video.currentTime")
    assert max(times) - min(times) < 0.1
    assert videos(tab, "video.muted") == [False, True, True]
    tab.locator("#player .play").click()
    wait_for_all(tab, "video.paused")
    times = videos(tab, "video.currentTime")
    assert times == pytest.approx([times[0]] * 3, abs=0.002)  # the player brings them to a millisecond

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
    tab.locator("#run-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("is working")
    assert served.jobs
    tab.locator("#stop-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("Stopped")
    expect(tab.locator("#run-compare")).to_be_visible()
    for _ in range(40):
        if not served.jobs:
            break
        tab.wait_for_timeout(50)
    assert served.jobs == []


def test_a_closed_tab_frees_the_machine(browser: Browser, served: Page) -> None:
    opened = browser.new_page()
    opened.goto(served.url)
    opened.locator("#run-compare").click(timeout=PATIENCE_MS)
    expect(opened.locator("#compare-status")).to_contain_text("is working", timeout=PATIENCE_MS)
    opened.close()
    other = browser.new_page()
    for _ in range(60):
        if not served.jobs:
            break
        other.wait_for_timeout(50)
    other.close()
    assert served.jobs == []


def test_a_bad_upload_gets_one_sentence(tab: Tab, served: Page, tmp_path: Path) -> None:
    bad = tmp_path / "bad <b>upload.mp4"
    bad.write_text("no video")
    upload(tab, bad)
    expect(tab.locator(".toast-body")).to_contain_text("is not a video that can be read")
    expect(tab.locator("#compare-clip video")).to_have_count(0)
    assert not list(served.uploads.rglob("bad*"))


def test_the_webcam_is_put_before_a_background_that_can_be_changed(tab: Tab) -> None:
    tab.get_by_role("tab", name="Live").click()
    tab.locator("#camera button", has_text="Access Webcam").click()
    tab.locator("#camera .button-wrap button").click()
    seen = set()
    for colour in ("evening", "blur", "orbit"):
        tab.locator(f'#live-background label:has(input[value="{colour}"])').click()
        before = len(seen)
        while len(seen) < before + 3:
            seen.add(tab.locator("#live img").get_attribute("src"))
    expect(tab.locator("#live-rate")).to_contain_text("pictures per second")
    tab.locator("#camera .button-wrap button").click()


def test_the_compression_is_told(tab: Tab) -> None:
    tab.get_by_role("tab", name="Compression").click()
    expect(tab.locator("#models tbody tr")).to_have_count(2)
    expect(tab.get_by_label("Threshold and ratio")).to_be_visible()
