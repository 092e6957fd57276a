"""From the packets of a container to upright pictures, by PyAV."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from fractions import Fraction

import av
import cv2
import numpy as np
from av.codec.context import ThreadType
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from stream.compositing.yuv import name_matrix, yuv_picture
from stream.errors import InputError
from stream.frame import Image, Picture
from stream.packets import read_packets
from stream.sources.orientation import UPRIGHT, orientation

DECODER_THREADS = 2
"""Threads that FFmpeg may use to decode one input; the cores are for the matting."""

MAX_FAULTS = 100
"""Packets in a row that may fail to decode before the input counts as unreadable."""

MAX_FRAME_RATE = 500
"""More frames per second are no rate: some containers give that of their clock, such as 1000."""

_WITHOUT_BIAS = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""swscale's slow way to BGR: its fast one is a level too dark."""

_log = logging.getLogger(__name__)


def open_container(
    address: object,
    *,
    name: str,
    options: Mapping[str, str],
    timeout_s: tuple[float, float] | None = None,
    hint: str = "it may be damaged or of another kind",
) -> InputContainer:
    """Open a path, an address or a file-like object for reading.

    Args:
        address: What PyAV opens.
        name: What messages call it; an address may hold a password, so it is never quoted.
        options: For the demuxer, the protocol and the probing decoders.
        timeout_s: For opening, and for each read.
        hint: What to do if it cannot be opened.

    Raises:
        InputError: It cannot be reached or is of no known format.
    """
    try:
        return av.open(
            address, "r", options=dict(options), timeout=timeout_s, metadata_errors="replace"
        )
    except av.error.ExitError as error:
        raise InputError(f"{name} did not answer in time", hint=hint) from error
    except (av.error.InvalidDataError, av.error.ArgumentError) as error:
        raise InputError(f"{name} is not a video that can be read", hint=hint) from error
    except av.FFmpegError as error:
        raise InputError(f"cannot open {name}: {error.strerror}", hint=hint) from error


def video_stream(container: InputContainer, *, name: str, live: bool = False) -> VideoStream:
    """The main video stream, set up for decoding.

    Args:
        container: Open for reading.
        name: For messages.
        live: Whether every frame is wanted as soon as its packet is there. Threads that decode
            several frames at a time would hold each of them back.

    Raises:
        InputError: There is none (a cover picture is none), or no decoder for it.
    """
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream) or stream.disposition & Disposition.attached_pic:
        raise InputError(f"{name} has no video stream", hint="is it a sound file?")
    if stream.codec_context is None:
        raise InputError(f"no decoder for the video in {name}", hint="convert it to H.264 first")
    stream.thread_type = ThreadType.SLICE if live else ThreadType.AUTO
    stream.thread_count = DECODER_THREADS
    return stream


def frame_rate(stream: VideoStream) -> Fraction | None:
    """The nominal frame rate; None where the stream says none that a camera could have."""
    for rate in (stream.guessed_rate, stream.average_rate):
        if rate and 1 <= rate <= MAX_FRAME_RATE:
            return Fraction(rate)
    return None


class Decoder:
    """Decodes a stream, steps over damage and keeps count of it.

    Attributes:
        packets: Packets read so far.
        frames: Frames decoded so far.
        faults: Packets that could not be decoded so far.
        read_error: Why reading ended before the end of the input; None where it did not.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        *,
        name: str,
        closing: threading.Event,
    ) -> None:
        self._container = container
        self._stream = stream
        self._name = name
        self._closing = closing
        self.packets = 0
        self.frames = 0
        self.faults = 0
        self.read_error: av.FFmpegError | None = None

    def __iter__(self) -> Iterator[VideoFrame]:
        """Yield frames in presentation order.

        Raises:
            InputError: Nothing could be decoded from `MAX_FAULTS` packets in a row.
        """
        in_a_row = 0
        for packet in self._read_packets():
            if self._closing.is_set():
                return
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError as error:
                self.faults += 1
                in_a_row += 1
                if in_a_row == MAX_FAULTS:
                    raise InputError(
                        f"{self._name} is damaged: {in_a_row} packets in a row cannot be decoded"
                    ) from error
                continue
            if frames:
                in_a_row = 0
            self.frames += len(frames)
            yield from frames

    def _read_packets(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield every packet, then None, which flushes the decoder."""
        try:
            for packet in read_packets(self._container, [self._stream]):
                self.packets += 1
                yield packet
        except av.FFmpegError as error:
            self.read_error = error
        yield None


