"""Which cameras there are, and how one is opened through OpenCV."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
from cv2.typing import MatLike

from stream.source import CameraRequest

_LINUX_DEVICES = Path("/sys/class/video4linux")
_BACKENDS = {
    "linux": cv2.CAP_V4L2,
    "win32": cv2.CAP_DSHOW,  # Media Foundation takes many seconds to open some cameras
    "darwin": cv2.CAP_AVFOUNDATION,
}


@dataclass(frozen=True)
class CameraInfo:
    """A camera that is there.

    Attributes:
        device: What to give as the input: "0" or "/dev/video0" open the first.
        name: What its maker calls it.
    """

    device: str
    name: str

    def __str__(self) -> str:
        return f"{self.device} ({self.name})"


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def read(self) -> tuple[bool, MatLike | None]:
        """Wait for the next picture; False where none came."""

    def get(self, prop: int, /) -> float:
        """A property by its cv2.CAP_PROP number."""

    def release(self) -> None:
        """Give the device back."""


def list_cameras(linux_devices: Path = _LINUX_DEVICES) -> list[CameraInfo]:
    """The cameras of this computer. None of them is opened, so none hangs or lights its lamp.

    Args:
        linux_devices: Where Linux describes video devices.
    """
    if sys.platform == "darwin":
        return list(_cameras_of_macos())
    if sys.platform == "win32":
        found = av.device.enumerate_input_devices("dshow")
        cameras = [device for device in found if "video" in device.media_types]
        return [CameraInfo(str(i), device.description) for i, device in enumerate(cameras)]
    return list(_cameras_of_linux(linux_devices))


def _cameras_of_linux(devices: Path) -> Iterator[CameraInfo]:
    numbered = [(int(p.name.removeprefix("video")), p) for p in devices.glob("video[0-9]*")]
    for number, path in sorted(numbered):
        try:
            if (path / "index").read_text().strip() == "0":  # others carry metadata
                yield CameraInfo(str(number), (path / "name").read_text().strip())
        except OSError:  # unplugged just now
            continue


def _cameras_of_macos() -> Iterator[CameraInfo]:
    command = ["/usr/sbin/system_profiler", "-json", "SPCameraDataType"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=2, check=True)
        cameras: list[dict[str, Any]] = json.loads(answer.stdout)["SPCameraDataType"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return
    for index, camera in enumerate(cameras):
        yield CameraInfo(str(index), camera.get("_name", "camera"))


def open_capture(device: int | str, request: CameraRequest) -> Capture | None:
    """Open a camera and ask it for what is wanted; None where it cannot be opened."""
    # OpenCV prints each device it cannot open and each wait that times out; our errors say more.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        capture = cv2.VideoCapture(device, _BACKENDS.get(sys.platform, cv2.CAP_ANY))
    except cv2.error:
        return None
    if not capture.isOpened():
        capture.release()
        return None
    # Compressed pictures come first: uncompressed, USB 2 carries HD at a few frames per second.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    if request.size_wh:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, request.size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, request.size_wh[1])
    if request.fps:
        capture.set(cv2.CAP_PROP_FPS, request.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def granted_rate(capture: Capture) -> Fraction | None:
    """The frame rate that the camera promises; None where it promises none."""
    fps = capture.get(cv2.CAP_PROP_FPS)
    return Fraction(fps).limit_denominator(1001) if 0 < fps <= 1000 else None
