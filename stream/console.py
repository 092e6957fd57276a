"""What the command says in a terminal: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stream.errors import OutputError, StreamError

if TYPE_CHECKING:
    from stream.report import RunReport
    from stream.stats import Timing

_PLAIN_INTERVAL_S = 5.0


class _StderrHandler(logging.Handler):
    """Looks stderr up anew for each message, because a progress bar takes its place for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        _print_on_stderr(f"{record.levelname.lower()}: {record.getMessage()}")


@contextlib.contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print what the modules log as `warning: …`."""
    logger, handler = logging.getLogger("stream"), _StderrHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def print_error(error: Exception) -> None:
    """Print what went wrong as `error: …`, and `hint: …` if it is known what helps."""
    if isinstance(error, StreamError):
        message, hint = str(error), error.hint
    else:
        message = f"internal error: {type(error).__name__}: {error}"
        hint = "this is a bug; --debug shows where it happened"
    _print_on_stderr(f"error: {message}")
    if hint is not None:
        _print_on_stderr(f"hint: {hint}")


def _print_on_stderr(line: str) -> None:
    if sys.stderr is not None:  # else print() takes stdout, which is for results
        print(line, file=sys.stderr)


@contextlib.contextmanager
def results_on_stdout() -> Iterator[None]:
    """See that what is printed arrives, unless who reads it has gone: `| head` is no fault.

    Raises:
        OutputError: The disk is full.
    """
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  or Python would try again at exit
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"cannot write to standard output: {error.strerror}") from error


@contextlib.contextmanager
def frame_progress(total: int | None, *, shown: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how many frames are done, how fast, and how long it will take.

    Args:
        total: Frames to expect; None if nobody knows.
        shown: False shows nothing.

    Yields:
        What is to be called with the number of frames that are done.
    """
    if not shown:
        yield lambda done: None
    elif sys.stderr is not None and sys.stderr.isatty():
        with _progress_bar(total) as show:
            yield show
    else:
        yield _ProgressLines(total)


@contextlib.contextmanager
def _progress_bar(total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )

    class FpsColumn(TextColumn):
        def render(self, task: Task) -> object:  # type: ignore[override]
            return f"{task.speed or 0:5.1f} fps"

    columns = BarColumn(), MofNCompleteColumn(), FpsColumn(""), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda done: progress.update(task, completed=done)


class _ProgressLines:
    """A line now and then, for a log file."""

    def __init__(self, total: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._total = total
        self._now = now
        self._started_s = self._printed_s = now()

    def __call__(self, done: int) -> None:
        now_s = self._now()
        if now_s - self._printed_s < _PLAIN_INTERVAL_S:
            return
        self._printed_s = now_s
        fps = done / (now_s - self._started_s)
        parts = [f"{done} of {self._total} frames" if self._total else f"{done} frames"]
        parts.append(f"{fps:.1f} fps")
        if self._total:
            parts.append(f"{max(0, self._total - done) / fps:.0f} s left")
        _print_on_stderr(", ".join(parts))


def print_report(report: RunReport) -> None:
    """Print a run's report as a short table."""
    frames = "1 frame" if report.frames_out == 1 else f"{report.frames_out} frames"
    dropped = f", {report.frames_dropped} dropped" if report.frames_dropped else ""
    early = ", stopped early" if report.interrupted else ""
    print(
        f"{report.source}: {frames}{dropped} in {report.wall_s:.1f} s, {report.fps:.1f} fps{early}"
    )
    sizes = f"frames of {_size(report.frame_size_wh)}"
    if report.input_size_wh is not None:
        sizes += f", seen by the network at {_size(report.input_size_wh)}"
    print(f"{report.model} on {report.device}, {sizes}")
    if not report.stages:
        return
    print(f"\n{'ms per frame':<14}{'median':>8}{'95 %':>8}")
    rows: dict[str, Timing] = {**report.stages, "end to end": report.latency}
    if report.inference.count:
        rows["inference"] = report.inference
    for stage, timing in rows.items():
        print(f"{stage:<14}{timing.median_ms:>8.1f}{timing.p95_ms:>8.1f}")


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"
