"""Writes pictures to a video file that is whole, or can at least be played, whatever happens."""

from __future__ import annotations

import contextlib
import logging
from fractions import Fraction
from pathlib import Path

import av

from stream.errors import OutputError
from stream.frame import Picture
from stream.sinks import mp4
from stream.sinks.codecs import VideoFormat
from stream.sinks.encode import PictureConverter
from stream.sinks.muxer import Muxer
from stream.sinks.part_file import PartFile, errors_name

_log = logging.getLogger(__name__)


class VideoWriter:
    """A video file that gets its name when it is complete.

    Until then, and for good if the disk is full or the program is killed, it is `name.part.ext`,
    which can be played up to the last second or two.

    Args:
        file: Where to write.
        video_format: What is written.
        frame_rate: Nominal frames per second; None where unknown.
        start_s: What is zero in the file, in seconds of the pictures' clock.
        audio_path: The input, whose sound is brought over; None for none.
    """

    def __init__(
        self,
        file: PartFile,
        video_format: VideoFormat,
        *,
        frame_rate: Fraction | None = None,
        start_s: Fraction = Fraction(0),
        audio_path: Path | None = None,
    ) -> None:
        self._file = file
        self._format = video_format
        self._frame_rate = frame_rate
        self._start_s = start_s
        self._audio_path = audio_path
        codec = video_format.codec
        self._converter = PictureConverter(
            codec.pixel_format, even=codec.needs_even_size, name=file.target.name
        )
        self._muxer: Muxer | None = None
        self._closed = False

    def write(self, picture: Picture, *, pts: int, time_base: Fraction) -> None:
        """Add a picture, and the sound up to it.

        Args:
            picture: See `stream.sinks.writer.Writer`.
            pts: Presentation time in units of `time_base`, greater than the one before.
            time_base: Seconds per unit, the same for all pictures.

        Raises:
            OutputError: The disk is full, or the encoder refuses the picture.
        """
        frame = self._converter.frame(picture)
        frame.pts, frame.time_base = pts, time_base
        try:
            with errors_name(self._file.target):
                if self._muxer is None:
                    self._muxer = Muxer(
                        self._file.path,
                        self._format,
                        frame,
                        frame_rate=self._frame_rate,
                        start_s=self._start_s,
                        audio_path=self._audio_path,
                    )
                self._muxer.write(frame)
        except OutputError:
            self._salvage()
            raise

    def close(self) -> None:
        """Complete the file; where no picture was written there is none.

        Raises:
            OutputError: The disk is full.
        """
        if self._closed:
            return
        self._closed = True
        if self._muxer is None:
            self._file.discard()
            return
        try:
            with errors_name(self._file.target):
                self._muxer.finish()
        except OutputError:
            self._salvage()
            raise
        try:
            if self._format.container.is_mp4 and self._format.encoding.faststart:
                self._move_index_to_front()
        finally:  # complete it is anyway, even if that is interrupted
            self._file.commit()

    def _move_index_to_front(self) -> None:
        try:
            mp4.move_index_to_front(self._file.path)
        except (av.FFmpegError, OSError) as error:
            name = self._file.target.name
            _log.warning("%s: its index stays at its end: %s", name, error.strerror)

    def _salvage(self) -> None:
        """Keep what can be played of a file that cannot be completed."""
        self._closed = True
        if self._muxer:
            self._muxer.abandon()
        path = self._file.path
        with contextlib.suppress(OSError):  # the disk may be gone
            if self._format.container.is_mp4:
                mp4.cut_torn_fragment(path)
            if path.stat().st_size:
                _log.warning("what was complete by then is in %s", path)
            else:
                self._file.discard()
