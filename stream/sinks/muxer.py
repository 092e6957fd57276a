"""One open video container: its streams, and the order in which packets go into it."""

from __future__ import annotations

import contextlib
import logging
import math
from fractions import Fraction
from pathlib import Path

import av
from av.codec.context import ThreadType
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorTrc
from av.video.stream import VideoStream

from stream.sinks.audio_feed import AudioFeed
from stream.sinks.codecs import KEYFRAME_INTERVAL_S, VideoFormat

_USUAL_RATE = Fraction(30)
_BT709 = 1
"""FFmpeg's number of the matrix (AVCOL_SPC)."""

_log = logging.getLogger(__name__)


class Muxer:
    """Encodes frames and puts them, and the sound that belongs to them, into a file.

    All streams are added at once, as the first packet of any of them writes the header. So the
    first frame must be at hand.

    Args:
        path: The file.
        video_format: What is written.
        first: The first frame to come: its size, matrix, range, `pts` and `time_base` are set. The
            time base becomes the file's where the container allows (Matroska and WebM count
            milliseconds).
        frame_rate: Nominal frames per second; None where unknown.
        start_s: What is zero in the file, in seconds of the pictures' clock; the first frame, where
            that comes before.
        audio_path: The input, whose sound is brought over; None for none.
    """

    def __init__(
        self,
        path: Path,
        video_format: VideoFormat,
        first: VideoFrame,
        *,
        frame_rate: Fraction | None,
        start_s: Fraction,
        audio_path: Path | None,
    ) -> None:
        assert first.pts is not None and first.time_base is not None
        self._time_base = first.time_base
        rate = frame_rate or _USUAL_RATE
        self._duration = max(1, round(1 / rate / self._time_base))
        # Players hide what lies before zero, so everything is moved until nothing does.
        self._shift = max(-math.floor(start_s / self._time_base), -first.pts)
        self._last_pts = first.pts
        container = video_format.container
        self._output = av.open(
            str(path), "w", format=container.muxer, options=dict(container.options)
        )
        self._video = _add_video(
            self._output, video_format, first, time_base=self._time_base, rate=rate
        )
        self._audio = None if audio_path is None else self._open_audio(audio_path, video_format)

    def write(self, frame: VideoFrame) -> None:
        """Encode a frame, later than the one before, and bring the sound up to it.

        Raises:
            av.FFmpegError: The disk is full, or the encoder refuses the frame.
        """
        assert frame.pts is not None
        self._last_pts = frame.pts
        frame.pts += self._shift
        frame.duration = self._duration
        self._output.mux(self._video.encode(frame))
        if self._audio:
            self._audio.write_until(self._end_s)

    def finish(self) -> None:
        """Write what the encoder and the sound have left, then close the file.

        Raises:
            av.FFmpegError: The disk is full.
        """
        self._output.mux(self._video.encode(None))
        if self._audio:
            self._audio.finish(last_s=self._last_pts * self._time_base, end_s=self._end_s)
            self._audio.close()
        self._output.close()

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        if self._audio:
            self._audio.close()
        with contextlib.suppress(av.FFmpegError):
            self._output.close()

    @property
    def _end_s(self) -> Fraction:
        """When the last frame ends, in seconds of the input."""
        return (self._last_pts + self._duration) * self._time_base

    def _open_audio(self, path: Path, video_format: VideoFormat) -> AudioFeed | None:
        try:
            return AudioFeed(
                path,
                self._output,
                video_format.container,
                first_s=self._last_pts * self._time_base,
                shift_s=self._shift * self._time_base,
            )
        except av.FFmpegError as error:
            _log.warning("%s: its sound cannot be read: %s", path.name, error.strerror)
            return None


def _add_video(
    output: OutputContainer,
    video_format: VideoFormat,
    first: VideoFrame,
    *,
    time_base: Fraction,
    rate: Fraction,
) -> VideoStream:
    codec, encoding = video_format.codec, video_format.encoding
    stream = output.add_stream(codec.encoder, rate=rate, options=codec.options(encoding))
    assert isinstance(stream, VideoStream)
    context = stream.codec_context
    context.width, context.height = first.width, first.height
    context.pix_fmt = codec.pixel_format
    context.time_base = time_base
    context.gop_size = max(1, round(KEYFRAME_INTERVAL_S * rate))
    context.thread_count = encoding.threads
    if codec.encoder == "libx264":
        context.thread_type = ThreadType.FRAME  # pictures in slices need more bytes
    context.color_range = first.color_range
    context.colorspace = first.colorspace
    if first.colorspace == _BT709:  # the others' are the input's, and not known here
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream
