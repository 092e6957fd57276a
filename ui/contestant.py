"""One model at work on a clip: its own decoder, background, output file and clock."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator, Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Self

from stream.background import open_background
from stream.frame import CompositedFrame, Frame, Image
from stream.pipeline import composited_frames
from stream.report import RunReport, make_report
from stream.sink import open_sink
from stream.source import SourceInfo, open_source
from stream.stats import StageClock
from ui.task import Task, open_model

WARM_UP_FRAMES = 3
"""Mattes made before the clock runs: the first compiles the network, the next fill the caches."""


class Contestant:
    """Works on a clip in turns, so that another model can have its turns in between.

    What runs in a turn is the pipeline of `run_stream.py`, and its clock stands still between the
    turns: the numbers are those of a run alone.

    Args:
        model: A name or a path; see `ui.task.open_model`.
        task: What it is to do.
        target: The file for its composites.

    Raises:
        StreamError: Something cannot be opened; what was open before is closed again.
    """

    def __init__(self, model: str | Path, task: Task, target: Path) -> None:
        self._clock = StageClock()
        self._wall_s = self._cpu_s = 0.0
        with contextlib.ExitStack() as resources:
            self._source = resources.enter_context(open_source(str(task.clip), untrusted=True))
            self._background = open_background(task.background, untrusted=True)
            resources.callback(self._background.close)
            # One frame in the network at a time, as for a camera: only then is there such a thing
            # as the time that it takes for a frame.
            self._predictor = open_model(model, device=task.device, size=task.size, requests=1)
            resources.callback(self._predictor.close)
            self._sink = resources.enter_context(open_sink(str(target), self._source.info))
            self._resources = resources.pop_all()
        self._frames = iter(self._source)

    @property
    def info(self) -> SourceInfo:
        """What is known about the clip."""
        return self._source.info

    @property
    def done(self) -> int:
        """Frames finished so far."""
        return self._clock.delivered

    @property
    def seconds_per_frame(self) -> float:
        """Mean time for a frame so far; 0 before the first."""
        return self._wall_s / self.done if self.done else 0.0

    def warm_up(self, image: Image) -> Iterator[None]:
        """Make a few mattes that do not count, yielding after each."""
        for _ in range(WARM_UP_FRAMES):
            self._predictor.predict(image)
            yield

    def turn(self, count: int, stop: threading.Event) -> Generator[CompositedFrame, None, None]:
        """Work on up to `count` further frames, yielding each when it is in the output file."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        frames = composited_frames(
            _Share(self.info, islice(self._frames, count)),
            self._predictor,
            self._background,
            clock=self._clock,
            stop=stop,
        )
        with contextlib.closing(frames):
            for frame in frames:
                with self._clock.time("output"):
                    self._sink.write(frame)
                self._clock.deliver(frame.frame.captured_at)
                yield frame
        self._count(wall_s, cpu_s)

    def finish(self) -> RunReport:
        """Complete the output file and tell how the work went."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        self._sink.close()
        self._count(wall_s, cpu_s)
        return make_report(
            self.info,
            self._predictor,
            self._clock,
            interrupted=False,
            wall_s=self._wall_s,
            cpu_s=self._cpu_s,
        )

    def close(self) -> None:
        """Close everything that is open."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _count(self, wall_s: float, cpu_s: float) -> None:
        self._wall_s += time.perf_counter() - wall_s
        self._cpu_s += time.process_time() - cpu_s


class _Share:
    """A few of a source's frames, as a source; closing it leaves the others where they are."""

    def __init__(self, info: SourceInfo, frames: Iterator[Frame]) -> None:
        self.info = info
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Nothing of its own is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
