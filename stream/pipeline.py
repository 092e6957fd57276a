"""The whole program on one page: capture, matte, composite, deliver."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice

from stream.background import Background
from stream.composite import Foreground, composite
from stream.errors import StreamError
from stream.frame import CompositedFrame, Frame, MattedFrame
from stream.inference.predictor import VideoPredictor
from stream.live.stand_in import nobody
from stream.report import RunReport, make_report
from stream.sink import Sink
from stream.sinks.tee import Tee
from stream.source import Source
from stream.stats import StageClock
from stream.steps import NamedStep
from stream.threads import Overflow, Workers

_log = logging.getLogger(__name__)


def composited_frames(
    source: Source,
    predictor: VideoPredictor,
    background: Background,
    *,
    steps: Sequence[NamedStep] = (),
    foreground: Foreground = Foreground.BLUR_FUSION,
    clock: StageClock,
    stop: threading.Event,
    on_idle: Callable[[], None] = lambda: None,
) -> Generator[CompositedFrame, None, None]:
    """Yield composited frames in presentation order, and close the source at the end.

    A live source may lose frames, and only before matting: the newest one wins.
    A file never loses one: every stage waits for the next.

    Args:
        source: Where the frames come from.
        predictor: Gives their mattes.
        background: What is put behind people.
        steps: What is done to the mattes, in this order; the clock counts each under its name.
        foreground: How the colour of people is found where the old background shines through.
        clock: Learns how long each stage takes and what is dropped.
        stop: Ends the frames when set, by whichever thread or signal handler.
        on_idle: Called again and again while no frame is ready.
    """
    live = source.info.is_live

    def matte(frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        if live:
            return mattes_or_nobody(frames, predictor, background)
        return predictor.mattes(frames)

    def compose(frames: Iterable[MattedFrame]) -> Iterator[CompositedFrame]:
        return composite(frames, background, foreground=foreground)

    with Workers(stop=stop) as workers, contextlib.closing(source):
        captured = workers.iterate(
            clock.timed_source("capture", source),
            name="capture",
            overflow=Overflow.DROP_OLDEST if live else Overflow.WAIT,
            on_drop=lambda frame: clock.drop(),
        )
        matted = workers.iterate(clock.timed_stage("matting", matte, captured), name="matting")
        for name, step in steps:
            matted = clock.timed_stage(name, step, matted)
        composited = clock.timed_stage("composite", compose, matted)
        yield from workers.iterate(composited, name="composite", on_idle=on_idle)


def mattes_or_nobody(
    frames: Iterable[Frame], predictor: VideoPredictor, background: Background
) -> Iterator[MattedFrame]:
    """Mattes for a live source. A frame that cannot be matted shows nobody, never the raw room."""
    problem = ""
    for frame in frames:
        try:
            matted = MattedFrame(frame, predictor.predict(frame.picture))
            problem = ""
        except StreamError:
            raise  # what only the user can mend ends the run
        except Exception as error:
            if problem != str(error):
                problem = str(error)
                _log.warning("matting failed, only the background is shown: %s", problem)
            matted = nobody(frame, background.placeholder(frame.size_wh))
        yield matted


def run(
    source: Source,
    predictor: VideoPredictor,
    background: Background,
    sinks: Sequence[Sink],
    *,
    steps: Sequence[NamedStep] = (),
    foreground: Foreground = Foreground.BLUR_FUSION,
    clock: StageClock | None = None,
    stop: threading.Event | None = None,
    max_frames: int | None = None,
    progress: Callable[[int], None] = lambda delivered: None,
) -> RunReport:
    """Deliver composited frames until the source ends, a sink is stopped or `stop` is set.

    The source and the sinks are closed at the end, whatever ends it: files are playable.

    Args:
        source: Where the frames come from.
        predictor: Gives their mattes.
        background: What is put behind people.
        sinks: Where composited frames go; written to by this thread, as windows demand.
        steps: See `composited_frames`.
        foreground: See there.
        clock: Measures the run; give one to look at it meanwhile.
        stop: Ends the run when set. A sink that is stopped sets it.
        max_frames: Ends the run after so many frames.
        progress: Called after each frame with the number of those delivered.

    Raises:
        StreamError: The source, the model, the background or a sink failed.
    """
    clock, stop = clock or StageClock(), stop or threading.Event()
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    sink = Tee(sinks, stop=stop)
    frames = composited_frames(
        source,
        predictor,
        background,
        steps=steps,
        foreground=foreground,
        clock=clock,
        stop=stop,
        on_idle=sink.idle,
    )
    with contextlib.closing(sink), contextlib.closing(frames):  # which ends its threads first
        for frame in islice(frames, max_frames):
            with clock.time("output"):
                sink.write(frame)
            clock.deliver(frame.frame.captured_at)
            progress(clock.delivered)
    return make_report(
        source.info,
        predictor,
        clock,
        interrupted=stop.is_set(),
        wall_s=time.perf_counter() - wall_s,
        cpu_s=time.process_time() - cpu_s,
    )
