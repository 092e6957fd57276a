"""The page as a visitor meets it, in Debian's Chromium."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import Page as Tab

from tests.clips import make_clip
from tests.ui.chromium import NEEDS_CHROMIUM, REFUSED, opened, started
from tests.ui.serving import Page, wait_until

pytestmark = [pytest.mark.browser, NEEDS_CHROMIUM]
VIDEOS = "#clip-a video, #clip-b video, #clip-heat video"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with started(tmp_path_factory.mktemp("camera")) as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser, served: Page) -> Iterator[Tab]:
    with opened(browser, served) as tab:
        yield tab


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

    place = math.floor(times[0] * 30 + 0.01)
    for label, middle in (("Next frame", place + 1.5), ("Frame before", place + 0.5)):
        tab.get_by_label(label).click()
        wait_for_all(tab, "!video.seeking")
        assert videos(tab, "video.currentTime * 30") == pytest.approx([middle] * 3, abs=0.1)

    tab.locator("#preview-compare").click()
    expect(tab.locator("#preview-a img")).to_be_visible()
    expect(tab.locator("#results")).to_be_visible()

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


def test_what_the_webcam_records_is_compared(tab: Tab) -> None:
    clip = tab.locator("#compare-clip")
    clip.get_by_label("Clear").click()
    clip.get_by_label("Capture from camera").click()
    clip.get_by_text("Access Webcam").click()
    clip.get_by_title("start recording").click()
    wait_for_camera_pictures(tab, 25)
    clip.get_by_title("stop recording").click()
    expect(tab.get_by_text(re.compile(r"320 by 240 · \d+\.\d s"))).to_be_visible()
    tab.wait_for_function("isFinite(document.querySelector('#compare-clip video').duration)")

    tab.locator("#run-compare").click()
    wait_for_all(tab, "video.readyState >= 2 && video.videoWidth === 320")
    with tab.expect_download() as download:
        tab.locator("#report").click()
    runs = [model["run"] for model in json.loads(Path(download.value.path()).read_text())["models"]]
    assert runs[0]["frames_out"] == runs[1]["frames_out"] > 10


def wait_for_camera_pictures(tab: Tab, count: int) -> None:
    shown = "document.querySelector('[data-testid=webcam-video]').getVideoPlaybackQuality()"
    first = tab.evaluate(f"{shown}.totalVideoFrames")
    tab.wait_for_function(f"() => {shown}.totalVideoFrames > {first + count}")


def test_stop_frees_the_machine(tab: Tab, served: Page) -> None:
    start_comparison(tab)
    assert served.jobs
    tab.locator("#stop-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("Stopped")
    expect(tab.locator("#run-compare")).to_be_enabled()
    wait_until(lambda: not served.jobs)
    expect(tab.locator("#compare-status")).to_contain_text("Stopped")  # nothing came after that
    expect(tab.locator("#results")).to_be_hidden()


def test_after_a_stop_the_preview_stays(tab: Tab) -> None:
    start_comparison(tab)
    tab.locator("#stop-compare").click()
    tab.get_by_text("Preview one frame").click()
    for place in ("#preview-a", "#preview-b"):
        expect(tab.locator(f"{place} img")).to_be_visible()
    expect(tab.locator("#run-compare")).to_be_enabled()


@pytest.mark.parametrize("job", ["compare", "convert"])
def test_a_double_click_does_not_stop_what_it_started(tab: Tab, job: str) -> None:
    tab.get_by_role("tab", name=job.title()).click()
    button, status = tab.locator(f"#run-{job}"), tab.locator(f"#{job}-status")
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    for _ in range(2):
        tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.wait_for_timeout(200)
    expect(status).to_contain_text("rame")  # that it works at, or how many it has done


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
    expect(tab.locator(".toast-body")).not_to_contain_text("not playable")
    expect(tab.locator("#compare-clip video")).to_have_count(0)
    assert not list(served.uploads.rglob(f"{REFUSED}*"))
    tab.locator("#run-compare").click()
    expect(tab.locator("#compare-status")).to_contain_text("That did not work")
    expect(tab.locator("#run-compare")).to_be_enabled()


def test_a_bad_background_is_refused_at_once_and_makes_room_for_another(
    tab: Tab, tmp_path: Path
) -> None:
    bad, good = tmp_path / f"{REFUSED}.png", tmp_path / "good.png"
    bad.write_text("no picture")
    cv2.imwrite(str(good), np.zeros((8, 8, 3), np.uint8))
    tab.locator("#compare-background label", has_text="Own file").click()
    chooser = tab.locator("#compare-background-file input[type=file]")
    chooser.set_input_files(bad)
    expect(tab.locator(".toast-body")).to_contain_text(f"{REFUSED}.png")
    chooser.set_input_files(good)
    expect(tab.locator("#compare-background-file")).to_contain_text("good")


def test_an_own_model_is_asked_for_where_it_is_chosen(tab: Tab) -> None:
    expect(tab.locator("#compare-own-model")).to_be_hidden()
    tab.locator("#model-b input").click()
    tab.get_by_role("option", name="Your own model").click()
    expect(tab.locator("#compare-own-model")).to_be_visible()
    expect(tab.locator("#convert-own-model")).to_be_hidden()


def test_the_compression_is_told(tab: Tab) -> None:
    tab.get_by_role("tab", name="Compression").click()
    expect(tab.locator("#models tbody tr")).to_have_count(2)
    expect(tab.get_by_label("above the threshold")).to_be_visible()
    assert_bars_start_at_zero(tab.locator("#models .bar"))
