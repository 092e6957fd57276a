"""A virtual camera: other programs see the composite as the picture of a webcam."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from stream.closing import Closing
from stream.compositing.fit import Fit, fitted
from stream.errors import DisplayError, UsageError
from stream.frame import CompositedFrame, Image
from stream.live.hud import Panel, draw_panels
from stream.live.views import opaque
from stream.optional import optional_module

_DEFAULT_FPS = Fraction(30)
_RING_LENGTH = 4
"""How many pictures a reader that lags behind may still find in v4l2loopback's buffers."""

_HINTS = {
    "linux": (
        "sudo apt install v4l2loopback-dkms && sudo modprobe v4l2loopback devices=1 video_nr=10"
        ' card_label="MODNet-P" exclusive_caps=1'
    ),
    "win32": "install OBS Studio (obsproject.com), which brings a virtual camera, and try again",
    "darwin": (
        "install OBS Studio 30 or newer (obsproject.com), start and stop its virtual camera once,"
        " and try again"
    ),
}


class VirtualCameraSink(Closing):
    """Sends composites to a virtual camera, as often as they are written.

    The size is fixed, because the programs that watch do not expect it to change: frames of
    another size are fitted into it. When the stream stalls, `idle` sends the last composite again.
    At the end, whatever ended it, a card without any picture of the room takes its place.

    Args:
        size_wh: Width and height in pixels; an odd one loses a row or column.
        frame_rate: Nominal frames per second; None for 30.
        device: A device (`/dev/video10`) or name (`OBS Virtual Camera`); None for the first one.
        source: The camera that the frames come from, as the user wrote it ("0", "/dev/video0").
        backend: One of pyvirtualcam's; None for those of this system.

    Attributes:
        stopped: Always False: nobody can close a virtual camera from outside.
        device: The device in use.

    Raises:
        DisplayError: There is no such virtual camera.
        UsageError: pyvirtualcam is not installed.
        UsageError: The device is the camera that the frames come from.
    """

    stopped = False

    def __init__(
        self,
        *,
        size_wh: tuple[int, int],
        frame_rate: Fraction | None = None,
        device: str | None = None,
        source: str = "",
        backend: str | None = None,
    ) -> None:
        if device is not None:  # asked first: opening would change the format the camera delivers
            _refuse_loop(source, device)
        width, height = (max(2, side // 2 * 2) for side in size_wh)
        self._size_wh = (width, height)
        self._last = _card(self._size_wh)
        self._camera = _open(width, height, float(frame_rate or _DEFAULT_FPS), device, backend)
        self.device: str = self._camera.device
        try:
            _refuse_loop(source, self.device)
        except UsageError:
            self._camera.close()
            raise

    def write(self, frame: CompositedFrame) -> None:
        """Send a composite; a transparent one over a checkerboard, as cameras have no alpha."""
        self._last = fit_into(opaque(frame.image), self._size_wh)
        self._camera.send(self._last)

    def idle(self) -> None:
        """Send the last composite again: programs take a silent camera for a broken one."""
        self._camera.send(self._last)

    def close(self) -> None:
        """Send a card instead of a picture, and release the camera.

        Without it the person would stay in the device for whoever opens it next.
        """
        if self._camera is None:
            return
        camera, self._camera = self._camera, None
        try:
            for _ in range(_RING_LENGTH):
                camera.send(_card(self._size_wh))
        finally:
            camera.close()


def list_virtual_cameras(sysfs: Path = Path("/sys/class/video4linux")) -> list[tuple[str, str]]:
    """Device and name of each v4l2loopback device; empty on other systems than Linux.

    Args:
        sysfs: Where Linux describes its video devices.
    """
    return [
        (f"/dev/{entry.name}", (entry / "name").read_text().strip())
        for entry in sorted(sysfs.glob("video*"), key=lambda entry: (len(entry.name), entry.name))
        if (entry / "max_openers").exists()  # an attribute that only v4l2loopback has
    ]


def fit_into(image: Image, size_wh: tuple[int, int]) -> Image:
    """Bring a picture to a size, its aspect ratio kept, with black bars where it does not fill it.

    Args:
        image: (H, W, 3) uint8 BGR.
        size_wh: Width and height of the result in pixels.

    Returns:
        The picture itself, if only a row or column too large then without it.
    """
    width, height = size_wh
    surplus = (image.shape[1] - width, image.shape[0] - height)
    if all(extra in (0, 1) for extra in surplus):
        return image[:height, :width]
    return fitted(image, size_wh, Fit.CONTAIN)


def _open(width: int, height: int, fps: float, device: str | None, backend: str | None) -> Any:
    pyvirtualcam = optional_module("pyvirtualcam", needed_for="a virtual camera")
    try:
        return pyvirtualcam.Camera(
            width, height, fps, fmt=pyvirtualcam.PixelFormat.BGR, device=device, backend=backend
        )
    except RuntimeError as error:
        reason = "; ".join(str(error).splitlines())
        wanted = "no virtual camera" if device is None else f"no virtual camera '{device}'"
        # Where access is what lacks, the reason says how to get it.
        hint = None if "permission" in reason else _HINTS.get(sys.platform)
        raise DisplayError(f"{wanted}: {reason}", hint=hint) from error


def _refuse_loop(source: str, device: str) -> None:
    """Raise if the output is the input."""
    if _device_path(source) == _device_path(device):
        raise UsageError(
            f"the virtual camera {device} is also the input",
            hint="choose another camera with --input, or another device with --output virtual:…",
        )


def _device_path(spec: str) -> str:
    """One spelling for the names of a camera: "0" and a link to /dev/video0 are /dev/video0."""
    path = Path(f"/dev/video{spec}" if spec.isdecimal() else spec)
    return str(path.resolve()) if path.exists() else str(path)


def _card(size_wh: tuple[int, int]) -> Image:
    grey = np.full((size_wh[1], size_wh[0], 3), 64, np.uint8)
    return draw_panels(grey, [Panel(["no video"], at=(0.5, 0.5))])
