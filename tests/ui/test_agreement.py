"""The numbers of the page are those of the command."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from stream.pipeline import run
from stream.report import RunReport
from stream.session import Session, SessionOptions
from ui.compare_job import run_comparison
from ui.task import Task

SIZE = 256
FRAMES = 96


def run_by_the_command(clip: Path, target: Path) -> RunReport:
    options = SessionOptions(
        input=str(clip),
        backgrounds=("blur",),
        model="original",
        size=SIZE,
        requests=1,
        output=str(target),
    )
    with contextlib.closing(Session(options, cancelled=lambda: False)) as session:
        return run(
            session.source,
            session.predictor,
            session.background,
            session.sinks,
            max_frames=FRAMES,
        )


@pytest.mark.shared
@pytest.mark.slow
def test_the_page_measures_what_the_command_measures(shared: Path, tmp_path: Path) -> None:
    clip = sorted((shared / "clips").glob("*.mkv"))[0]
    command = run_by_the_command(clip, tmp_path / "command.mp4")
    steps = run_comparison(
        ("original", "original"),
        Task(clip, "blur", size=SIZE),
        tmp_path,
        stop=threading.Event(),
        max_frames=FRAMES,
    )
    with pytest.raises(StopIteration) as end:
        while True:
            next(steps)
    first, second = end.value.value.reports
    assert first.stages.keys() == command.stages.keys()
    assert first.frames_out == second.frames_out == command.frames_out
    # Processor time does not depend on what else the machine does, as frames per second do.
    used = [report.cpu_s / report.frames_out for report in (first, second, command)]
    assert max(used) < 1.35 * min(used)
