"""What is done to an MP4 or MOV file after FFmpeg has closed it, or could not."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

import av


def move_index_to_front(path: Path) -> None:
    """Rewrite a file so that its index comes first and players can start before they have it all.

    The packets stay as they are, and so do their times. The old file is replaced in one step;
    where that fails it is left alone.

    Raises:
        av.FFmpegError: There is no space for a second copy.
    """
    copy = path.with_name(f"{path.stem}.index{path.suffix}")
    try:
        with (
            av.open(str(path)) as old,
            av.open(str(copy), "w", options={"movflags": "+faststart"}) as new,
        ):
            streams = {}
            for stream in old.streams:
                twin = streams[stream.index] = new.add_stream_from_template(stream)
                twin.codec_context.codec_tag = stream.codec_context.codec_tag  # the ProRes variant
                twin.metadata.update(stream.metadata)
            for packet in old.demux():
                if packet.dts is not None:  # None: the demuxer's end mark
                    packet.stream = streams[packet.stream.index]
                    new.mux(packet)
        copy.replace(path)
    finally:
        copy.unlink(missing_ok=True)


def cut_torn_fragment(path: Path) -> None:
    """Cut what lies behind the last complete fragment of a file that could not be closed."""
    with path.open("r+b") as file:
        boxes = _complete_boxes(file)
        kinds = {kind for kind, _ in boxes}
        if b"moof" in kinds:
            file.truncate(max(end for kind, end in boxes if kind in {b"moov", b"mdat"}))
        elif not {b"moov", b"mdat"} <= kinds:  # neither a fragment nor a file that was closed
            file.truncate(0)


def _complete_boxes(file: BinaryIO) -> list[tuple[bytes, int]]:
    """Type and end offset of each top-level box that lies in the file as a whole."""
    size = file.seek(0, os.SEEK_END)
    boxes, start = [], 0
    while start + 16 <= size:
        file.seek(start)
        length, kind, long_length = struct.unpack(">I4sQ", file.read(16))
        start += long_length if length == 1 else length
        if start > size or length == 0:
            break
        boxes.append((kind, start))
    return boxes
