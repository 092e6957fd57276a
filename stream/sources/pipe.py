"""Videos that come through a pipe: standard input ("-") or a FIFO."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from stream.errors import InputError, StoppedError
from stream.frame import Frame
from stream.paths import reading
from stream.sources.decode import open_container
from stream.sources.video_file import VideoFile

STALL_TIMEOUT_S = 10.0
"""How long a pipe may stay silent, in seconds."""

_POLL_S = 0.1

_OPTIONS = {"protocol_whitelist": "data"}
"""What comes through the pipe opens neither files nor addresses."""

_HINT = "a pipe cannot seek: send MPEG-TS or Matroska, for example ffmpeg … -f mpegts -"


class PipeReader:
    """The reading end of a pipe as PyAV wants it, which neither silence nor Ctrl-C can lock up.

    FFmpeg's own time-out does not cover pipes, and an exception inside `read` makes its demuxers
    try again for ever. So `read` reports the end of the data, and `error` keeps the reason.

    Args:
        descriptor: Open for reading; the reader owns it.
        name: For messages.
        timeout_s: How long it may stay silent.
        cancelled: Asked while it waits; ends the data.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        name: str,
        timeout_s: float = STALL_TIMEOUT_S,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._descriptor = descriptor
        self._name = name
        self._timeout_s = timeout_s
        self.cancelled = cancelled
        self._stopped = threading.Event()
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Up to `size` bytes as soon as there are any; none at the end, and after any fault."""
        try:
            return os.read(self._descriptor, size) if self._wait() else b""
        except BaseException as error:
            self.error = error
            return b""

    def _wait(self) -> bool:
        """Wait for data; False when stopped."""
        if sys.platform == "win32":  # select() knows sockets only: a silent pipe blocks
            return not self._stopped.is_set()
        waited_s = 0.0
        while not (self._stopped.is_set() or self.cancelled() or self.error is not None):
            if select.select([self._descriptor], [], [], _POLL_S)[0]:
                return True
            waited_s += _POLL_S
            if waited_s >= self._timeout_s:
                raise InputError(f"{self._name} sent no data for {self._timeout_s:g} s")
        return False

    def check(self) -> None:
        """Raise what ended the data early, if anything did."""
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Make the current read and all later ones return nothing; safe in any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Close the pipe, unless it is standard input; more than once does no harm."""
        if self._descriptor > 2:
            os.close(self._descriptor)
        self._descriptor = -1


class PipedVideo(VideoFile):
    """The frames of a container that comes through a pipe.

    Raises:
        StoppedError: The reader was cancelled before there was anything to see.
        InputError: It is not a video, or the pipe stays silent.
    """

    def __init__(self, reader: PipeReader, *, name: str) -> None:
        self._reader = reader
        try:
            super().__init__(open_container(reader, name=name, options=_OPTIONS), name=name)
        except InputError as error:
            reader.close()
            reader.check()
            if reader.cancelled():
                raise StoppedError(f"stopped while {name} was awaited") from None
            raise InputError(str(error), hint=_HINT) from error

    def _read(self) -> Iterator[Frame]:
        yield from super()._read()
        self._reader.check()

    def close(self) -> None:
        """End the iteration, even one that waits for data."""
        self._reader.stop()
        super().close()

    def _release(self) -> None:
        super()._release()
        self._reader.close()


def open_stdin(*, cancelled: Callable[[], bool] = lambda: False) -> PipedVideo:
    """Open the video that is piped into this program.

    Raises:
        StoppedError: `cancelled` before it came.
        InputError: Nothing is piped into it, or no video that can be decoded.
    """
    if sys.stdin is None or sys.stdin.isatty():
        raise InputError(
            "'-' reads a video from standard input, which is a terminal",
            hint="pipe a video into it",
        )
    name = "standard input"
    reader = PipeReader(sys.stdin.fileno(), name=name, cancelled=cancelled)
    return PipedVideo(reader, name=name)


def open_fifo(path: Path, *, cancelled: Callable[[], bool] = lambda: False) -> PipedVideo:
    """Open a FIFO, whether or not anybody writes to it yet.

    Raises:
        StoppedError: `cancelled` before anybody did.
        InputError: Nobody does in time, or it is no video that can be decoded.
    """
    with reading(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    reader = PipeReader(descriptor, name=path.name, cancelled=cancelled)
    return PipedVideo(reader, name=path.name)
