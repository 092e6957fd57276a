"""One model at work on a clip: its own decoder, background, output file and clock."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from stream.frame import CompositedFrame, Frame, Image
from stream.matting import MattePredictor
from stream.report import RunReport, make_report
from stream.sink import Sink, open_sink
from stream.source import Source
from stream.sources.closable import ClosableSource
from stream.stats import StageClock
from ui.progress import time_left_s
from ui.task import Task, open_tools

WARM_UP_FRAMES = 3
"""Mattes made before the clock runs: the first compiles the network, the next fill the caches."""

_POLL_S = 0.1


class Contestant:
    """Works on a clip in turns, so that another model can have its turns in between.

    What works is the pipeline of `run_stream.py`, and its clock stands still between the turns: the
    numbers are those of a run alone.

    Args:
        source: The clip.
        predictor: The model.
        frames: Its composites.
        sink: The file for them.
        meter: Measures the turns.
    """

    def __init__(
        self,
        source: TurnSource,
        predictor: MattePredictor,
        frames: Iterator[CompositedFrame],
        sink: Sink,
        meter: Meter,
    ) -> None:
        self.info = source.info
        self._source = source
        self._predictor = predictor
        self._frames = frames
        self._sink = sink
        self._meter = meter

    @property
    def done(self) -> int:
        """Frames finished so far."""
        return self._meter.clock.delivered

    def time_left_s(self, total: int | None) -> float | None:
        """Seconds that it will still need for `total` frames; None while nobody knows."""
        return time_left_s(self.done, total, self._meter.now())

    def warm_up(self, image: Image) -> Iterator[None]:
        """Make a few mattes that do not count, yielding after each."""
        for _ in range(WARM_UP_FRAMES):
            self._predictor.predict(image)
            yield

    def turn(self, count: int) -> Generator[CompositedFrame, None, None]:
        """Work on up to `count` further frames, yielding each when it is in the output file."""
        clock = self._meter.clock
        self._source.allow(count)
        with self._meter.running():
            for frame in islice(self._frames, count):
                with clock.time("output"):
                    self._sink.write(frame)
                clock.deliver(frame.frame.captured_at)
                yield frame

    def finish(self) -> RunReport:
        """Complete the output file and tell how the work went."""
        with self._meter.running():
            self._sink.close()
        return make_report(
            self.info,
            self._predictor,
            self._meter.clock,
            interrupted=False,
            wall_s=self._meter.now(),
            cpu_s=self._meter.cpu_s,
        )


@contextlib.contextmanager
def open_contestant(
    model: str | Path, task: Task, target: Path, *, stop: threading.Event
) -> Iterator[Contestant]:
    """Open all that a model needs, until the end of the `with` block.

    Args:
        model: A name or a path; see `ui.task.open_model`.
        task: What it is to do.
        target: The file for its composites.
        stop: Ends the work when set.

    Raises:
        StreamError: Something cannot be opened.
    """
    meter = Meter()
    # One frame in the network at a time, as for a camera: only then is there such a thing as the
    # time that it takes for a frame.
    with (
        open_tools(model, task, requests=1, on_inference=meter.infer) as tools,
        open_sink(str(target), tools.source.info) as sink,
    ):
        source = TurnSource(tools.source, now=meter.now)
        frames = tools.frames(source, clock=meter.clock, stop=stop)
        with contextlib.closing(frames):
            yield Contestant(source, tools.predictor, frames, sink, meter)


class Meter:
    """Measures what happens while it runs, and nothing else.

    Attributes:
        clock: Stands still while the meter does not run.
        cpu_s: Seconds of processor time in all threads.
    """

    def __init__(self) -> None:
        self.clock = StageClock(now=self.now)
        self.cpu_s = 0.0
        self._counted: tuple[float, float | None] = (0.0, None)
        """Seconds up to the latest start or end, and the moment of that start, if it runs."""

    def now(self) -> float:
        """For how many seconds it has run."""
        counted_s, since_s = self._counted
        return counted_s if since_s is None else counted_s + time.perf_counter() - since_s

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let it run for the `with` block."""
        cpu_s = time.process_time()
        self._counted = self.now(), time.perf_counter()
        yield
        self._counted = self.now(), None
        self.cpu_s += time.process_time() - cpu_s

    def infer(self, seconds: float) -> None:
        """Count an inference, unless it only warms the network up."""
        if self._counted[1] is not None:
            self.clock.infer(seconds)


class TurnSource(ClosableSource):
    """A source that gives only as many frames as it is told to, and then waits.

    Args:
        source: Where they come from; owned by this one.
        now: The clock by which they are captured.
    """

    def __init__(self, source: Source, *, now: Callable[[], float]) -> None:
        super().__init__()
        self.info = source.info
        self._source = source
        self._now = now
        self._allowed = threading.Semaphore(0)

    def allow(self, count: int) -> None:
        """Let so many more frames come."""
        self._allowed.release(count)

    def _read(self) -> Iterator[Frame]:
        frames = iter(self._source)
        while self._is_allowed() and (frame := next(frames, None)) is not None:
            yield replace(frame, captured_at=self._now())

    def _is_allowed(self) -> bool:
        """Wait until another frame may come; False when none will."""
        while not self._allowed.acquire(timeout=_POLL_S):
            if self._closing.is_set():
                return False
        return True

    def _release(self) -> None:
        self._source.close()
