"""Video files, every frame and every timestamp of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from stream.errors import InputError
from stream.frame import Frame
from stream.source import SourceInfo
from stream.sources.closable import ClosableSource
from stream.sources.decode import Decoder, ImageConverter, frame_rate, open_container, video_stream
from stream.sources.timeline import Timeline, nominal_step

MAX_UNTRUSTED_PIXELS = 7680 * 4320
"""Largest picture decoded from somebody else's file: a few kilobytes can claim gigabytes."""

_PLAYLISTS = {"concat", "dash", "hls"}
"""Text files that name other files, also when they call themselves clip.mp4."""

_LOCAL = {"protocol_whitelist": "file"}
"""No file makes FFmpeg open an address."""

_UNTRUSTED = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts",
    "max_pixels": str(MAX_UNTRUSTED_PIXELS),
}
"""Somebody else's file is not even tried as a playlist."""

_log = logging.getLogger(__name__)


def open_video(path: Path, *, untrusted: bool = False) -> VideoFile:
    """Open a local video file.

    Raises:
        InputError: It is not a video, or nothing in it can be decoded.
    """
    path = path.absolute()  # FFmpeg takes what precedes a colon in a relative one for a protocol
    if path.is_file() and path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty")
    options = _UNTRUSTED if untrusted else _LOCAL
    container = open_container(str(path), name=path.name, options=options)
    if container.format.name in _PLAYLISTS:
        container.close()
        raise InputError(f"{path.name} is a playlist", hint="give the video itself")
    return VideoFile(container, name=path.name, path=path, untrusted=untrusted)


class VideoFile(ClosableSource):
    """The frames of a container that has an end.

    Args:
        container: Open for reading; the source owns it.
        name: For messages.
        path: The local file, if it is one.
        untrusted: Refuse pictures of more than `MAX_UNTRUSTED_PIXELS`.

    Raises:
        InputError: It holds no video that can be decoded.
    """

    def __init__(
        self,
        container: InputContainer,
        *,
        name: str,
        path: Path | None = None,
        untrusted: bool = False,
    ) -> None:
        super().__init__()
        self._name = name
        self._container = container
        try:
            self._stream = video_stream(container, name=name)
            if untrusted:
                _limit_pixels(self._stream, name=name)
            self._decoder = Decoder(container, self._stream, name=name, closing=self._closing)
            self._converter = ImageConverter(self._stream, name=name)
            self._time_base = self._stream.time_base or Fraction(1, 1_000_000)
            step = nominal_step(frame_rate(self._stream), self._time_base)
            self._timeline = Timeline(step=step)
            self._frames = self._decode()
            self._first = next(self._frames, None)
            if self._first is None:
                raise InputError(f"no picture of {name} can be decoded", hint="it may be damaged")
        except BaseException:
            container.close()
            raise
        self.info = _info(container, self._stream, self._first, name=name, path=path)

    def _read(self) -> Iterator[Frame]:
        assert self._first is not None
        yield replace(self._first, captured_at=time.perf_counter())
        self._first = None
        yield from self._frames
        if not self._closing.is_set():  # else that is why the frames ended
            self._report()

    def _decode(self) -> Iterator[Frame]:
        # AVI stores times in decoding order only: there what FFmpeg makes of them jumps back and
        # forth, and the times of decoding, less the decoder's delay, are those of presentation.
        by_decoding = self._container.format.name == "avi"
        delay: int | None = None
        for frame in self._decoder:
            at = frame.pts
            if by_decoding:
                if delay is None:
                    delay = (frame.dts or 0) - (frame.pts or 0)
                at = None if frame.dts is None else frame.dts - delay
            pts = self._timeline.place(at)
            if pts is not None:
                picture = self._converter.picture(frame)
                yield Frame(picture, pts, self._time_base, captured_at=time.perf_counter())

    def _report(self) -> None:
        """Say what was wrong with the file, once it is read."""
        expected = _frame_count(self._stream) or 0
        decoder = self._decoder
        if decoder.read_error:
            _log.warning(
                "%s cannot be read to its end: %s", self._name, decoder.read_error.strerror
            )
        elif decoder.packets < expected:
            _log.warning("%s is cut short: %d of %d frames", self._name, decoder.frames, expected)
        if decoder.faults:
            _log.warning("%s is damaged: %d packets skipped", self._name, decoder.faults)
        if faults := self._timeline.faults():
            _log.warning("%s has frames with bad timestamps: %s", self._name, faults)

    def _release(self) -> None:
        self._container.close()


def _limit_pixels(stream: VideoStream, *, name: str) -> None:
    if stream.width * stream.height > MAX_UNTRUSTED_PIXELS:
        raise InputError(
            f"{name} is {stream.width} x {stream.height}: larger than the 7680 x 4320 allowed",
            hint="scale it down first",
        )
    # Again for the decoder, as the pictures may turn out to be larger than the container says.
    stream.codec_context.options = {"max_pixels": str(MAX_UNTRUSTED_PIXELS)}


def _info(
    container: InputContainer, stream: VideoStream, first: Frame, *, name: str, path: Path | None
) -> SourceInfo:
    duration_s = None
    if stream.duration:
        duration_s = float(stream.duration * first.time_base)
    elif container.duration:
        duration_s = container.duration / 1_000_000
    return SourceInfo(
        name=name,
        size_wh=first.size_wh,
        time_base=first.time_base,
        frame_rate=frame_rate(stream),
        frame_count=_frame_count(stream),
        duration_s=duration_s,
        start_s=_start_s(container, stream),
        path=path,
    )


def _start_s(container: InputContainer, video: VideoStream) -> Fraction:
    """When the first picture or sound comes: the clocks of broadcasts and cut files run for hours.

    A time before zero is left to the edit list that hides it.
    """
    starts = [
        stream.start_time * stream.time_base
        for stream in (video, *container.streams.audio)
        if stream.start_time is not None and stream.time_base
    ]
    return max(min(starts, default=Fraction(0)), Fraction(0))


def _frame_count(stream: VideoStream) -> int | None:
    """How many pictures there are, where the index has them all; not all containers' indexes do."""
    return stream.frames if 0 < stream.frames == len(stream.index_entries) else None
