"""What the user saves while the stream runs: recordings and screenshots."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import cv2

from stream.errors import StreamError
from stream.frame import CompositedFrame, Image
from stream.live.views import opaque

if TYPE_CHECKING:
    from stream.sink import Sink

_log = logging.getLogger(__name__)


class Recording:
    """A video file that starts in the middle of the stream, at time zero, and leaves pauses out.

    Args:
        sink: Where the frames go; closed with the recording.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._shift: int | None = None
        self._last_pts = -1
        self._step = 1
        self.duration_s = 0.0

    def write(self, composited: CompositedFrame) -> None:
        """Add a frame; a transparent one over the checkerboard that the window shows.

        Raises:
            OutputError: The file cannot be written any further.
        """
        frame = composited.frame
        if self._shift is None:
            self._shift = self._last_pts + self._step - frame.pts
        pts = frame.pts + self._shift
        matted = replace(composited.matted, frame=replace(frame, pts=pts))
        self._sink.write(CompositedFrame(opaque(composited.image), matted))
        self._step, self._last_pts = pts - self._last_pts, pts
        self.duration_s = float(pts * frame.time_base)

    def skip_pause(self) -> None:
        """Let the next frame follow the last one as closely as that followed its predecessor."""
        self._shift = None

    def close(self) -> None:
        """Finish the file."""
        self._sink.close()


class Recorder:
    """Starts and stops recordings; one that fails is given up, and the stream goes on.

    Args:
        open_file: Opens the video file to record to; None if there is nothing to record with.
        folder: Where the files go.
    """

    def __init__(self, open_file: Callable[[Path], Sink] | None, folder: Path) -> None:
        self._open_file = open_file
        self._folder = folder
        self._path = folder
        self._recording: Recording | None = None

    @property
    def duration_s(self) -> float | None:
        """Length of the recording so far in seconds; None while there is none."""
        return None if self._recording is None else self._recording.duration_s

    def toggle(self) -> str:
        """Start a recording or finish it; what happened, in words."""
        if self._recording is not None:
            return f"saved {self._path.name}" if self.stop() else f"{self._path.name} is damaged"
        if self._open_file is None:
            return "recording is not available"
        self._path = dated_path(self._folder, "recording", ".mp4")
        try:
            self._recording = Recording(self._open_file(self._path))
        except StreamError as error:
            return f"no recording: {error}"
        return f"recording to {self._path.name}"

    def write(self, frame: CompositedFrame) -> None:
        """Add a frame if a recording is running."""
        if self._recording is None:
            return
        try:
            self._recording.write(frame)
        except StreamError as error:
            _log.warning("the recording stops: %s", error)
            self.stop()

    def skip_pause(self) -> None:
        """Leave out the time since the last frame."""
        if self._recording is not None:
            self._recording.skip_pause()

    def stop(self) -> bool:
        """Finish the recording, if any; whether nothing went wrong."""
        recording, self._recording = self._recording, None
        try:
            if recording is not None:
                recording.close()
        except StreamError as error:
            _log.warning("the recording %s is not complete: %s", self._path, error)
            return False
        return True


def save_screenshot(image: Image, folder: Path) -> str:
    """Write a picture to a new PNG file.

    Args:
        image: (H, W, 3) uint8 BGR or (H, W, 4) BGRA.
        folder: Where the file goes.

    Returns:
        What happened, in words.
    """
    path = dated_path(folder, "screenshot", ".png")
    try:
        path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    except OSError as error:
        return f"no screenshot: {error}"
    return f"saved {path.name}"


def dated_path(folder: Path, stem: str, suffix: str) -> Path:
    """A path that is not taken: `stem_20260131_235959.suffix`, numbered where that exists."""
    name = f"{stem}_{datetime.now():%Y%m%d_%H%M%S}"
    path, number = folder / f"{name}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}_{number}{suffix}"
    return path
