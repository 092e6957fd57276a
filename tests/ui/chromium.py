"""Debian's Chromium with a camera that shows the sample."""

from __future__ import annotations

import shutil
from itertools import islice
from pathlib import Path

from av.video.frame import VideoFrame
from playwright.sync_api import Browser, Playwright

from stream.sample import CLIP
from stream.source import open_source

CHROMIUM = shutil.which("chromium")

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
    with open_source(str(clip)) as source, path.open("wb") as file:
        width, height = 320, 240
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C420jpeg\n".encode())
        for frame in islice(source, _CAMERA_FRAMES):
            picture = VideoFrame.from_ndarray(frame.image, format="bgr24")
            small = picture.reformat(width=width, height=height, format="yuv420p")
            file.write(b"FRAME\n" + small.to_ndarray().tobytes())
