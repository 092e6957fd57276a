"""Puts the people of a clip before another background, with one model, as fast as it goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from stream.frame import CompositedFrame, Image
from stream.sink import Sink, open_matte_sink, open_sink
from stream.source import SourceInfo
from stream.stats import StageClock
from ui.progress import Progress, Ticker, expected_frames, time_left_s
from ui.task import Task, open_tools

_REQUESTS = 3
"""Frames in the network at a time: more of them per second than one after the other."""


class Format(StrEnum):
    """What is written; the value is what the page calls it."""

    MP4 = "MP4 video"
    MOV = "MOV with transparency"
    WEBM = "WebM with transparency"
    MATTE = "Matte only (MP4)"

    @property
    def is_transparent(self) -> bool:
        """Whether people are cut out rather than put before something."""
        return self in (Format.MOV, Format.WEBM)


@dataclass(frozen=True)
class Converted:
    """A finished file.

    Attributes:
        file: Where it is.
        frames: Pictures in it.
        seconds: How long it took.
    """

    file: Path
    frames: int
    seconds: float


def run_conversion(
    model: str | Path,
    task: Task,
    output: Format,
    folder: Path,
    *,
    stop: threading.Event,
    max_frames: int,
) -> Generator[Progress, None, Converted | None]:
    """Convert a clip; yields at least four times a second, and can be closed at any yield.

    Args:
        model: A name or a path; see `ui.task.open_model`.
        task: What it is to do.
        output: What to write; with transparency the task's background does not matter.
        folder: Where to write.
        stop: Ends the work when set; then nothing is returned.
        max_frames: How many frames are converted.

    Raises:
        StreamError: The clip, the background, the model or the disk will not do.
    """
    if output.is_transparent:
        task = replace(task, background="transparent")
    ticker, done = Ticker(), 0
    with contextlib.ExitStack() as opened:
        tools = opened.enter_context(open_tools(model, task, requests=_REQUESTS))
        file, sink = _open_output(output, folder, tools.source.info)
        opened.enter_context(sink)
        frames = tools.frames(tools.source, clock=StageClock(), stop=stop)
        opened.enter_context(contextlib.closing(frames))
        total, started_s = expected_frames(tools.source.info), time.perf_counter()
        for done, frame in enumerate(islice(frames, max_frames), 1):
            sink.write(frame)
            if ticker.is_due():
                picture = _shown(frame, output) if ticker.picture_is_due(0) else None
                left_s = time_left_s(done, total, time.perf_counter() - started_s)
                yield Progress(0, done, total, left_s, (picture, None))
    seconds = time.perf_counter() - started_s
    return None if stop.is_set() else Converted(file, done, seconds)


def _shown(frame: CompositedFrame, output: Format) -> Image:
    if output is Format.MP4:
        return frame.image
    return np.asarray(cv2.cvtColor(frame.matted.alpha, cv2.COLOR_GRAY2BGR), np.uint8)


def _open_output(output: Format, folder: Path, info: SourceInfo) -> tuple[Path, Sink]:
    name = Path(info.name).stem or "clip"
    if output is Format.MATTE:
        file = folder / f"{name}-matte.mp4"
        return file, open_matte_sink(str(file), info)
    suffix = {Format.MP4: ".mp4", Format.MOV: ".mov", Format.WEBM: ".webm"}[output]
    file = folder / f"{name}-composite{suffix}"
    return file, open_sink(str(file), info, transparent=output.is_transparent)
