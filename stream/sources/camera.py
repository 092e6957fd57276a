"""Cameras, which may stop and come back."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from stream.errors import CameraError
from stream.frame import Frame, Image
from stream.source import RECONNECT_TIMEOUT_S, CameraRequest, SourceInfo
from stream.sources.camera_devices import Capture, granted_rate, list_cameras, open_capture
from stream.sources.closable import ClosableSource
from stream.sources.reconnect import Patience

STALLED_AFTER_S = 2.0
"""A camera without a new picture for so many seconds has stopped."""

_RETRY_S = 0.01
_TIME_BASE = Fraction(1, 1_000_000)

_log = logging.getLogger(__name__)


def open_camera(
    spec: str,
    request: CameraRequest,
    *,
    reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
) -> Camera:
    """Open a camera by index ("0") or device path ("/dev/video0").

    Raises:
        CameraError: It is not there, busy, or sends nothing.
    """
    device = int(spec) if spec.isdecimal() else spec
    return Camera(device, request, patience=Patience(timeout_s=reconnect_timeout_s))


class Camera(ClosableSource):
    """Pictures from a camera, stamped in microseconds by a clock that only goes forward.

    A camera that fails, stalls or shows one unchanging picture is opened again. Where the picture
    still does not change, it is taken for the truth: a covered lens also looks like that.

    Args:
        device: Index or path.
        request: What to ask for.
        patience: How long it may be away.
        stalled_after_s: How long it may be silent or unchanging.
        opener: Opens the device; None from it means that it cannot.

    Raises:
        CameraError: It cannot be opened or sends nothing.
    """

    def __init__(
        self,
        device: int | str,
        request: CameraRequest,
        *,
        patience: Patience,
        stalled_after_s: float = STALLED_AFTER_S,
        opener: Callable[[int | str, CameraRequest], Capture | None] = open_capture,
    ) -> None:
        super().__init__()
        self._name = f"camera {device}"
        self._device = device
        self._request = request
        self._patience = patience
        self._stalled_after_s = stalled_after_s
        self._opener = opener
        self._size_wh: tuple[int, int] | None = None
        capture = opener(device, request)
        if capture is None:
            raise CameraError(f"cannot open {self._name}; {_found()}", hint=_hint(device))
        self._capture = capture
        image = self._next_image()
        if image is None:
            capture.release()
            raise CameraError(f"{self._name} opened but sent no picture", hint=_hint(device))
        self._size_wh = image.shape[1::-1]
        self.info = SourceInfo(
            name=self._name,
            size_wh=self._size_wh,
            time_base=_TIME_BASE,
            frame_rate=granted_rate(capture),
            is_live=True,
        )
        got = CameraRequest(self._size_wh, capture.get(cv2.CAP_PROP_FPS))
        _log.info("%s was asked for %s and gives %s", self._name, request, got)

    def _read(self) -> Iterator[Frame]:
        start_s = time.monotonic()
        freeze = FreezeDetector(self._stalled_after_s)
        last = -1
        while True:
            image = self._next_image()
            if image is not None and not freeze.is_frozen(image):
                pts = max(last + 1, round((time.monotonic() - start_s) / _TIME_BASE))
                yield Frame(image, pts, _TIME_BASE, captured_at=time.perf_counter())
                last = pts
            elif not self._reconnect():
                return

    def _next_image(self) -> Image | None:
        """The next picture at the first one's size, or None where the camera has stopped."""
        deadline_s = time.monotonic() + self._stalled_after_s
        while not self._closing.is_set():
            try:
                ok, image = self._capture.read()
            except cv2.error:
                return None
            if ok and image is not None and image.size:
                return self._fitted(np.asarray(image, np.uint8))
            if time.monotonic() >= deadline_s:
                return None
            self._closing.wait(_RETRY_S)
        return None

    def _fitted(self, image: Image) -> Image:
        if image.ndim == 2:  # infrared cameras
            image = np.repeat(image[..., None], 3, axis=2)
        if self._size_wh is None or image.shape[1::-1] == self._size_wh:
            return image
        resized = cv2.resize(image, self._size_wh, interpolation=cv2.INTER_AREA)
        return np.asarray(resized, np.uint8)

    def _reconnect(self) -> bool:
        """Open the camera again; False when the source is closed meanwhile.

        Raises:
            CameraError: It did not come back in time.
        """
        if not self._closing.is_set():
            _log.warning("%s stopped or froze; trying to open it again", self._name)
        for waited_s in self._patience.attempts(self._closing):
            self._capture.release()
            capture = self._opener(self._device, self._request)
            if capture is None:
                continue
            self._capture = capture
            if self._next_image() is not None:
                _log.warning("%s is back after %.1f s", self._name, waited_s)
                return True
        if self._closing.is_set():
            return False
        raise CameraError(
            f"{self._name} stopped and did not come back within {self._patience.timeout_s:g} s; "
            f"{_found()}",
            hint=_hint(self._device),
        )

    def _release(self) -> None:
        self._capture.release()


class FreezeDetector:
    """Notices a driver that repeats one picture: the noise of a sensor never does.

    Args:
        after_s: How long a picture may stay the same, in seconds.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._sample: Image | None = None
        self._since_s = 0.0
        self._told = False

    def is_frozen(self, image: Image) -> bool:
        """True once, when the pictures have been equal for too long; then not until they change."""
        sample = image[::8, ::8]
        now_s = time.monotonic()
        if self._sample is None or not np.array_equal(sample, self._sample):
            self._sample, self._since_s, self._told = sample.copy(), now_s, False
        if self._told or now_s - self._since_s < self._after_s:
            return False
        self._told = True
        return True


def _found() -> str:
    cameras = list_cameras()
    return "found: " + ", ".join(map(str, cameras)) if cameras else "no camera found"


def _hint(device: int | str) -> str:
    """The likeliest reason, as far as the system tells."""
    path = Path(f"/dev/video{device}" if isinstance(device, int) else device)
    if sys.platform == "linux" and not path.exists():
        return "plug a camera in, or give a video file as the input"
    if sys.platform == "linux" and not os.access(path, os.R_OK | os.W_OK):
        return f"you may not read {path}: sudo usermod -aG video $USER, then log in again"
    return "another program may be using it: close that one, or choose another camera"
