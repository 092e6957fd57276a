from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path

import pytest

from stream.console import (
    _ProgressLines,
    frame_progress,
    print_error,
    print_report,
    results_on_stdout,
    warnings_on_stderr,
)
from stream.errors import InputError, OutputError
from stream.report import RunReport
from stream.stats import Timing


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_users_error_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(InputError("no such file: clip.mp4", hint="check its spelling"))
    print_error(InputError("clip.mp4 is empty"))
    assert capsys.readouterr().err == (
        "error: no such file: clip.mp4\nhint: check its spelling\nerror: clip.mp4 is empty\n"
    )


def test_a_bug_says_that_it_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(KeyError("alpha"))
    assert capsys.readouterr().err.splitlines()[0] == "error: internal error: KeyError: 'alpha'"


def test_a_reader_that_has_gone_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with results_on_stdout():
            print("a result")
        nowhere = Path(os.devnull).stat()  # where Python's own attempt at exit does no harm either
        assert os.fstat(stdout.fileno()).st_rdev == nowhere.st_rdev


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_results_that_cannot_be_written_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with (
            pytest.raises(OutputError, match="standard output: No space left"),
            results_on_stdout(),
        ):
            print("a result")


def test_without_standard_output_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with results_on_stdout(), frame_progress(3) as show:
        show(1)
        print("a result")
    assert capfd.readouterr() == ("", "")


def test_without_standard_error_only_results_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    times = iter([0.0, 10.0])
    with results_on_stdout(), warnings_on_stderr():
        _ProgressLines(None, now=lambda: next(times))(50)
        logging.getLogger("stream.source").warning("%d frames skipped", 3)
        print_error(InputError("clip.mp4 is empty", hint="record it again"))
        print("a result")
    assert capsys.readouterr() == ("a result\n", "")


def test_what_the_modules_log_comes_out_as_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings_on_stderr():
        logging.getLogger("stream.source").warning("%d frames skipped", 3)
        logging.getLogger("stream.source").info("not shown")
    logging.getLogger("stream.source").debug("nobody listens any more")
    assert capsys.readouterr().err == "warning: 3 frames skipped\n"


def test_a_log_file_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 1.0, 6.0, 7.0, 12.0])
    show = _ProgressLines(300, now=lambda: next(times))
    for done in (25, 150, 175, 240):
        show(done)
    assert capsys.readouterr().err.splitlines() == [
        "150 of 300 frames, 25.0 fps, 6 s left",
        "240 of 300 frames, 20.0 fps, 3 s left",
    ]


def test_without_a_known_length_there_is_no_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, 10.0])
    _ProgressLines(None, now=lambda: next(times))(50)
    assert capsys.readouterr().err == "50 frames, 5.0 fps\n"


@pytest.mark.parametrize("total", [60, None])
def test_a_terminal_gets_a_progress_bar(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with frame_progress(total) as show:
        show(30)
    assert "30/60" in terminal.getvalue() if total else "30/?" in terminal.getvalue()
    assert "fps" in terminal.getvalue()


def test_progress_that_is_not_to_be_shown_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    with frame_progress(3, shown=False) as show:
        show(1)
    assert capsys.readouterr() == ("", "")


def test_the_report_is_a_short_table(capsys: pytest.CaptureFixture[str]) -> None:
    report = RunReport(
        source="clip.mp4",
        model="pruned",
        device="CPU",
        input_size_wh=(672, 512),
        frame_size_wh=(640, 480),
        frames_in=300,
        frames_out=290,
        frames_dropped=10,
        interrupted=True,
        wall_s=10.0,
        cpu_s=19.0,
        latency=Timing(290, 80.25, 99.96),
        stages={"capture": Timing(300, 1.5, 2.0), "matting": Timing(290, 30.0, 41.0)},
        versions={},
        inference=Timing(290, 55.0, 70.0),
    )
    print_report(report)
    assert capsys.readouterr().out.splitlines() == [
        "clip.mp4: 290 frames, 10 dropped in 10.0 s, 29.0 fps, stopped early",
        "pruned on CPU, frames of 640 x 480, seen by the network at 672 x 512",
        "",
        "ms per frame    median    95 %",
        "capture            1.5     2.0",
        "matting           30.0    41.0",
        "end to end        80.2   100.0",
        "inference         55.0    70.0",
    ]
