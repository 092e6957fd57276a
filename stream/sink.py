"""What takes finished frames, and the doors through which files for them are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from stream.closing import Closing
from stream.frame import CompositedFrame, Picture
from stream.sinks.codecs import Content, Encoding
from stream.sinks.writer import Writer, open_writer
from stream.source import SourceInfo


class Sink(Protocol):
    """Takes composited frames in presentation order, from one thread."""

    @property
    def stopped(self) -> bool:
        """Whether the user wants no more: closed the window, pressed q."""

    def write(self, frame: CompositedFrame) -> None:
        """Take a frame.

        Raises:
            StreamError: It cannot be delivered.
        """

    def idle(self) -> None:
        """Called while no frame is ready: a window answers its keys."""

    def close(self) -> None:
        """Finish; more than once does no harm.

        Raises:
            StreamError: What was written cannot be finished.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class NullSink(Closing):
    """Takes everything and keeps nothing: for measuring."""

    stopped = False

    def write(self, frame: CompositedFrame) -> None:
        """Do nothing."""

    def idle(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class FileSink(NullSink):
    """Writes one of the pictures that a composited frame holds.

    Args:
        writer: Where it goes.
        picture: Which one it is.
    """

    def __init__(self, writer: Writer, picture: Callable[[CompositedFrame], Picture]) -> None:
        self._writer = writer
        self._picture = picture
        self._closed = False

    def write(self, frame: CompositedFrame) -> None:
        """Write the picture.

        Raises:
            OutputError: The disk is full, or the picture does not fit the file.
        """
        timing = frame.frame
        self._writer.write(self._picture(frame), pts=timing.pts, time_base=timing.time_base)

    def close(self) -> None:
        """Complete the file; where nothing was written there is none.

        Raises:
            OutputError: The disk is full.
        """
        if not self._closed:
            self._closed = True
            self._writer.close()


def open_sink(
    spec: str,
    info: SourceInfo,
    *,
    transparent: bool = False,
    overwrite: bool = False,
    inputs: Sequence[Path] = (),
    names: Sequence[str] | None = None,
    encoding: Encoding = Encoding(),  # noqa: B008  frozen, so safe to share
) -> Sink:
    """Open a file for the composites of a source.

    Args:
        spec: A video (.mp4, .mov, .mkv, .webm), a picture (.png, .webp, .jpg), a folder for a
            sequence of PNG files ("frames/"), or "none".
        info: The source. A video file's sound is brought over.
        transparent: The composites have alpha, which .mp4, .mkv and .jpg cannot hold.
        overwrite: Whether what exists may be replaced.
        inputs: Files and folders that are never replaced; the source's own file is one anyway.
        names: The source's picture files, by `pts`; those in a folder are named after them.
        encoding: Changes to the settings of `stream.sinks.codecs`.

    Raises:
        OutputError: The place cannot be written to, or holds no such content.
    """
    if spec == "none":
        return NullSink()
    content = Content.TRANSPARENT if transparent else Content.OPAQUE
    writer = open_writer(
        spec, info, content, overwrite=overwrite, inputs=inputs, names=names, encoding=encoding
    )
    return FileSink(writer, lambda frame: frame.picture)


def open_matte_sink(
    spec: str,
    info: SourceInfo,
    *,
    overwrite: bool = False,
    inputs: Sequence[Path] = (),
    names: Sequence[str] | None = None,
    encoding: Encoding = Encoding(),  # noqa: B008  frozen, so safe to share
) -> Sink:
    """Open a file for the mattes of a source, as grey pictures without sound.

    The arguments and errors are those of `open_sink`, except that `crf` and `preset` do not apply:
    a matte is written as exactly as its format can.
    """
    writer = open_writer(
        spec,
        info,
        Content.MATTE,
        overwrite=overwrite,
        inputs=inputs,
        names=names,
        encoding=replace(encoding, crf=None, preset=None),
    )
    return FileSink(writer, lambda frame: frame.matted.alpha)
