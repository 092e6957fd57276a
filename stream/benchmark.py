"""How fast the models and the whole program are on this machine: `python -m stream.benchmark`."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, cast

from stream.bench.options import parse

# Of the rest nothing is imported up here: OpenVINO takes time that --help can spare.
if TYPE_CHECKING:
    from stream.background import Background
    from stream.bench.clip import ClipJob, ClipRun
    from stream.inference.predictor import VideoPredictor
    from stream.matting import MattePredictor
    from stream.sink import Sink
    from stream.source import Source


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parse(arguments)

    from stream.console import print_error, warnings_on_stderr
    from stream.errors import StreamError

    with warnings_on_stderr():
        try:
            if options.run_clip is not None:
                _report_clip(options.run_clip)
            else:
                _benchmark(options, sys.argv[1:] if arguments is None else arguments)
        except KeyboardInterrupt:
            return 130
        except Exception as error:
            if options.debug:
                raise
            print_error(error)
            return error.exit_code if isinstance(error, StreamError) else 1
    return 0


def _benchmark(options: argparse.Namespace, arguments: Sequence[str]) -> None:
    from stream.bench.picture import require_drawable, write_picture
    from stream.bench.results import write_results
    from stream.bench.suite import Suite
    from stream.bench.tables import print_results
    from stream.sinks.part_file import check_target

    for path in (options.json, options.picture):
        if path is not None:
            check_target(path, overwrite=options.force)
    if options.picture is not None:
        require_drawable(options.picture)
    command = shlex.join(["python", "-m", "stream.benchmark", *arguments])
    results = Suite(options, _say).run(command)
    print_results(results)
    if options.json is not None:
        write_results(options.json, results)
    if options.picture is not None:
        write_picture(options.picture, results)


def _say(text: str) -> None:
    print(f"measuring {text} …", file=sys.stderr)


def _report_clip(job: str) -> None:
    """Do a job of `stream.bench.clip` and print what that module reads."""
    from stream.allocator import reuse_memory
    from stream.bench.clip import ClipJob

    reuse_memory()
    result = run_clip(ClipJob.from_json(job), on_first_frame=lambda: print("{}", flush=True))
    print(json.dumps(asdict(result)))


def run_clip(job: ClipJob, *, on_first_frame: Callable[[], None]) -> ClipRun:
    """One run of the program, opened and run as `run_stream.py` does it.

    Args:
        job: What to do.
        on_first_frame: Called when the first frame has been delivered.

    Raises:
        StreamError: Something cannot be opened or fails.
    """
    from stream.bench.clip import ClipRun
    from stream.bench.endurance import Watch
    from stream.bench.machine import peak_memory_mb
    from stream.pipeline import run
    from stream.steps import StepOptions, matte_steps

    watch = Watch(job.max_frames or 0)
    meter = _Meter(job.seconds, on_first_frame, watch)
    with contextlib.ExitStack() as opened:
        parts = _open(job, opened)
        report = run(
            *parts,
            steps=matte_steps(StepOptions(), still=False),
            stop=meter.stop,
            max_frames=job.max_frames,
            progress=meter,
        )
        fps, cpu_ms = meter.rates(report.frames_out)
    return ClipRun(
        name=job.contender.name,
        clip=Path(job.clip).name,
        size=job.size,
        frame_size_wh=report.frame_size_wh,
        input_size_wh=report.input_size_wh,
        frames=report.frames_out,
        fps=fps,
        cpu_ms=cpu_ms,
        peak_memory_mb=peak_memory_mb(),
        latency=report.latency,
        stages=report.stages,
        start_cpu_s=meter.start_cpu_s,
        footprints=watch.footprints,
        dropped=report.frames_dropped,
        conditions=job.conditions,
    )


def _open(
    job: ClipJob, opened: contextlib.ExitStack
) -> tuple[Source, VideoPredictor, Background, list[Sink]]:
    from stream.background import open_background
    from stream.bench.endurance import RepeatedSource
    from stream.bench.peers import open_peer
    from stream.session import SessionOptions, open_paced_source, open_predictor, reusing
    from stream.sink import open_sink

    contender, size, threads = job.contender, job.size, job.threads
    options = SessionOptions(
        input=job.clip,
        output="virtual" if job.live else None,  # what is watched keeps its pace
        model=contender.model,
        size=size,
        threads=threads,
        skip=job.skip,
    )
    source: Source = (
        RepeatedSource(lambda: open_paced_source(options))
        if job.repeats
        else open_paced_source(options)
    )
    opened.enter_context(source)
    background = open_background(job.background)
    opened.callback(background.close)
    if contender.peer is None:
        network = open_predictor(options, source)
        predictor = reusing(network, options, source.info)
    else:  # a peer is a predictor in all that the pipeline asks of one
        predictor = network = cast(
            "MattePredictor", open_peer(contender.peer, size=size, threads=threads)
        )
    opened.callback(network.close)
    if job.live:
        return source, predictor, background, []
    sink = opened.enter_context(open_sink(job.output, source.info, overwrite=True))
    return source, predictor, background, [sink]


class _Meter:
    """Measures a run from its first frame on, and ends it when its time is up."""

    def __init__(
        self,
        seconds: float,
        on_first_frame: Callable[[], None],
        on_frame: Callable[[int], None],
    ) -> None:
        self.stop = threading.Event()
        self._seconds = seconds
        self._on_first_frame = on_first_frame
        self._on_frame = on_frame
        self._wall_s = self.start_cpu_s = 0.0

    def __call__(self, delivered: int) -> None:
        self._on_frame(delivered)
        if delivered == 1:
            self._on_first_frame()
            self._wall_s, self.start_cpu_s = time.perf_counter(), time.process_time()
        elif time.perf_counter() - self._wall_s > self._seconds:
            self.stop.set()

    def rates(self, frames: int) -> tuple[float, float]:
        """Frames per second, and processor time per frame in ms; the first frame does not count."""
        wall_s, cpu_s = time.perf_counter() - self._wall_s, time.process_time() - self.start_cpu_s
        more = max(0, frames - 1)
        return more / wall_s, 1e3 * cpu_s / max(1, more)


if __name__ == "__main__":
    raise SystemExit(main())
