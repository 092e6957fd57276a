"""Looks into a clip without going through all of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stream.errors import InputError
from stream.frame import Image
from stream.sources.decode import ImageConverter, open_container, video_stream

OPTIONS = {"protocol_whitelist": "file", "format_whitelist": "mov,mp4,matroska,webm,avi,mpegts"}
"""Somebody else's file is a plain video, and leads to no other one."""

_TOLERANCE_S = 0.001
_EARLIER_S = 1.0
"""Where frames are stored in another order than shown, the keyframe sought may come too late."""


def picture_at(clip: Path, time_s: float) -> Image:
    """The picture that a player shows at a moment; the last one after the end.

    Args:
        clip: A clip that can be sought in; it may be somebody else's.
        time_s: The moment in seconds.

    Returns:
        (H, W, 3) uint8 BGR, upright.

    Raises:
        InputError: It is not a video, or nothing in it can be decoded.
    """
    with _opened(clip) as (container, stream):
        assert stream.time_base is not None
        container.seek(max(0, int((time_s - _EARLIER_S) / stream.time_base)), stream=stream)
        shown: VideoFrame | None = None
        for frame in container.decode(stream):
            if shown is not None and frame.time is not None and frame.time > time_s + _TOLERANCE_S:
                break
            shown = frame
        if shown is None:
            raise InputError(f"no picture of {clip.name} can be decoded", hint="it may be damaged")
        return ImageConverter(stream, name=clip.name).image(shown)


def count_frames(clip: Path, *, at_most: int) -> int:
    """How many frames a clip has, without decoding them.

    Args:
        clip: It may be somebody else's.
        at_most: Where to stop counting.

    Raises:
        InputError: It is not a video.
    """
    with _opened(clip) as (container, stream):
        packets = (packet for packet in container.demux(stream) if packet.size)
        return sum(1 for _ in islice(packets, at_most))


@contextlib.contextmanager
def _opened(clip: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    container = open_container(str(clip), name=clip.name, options=OPTIONS)
    with contextlib.closing(container):
        yield container, video_stream(container, name=clip.name)
