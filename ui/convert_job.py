"""Puts the people of a clip before another background, with one model, as fast as it goes."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from stream.background import open_background
from stream.frame import CompositedFrame, Image
from stream.pipeline import composited_frames
from stream.sink import Sink, open_matte_sink, open_sink
from stream.source import Source, SourceInfo, open_source
from stream.stats import StageClock
from ui.progress import Progress, Ticker, expected_frames
from ui.task import Task, open_model

_REQUESTS = 3
"""Frames in the network at a time: more of them per second than one after the other."""


class Format(StrEnum):
    """What is written; the value is what the page calls it."""

    MP4 = "MP4 video"
    MOV = "MOV with transparency"
    WEBM = "WebM with transparency"
    MATTE = "Matte only (MP4)"


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
        stop: Ends the work when set.
        max_frames: How many frames are converted.

    Returns:
        The file; None if the work was stopped.

    Raises:
        StreamError: The clip, the background, the model or the disk will not do.
    """
    clock, ticker = StageClock(), Ticker()
    with contextlib.ExitStack() as resources:
        source = resources.enter_context(open_source(str(task.clip), untrusted=True))
        file, sink = _open_output(output, folder, source.info)
        resources.enter_context(sink)
        frames = resources.enter_context(_frames(source, model, task, output, clock, stop))
        total = expected_frames(source.info)
        started_s = time.perf_counter()
        for frame in islice(frames, max_frames):
            sink.write(frame)
            clock.deliver(frame.frame.captured_at)
            if ticker.is_due():
                seconds = (time.perf_counter() - started_s) / clock.delivered
                left = None if total is None else max(0, total - clock.delivered) * seconds
                picture = _shown(frame, output) if ticker.picture_is_due(0) else None
                yield Progress(0, clock.delivered, total, left, (picture, None))
    seconds = time.perf_counter() - started_s
    return None if stop.is_set() else Converted(file, clock.delivered, seconds)


@contextlib.contextmanager
def _frames(
    source: Source,
    model: str | Path,
    task: Task,
    output: Format,
    clock: StageClock,
    stop: threading.Event,
) -> Iterator[Iterator[CompositedFrame]]:
    """The composited frames, with everything open that makes them."""
    transparent = output in (Format.MOV, Format.WEBM)
    background = open_background("transparent" if transparent else task.background, untrusted=True)
    with contextlib.closing(background):
        predictor = open_model(model, device=task.device, size=task.size, requests=_REQUESTS)
        with contextlib.closing(predictor):
            frames = composited_frames(source, predictor, background, clock=clock, stop=stop)
            with contextlib.closing(frames):
                yield frames


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
    return file, open_sink(str(file), info, transparent=suffix != ".mp4")
