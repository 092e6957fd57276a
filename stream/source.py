"""What a source of pictures is, and the one door through which all of them are opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit
from urllib.request import url2pathname

from stream.errors import InputError
from stream.frame import Frame
from stream.paths import reading

RECONNECT_TIMEOUT_S = 30.0
"""How long a camera or an address that stopped may take to come back, in seconds."""

_CAMERA = re.compile(r"\d+|/dev/(video\d+|v4l/.+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class SourceInfo:
    """What is known about a source before its first frame is read.

    Attributes:
        name: For messages and titles: a file's name, "camera 0", an address without its password.
        size_wh: Width and height in pixels of the upright frames. Every frame has this size, except
            in a folder of images, where it is the first one's.
        time_base: Seconds per unit of every frame's `pts`.
        frame_rate: Nominal frames per second; None where the source does not say. The frames'
            `pts` are the truth.
        frame_count: Frames to expect; None where the source does not say.
        duration_s: Seconds from first to last; None where the source does not say.
        start_s: Where the source's clock begins, in seconds: a broadcast's runs all day.
        is_live: Frames that nobody takes in time are lost, and that is right.
        path: The local video file, whose sound can be copied; None for everything else.
        is_still: An image or a folder of images: `pts` counts pictures.
    """

    name: str
    size_wh: tuple[int, int]
    time_base: Fraction
    frame_rate: Fraction | None = None
    frame_count: int | None = None
    duration_s: float | None = None
    start_s: Fraction = Fraction(0)
    is_live: bool = False
    path: Path | None = None
    is_still: bool = False


@dataclass(frozen=True)
class CameraRequest:
    """What to ask a camera for; None leaves the choice to its driver.

    Attributes:
        size_wh: Width and height in pixels.
        fps: Frames per second.
    """

    size_wh: tuple[int, int] | None = None
    fps: float | None = None

    def __str__(self) -> str:
        size = "{} x {}".format(*self.size_wh) if self.size_wh else "any size"
        return f"{size} at {f'{self.fps:g}' if self.fps else 'any'} fps"


class Source(Protocol):
    """Frames in presentation order, each with a greater `pts` than the one before.

    It is iterated once, by one thread. `close` may come from any thread at any time: the iteration
    then ends soon, without an error, and whatever was opened is closed. It must not be called by a
    signal handler: that sets an event, and somebody else closes.
    """

    @property
    def info(self) -> SourceInfo:
        """What is known before the first frame."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """End the iteration and close what was opened; more than once does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


def open_source(
    spec: str,
    *,
    camera: CameraRequest = CameraRequest(),
    untrusted: bool = False,
    reconnect_timeout_s: float = RECONNECT_TIMEOUT_S,
    cancelled: Callable[[], bool] = lambda: False,
) -> Source:
    """Open what `spec` names.

    Args:
        spec: A camera ("0", "/dev/video0"), an address ("rtsp://…", "http://…"), a piped video
            ("-" or a FIFO), a video file, an image, or a folder of images.
        camera: What to ask a camera for.
        untrusted: The file comes from somebody else: only an image or a video file is opened,
            none that could name a further file or address, and no video larger than 8K.
        reconnect_timeout_s: How long a camera or a live stream that stopped may take to come back.
        cancelled: Ends the wait for a pipe that nobody writes to.

    Raises:
        StoppedError: `cancelled` while a pipe was awaited.
        CameraError: There is no such camera, or it is busy.
        InputError: There is no such file or address, or it holds no picture that can be decoded.
    """
    # Imported here because these modules import the definitions above.
    from stream.sources import camera as cameras
    from stream.sources import network, pipe, still

    if untrusted:
        return _open_file(Path(spec), untrusted=True)
    if _CAMERA.fullmatch(spec):
        return cameras.open_camera(spec, camera, reconnect_timeout_s=reconnect_timeout_s)
    if spec == "-":
        return pipe.open_stdin(cancelled=cancelled)
    if spec.startswith("file://"):
        return _open_file(Path(url2pathname(urlsplit(spec).path)))
    if _URL.match(spec):
        return network.open_address(spec, reconnect_timeout_s=reconnect_timeout_s)
    path = Path(spec)
    with reading(path):
        is_fifo, is_folder = path.is_fifo(), path.is_dir()
    if is_fifo:
        return pipe.open_fifo(path, cancelled=cancelled)
    return still.open_folder(path) if is_folder else _open_file(path)


def _open_file(path: Path, *, untrusted: bool = False) -> Source:
    from stream.sources import still, video_file

    with reading(path):
        is_there = path.exists()
    if not is_there:
        raise InputError(f"no such file: {path}", hint="check the path and its spelling")
    if untrusted and not path.is_file():
        raise InputError(f"{path.name} is not a file", hint="give a video file or an image")
    if path.suffix.lower() in still.IMAGE_SUFFIXES:
        return still.open_image(path)
    return video_file.open_video(path, untrusted=untrusted)
