"""Completes what a browser has recorded: such a file does not tell how long it is."""

from __future__ import annotations

import contextlib
from pathlib import Path

import av
from av.container import InputContainer

from stream.sources.decode import open_container
from ui.peek import OPTIONS


def completed(recording: Path) -> Path:
    """Write a recording anew with its length, so that players show it and can seek in it.

    Nothing is decoded.

    Args:
        recording: A video that somebody else made. It stays, as their browser may be playing it.

    Returns:
        The new file, beside the old one; the old one where it tells its length already, or where
        its kind of file cannot hold what is in it.

    Raises:
        InputError: It is not a video.
    """
    whole = recording.with_stem(f"{recording.stem}-whole")
    container = open_container(str(recording), name=recording.name, options=OPTIONS)
    with contextlib.closing(container):
        if container.duration is not None:
            return recording
        try:
            _copy(container, whole)
        except (av.FFmpegError, ValueError):
            whole.unlink(missing_ok=True)
            return recording
    return whole


def _copy(source: InputContainer, target: Path) -> None:
    """Copy the pictures and the sound as they are."""
    with av.open(target, "w") as sink:
        copies = {
            stream.index: sink.add_stream_from_template(stream)
            for stream in (*source.streams.video, *source.streams.audio)
        }
        for packet in source.demux([source.streams[index] for index in copies]):
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                sink.mux(packet)
