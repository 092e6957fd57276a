"""Debian's Chromium with a camera that shows the sample, and the page in it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from av.video.frame import VideoFrame
from playwright.sync_api import Browser, ConsoleMessage, Error, Playwright, expect, sync_playwright
from playwright.sync_api import Page as Tab

from stream.compositing.fit import Fit, fitted
from stream.frame import Image
from stream.sample import CLIP
from stream.source import open_source
from tests.ui.serving import Page

CHROMIUM = shutil.which("chromium")

NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium"
)

REFUSED = "refused"
"""How the name of an upload that is no video begins."""

PATIENCE_MS = 120_000

CAMERA_SIZE_WH = 320, 240
_CAMERA_FRAMES = 50


def launch(playwright: Playwright, folder: Path, *, clip: Path = CLIP) -> Browser:
    """Start the browser.

    Args:
        playwright: Drives it.
        folder: Where to write the camera's pictures, which need 6 MB.
        clip: What its camera sees, over and over.
    """
    camera = folder / "camera.y4m"
    write_camera(camera, clip)
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
            "--autoplay-policy=no-user-gesture-required",
        ],
    )


def write_camera(path: Path, clip: Path) -> None:
    """Write a clip as a file that Chromium takes for a camera: plain 4:2:0 pictures."""
    with path.open("wb") as file:
        width, height = CAMERA_SIZE_WH
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode())
        for picture in camera_pictures(clip):
            frame = VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
            file.write(b"FRAME\n" + frame.to_ndarray().tobytes())


def camera_pictures(clip: Path) -> Iterator[Image]:
    """What the camera sees, (240, 320, 3) uint8 BGR."""
    with open_source(str(clip)) as source:
        for frame in islice(source, _CAMERA_FRAMES):
            yield fitted(frame.image, CAMERA_SIZE_WH, Fit.COVER)


@contextlib.contextmanager
def started(folder: Path, *, clip: Path = CLIP) -> Iterator[Browser]:
    """The browser until the end of the block; skips the test where it does not start."""
    with sync_playwright() as playwright:
        try:
            browser = launch(playwright, folder, clip=clip)
        except Error as error:
            pytest.skip(f"Chromium does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@contextlib.contextmanager
def opened(browser: Browser, served: Page) -> Iterator[Tab]:
    """The page in a browser of its own. Whatever a visitor does, it fetches nothing from elsewhere,
    and no error comes to its console.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900},
        permissions=["camera", "microphone"],
        accept_downloads=True,
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
    assert not faults, faults


def is_fault(message: ConsoleMessage) -> bool:
    """Whether a message of the console is an error of the page."""
    # The player asks for every upload, and may do so just when it has been refused and deleted.
    return message.type == "error" and REFUSED not in message.location["url"]


def is_elsewhere(url: str, served: Page) -> bool:
    """Whether an address is not one of the page."""
    return not url.startswith((served.url, "data:", "blob:"))