class ImageConverter:
    """Turns decoded frames into upright pictures with square pixels, all of one size.

    The first frame decides the size. The stream's own matrix (BT.601, BT.709, BT.2020) and range
    are honoured; see `stream.compositing.yuv.name_matrix` for where it names none.
    """

    def __init__(self, stream: VideoStream, *, name: str) -> None:
        self._name = name
        self._aspect = float(stream.sample_aspect_ratio or 1)
        self._tagged_matrix, self._tagged_transfer = stream.colorspace, stream.color_trc
        self._reformatter = VideoReformatter()
        self._size_wh: tuple[int, int] | None = None
        self._rotation: int | None = None
        self._orientation = UPRIGHT

    def size_wh(self, first: VideoFrame) -> tuple[int, int]:
        """Width and height of all pictures, which the first frame decides."""
        return self._look_at(first)

    def picture(self, frame: VideoFrame) -> Picture:
        """One frame in 4:2:0, if it is upright and can be; else converted to BGR."""
        size_wh = self._look_at(frame)
        fits = self._orientation == UPRIGHT and size_wh == (frame.width, frame.height)
        picture = yuv_picture(frame) if fits else None
        return self.image(frame) if picture is None else picture

    def image(self, frame: VideoFrame) -> Image:
        """Convert one frame to BGR; the picture is contiguous and nobody else's."""
        size_wh = self._look_at(frame)
        yuv = yuv_picture(frame)
        image = self._other_colours(frame) if yuv is None else yuv.to_image()
        image = self._orientation.upright(image)
        if image.shape[1::-1] != size_wh:
            resized = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
            return np.asarray(resized, np.uint8)
        return np.ascontiguousarray(image)

    def _other_colours(self, frame: VideoFrame) -> Image:
        bgr = self._reformatter.reformat(
            frame, format="bgr24", threads=1, interpolation=_WITHOUT_BIAS
        )
        return np.asarray(bgr.to_ndarray(), np.uint8)

    def _look_at(self, frame: VideoFrame) -> tuple[int, int]:
        """See to the frame's matrix and learn which way it is up; returns the size of all pictures.

        A frame whose side data was looked at is in a cycle and stays in memory until Python looks
        for those, so that is done only where the rotation changes.
        """
        name_matrix(frame, self._tagged_matrix)
        if self._rotation != frame.rotation:
            self._rotation, self._orientation = frame.rotation, orientation(frame)
        if self._size_wh is None:
            self._size_wh = self._first_size(frame, turned=self._orientation.turned)
            self._warn_of_hdr(frame)
        return self._size_wh

    def _warn_of_hdr(self, frame: VideoFrame) -> None:
        """As the frame names its transfer; the container's tag counts where that names none."""
        is_silent = frame.color_trc == ColorTrc.UNSPECIFIED
        transfer = self._tagged_transfer if is_silent else frame.color_trc
        if transfer in {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}:
            _log.warning("%s is HDR: its colours will look flat", self._name)

    def _first_size(self, frame: VideoFrame, *, turned: bool) -> tuple[int, int]:
        aspect = min(max(self._aspect, 0.25), 4.0)
        width = round(frame.width * max(aspect, 1.0))
        height = round(frame.height / min(aspect, 1.0))
        return (height, width) if turned else (width, height)
