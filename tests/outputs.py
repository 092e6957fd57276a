"""Makes composited frames for sinks, and reads back what they wrote."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from stream.frame import CompositedFrame, Frame, MattedFrame
from stream.sink import open_sink
from stream.sinks.codecs import Encoding
from stream.source import SourceInfo, open_source

TIME_BASE = Fraction(1, 90_000)
FRAME_TICKS = 3_000
ONE_THREAD = Encoding(threads=1)
NOISY_INFO = SourceInfo("noise", (160, 128), TIME_BASE, frame_rate=Fraction(5))
NOISY = Encoding(crf=20, preset="ultrafast", threads=1)
INFO = SourceInfo("made", size_wh=(64, 48), time_base=TIME_BASE, frame_rate=Fraction(30))


def composited(
    image: NDArray[np.uint8],
    *,
    pts: int = 0,
    time_base: Fraction = TIME_BASE,
    alpha: NDArray[np.uint8] | None = None,
) -> CompositedFrame:
    """A composite of `image` (BGR or BGRA); the matte is all background where none is given."""
    if alpha is None:
        alpha = np.zeros(image.shape[:2], np.uint8)
    frame = Frame(np.ascontiguousarray(image[..., :3]), pts, time_base, captured_at=0.0)
    return CompositedFrame(image, MattedFrame(frame, alpha))


def grey_frames(count: int, *, first_pts: int = 0) -> Iterator[CompositedFrame]:
    """Frames of one grey, in 30 frames per second."""
    for index in range(count):
        image = np.full((48, 64, 3), 5 * index % 256, np.uint8)
        yield composited(image, pts=first_pts + FRAME_TICKS * index)


def noisy_frames(count: int, *, size_wh: tuple[int, int] = (160, 128)) -> Iterator[CompositedFrame]:
    """Frames that need 15 kB each with `NOISY`, a keyframe in every ten."""
    random = np.random.default_rng(0)
    for index in range(count):
        image = random.integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)
        yield composited(image, pts=FRAME_TICKS * index)


def soft_disc(size_wh: tuple[int, int], index: int = 0) -> NDArray[np.uint8]:
    """A matte with a wide soft edge, a little further right with each `index`."""
    matte = np.zeros(size_wh[::-1], np.uint8)
    centre = size_wh[0] // 3 + index, size_wh[1] // 2
    cv2.circle(matte, centre, size_wh[1] // 4, 255, thickness=-1)
    return np.asarray(cv2.GaussianBlur(matte, (0, 0), 3), np.uint8)


def convert(source: Path, target: Path, *, skip: int = 0, end: int | None = None) -> Path:
    """Write the frames of a clip as they are, from number `skip` to before number `end`."""
    with (
        open_source(str(source)) as frames,
        open_sink(str(target), frames.info, encoding=ONE_THREAD) as sink,
    ):
        for frame in itertools.islice(frames, skip, end):
            alpha = np.zeros(frame.image.shape[:2], np.uint8)
            sink.write(CompositedFrame(frame.image, MattedFrame(frame, alpha)))
    return target


def pictures(path: Path, *, decoder: str | None = None) -> list[VideoFrame]:
    """All decoded frames; FFmpeg's own VP9 decoder loses alpha, "libvpx-vp9" keeps it."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if decoder is None:
            return list(container.decode(stream))
        context = av.VideoCodecContext.create(decoder, "r")
        packets = [packet for packet in container.demux(stream) if packet.size]
        frames = [frame for packet in packets for frame in context.decode(packet)]
        return frames + context.decode(None)


def times(path: Path) -> list[Fraction]:
    """When each picture is shown, in seconds."""
    return [frame.pts * frame.time_base for frame in pictures(path)]


def sound(path: Path) -> list[list[tuple[Fraction, bytes]]]:
    """Time in seconds and content of the packets of each audio stream."""
    with av.open(str(path)) as container:
        tracks: dict[int, list[tuple[Fraction, bytes]]] = {
            stream.index: [] for stream in container.streams.audio
        }
        if not tracks:
            return []
        for packet in container.demux(container.streams.audio):
            if packet.pts is not None:
                begin = packet.pts * packet.time_base
                tracks[packet.stream.index].append((begin, bytes(packet)))
        return list(tracks.values())


def boxes(path: Path) -> list[str]:
    """The types of the top-level boxes of an MP4."""
    data, start, kinds = path.read_bytes(), 0, []
    while start < len(data):
        kinds.append(data[start + 4 : start + 8].decode("latin1"))
        start += int.from_bytes(data[start : start + 4], "big")
    return kinds


@contextmanager
def disk_that_holds(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes."""
    resource = __import__("resource")  # not on Windows
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder: Path) -> list[str]:
    """What a folder holds, sorted."""
    return sorted(os.listdir(folder))  # noqa: PTH208  names only
