from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import run_stream
from stream.sample import CLIP
from tests.clips import make_clip, timestamps
from tests.tiny_ir import write_tiny_ir

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=20, variable_rate=True)


@pytest.fixture
def tiny(tmp_path: Path) -> list[str]:
    """Options for a network that takes no time."""
    return ["--model", str(write_tiny_ir(tmp_path / "tiny.xml")), "--size", "64"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def cpu_of_children_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def error_of(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


# --- what it says about itself --------------------------------------------------------------------


def test_help_comes_at_once_and_loads_nothing_heavy() -> None:
    code = """
import contextlib, sys, run_stream
with contextlib.suppress(SystemExit):
    run_stream.main(["--help"])
print("loaded", *sorted({"cv2", "av", "openvino", "numpy", "rich"} & set(sys.modules)))
"""
    before_s = cpu_of_children_s()
    output = run_python("-c", code).stdout
    assert cpu_of_children_s() - before_s < 0.7  # not wall time, which depends on the neighbours
    assert output.splitlines()[-1].split() == ["loaded"]
    assert "exit codes:" in output


def test_the_version_is_that_of_the_project() -> None:
    done = run_python("run_stream.py", "--version")
    assert done.stdout.split()[0] == "run_stream.py"
    assert f'version = "{done.stdout.split()[1]}"' in (ROOT / "pyproject.toml").read_text()


def test_devices_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_stream.main(["--list-devices"]) == 0
    output = capsys.readouterr().out
    assert "inference devices, for --device:\n  CPU" in output
    assert "cameras, for --input:" in output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--size", "0"],
        ["--max-frames", "x"],
        ["--camera-size", "12"],
        ["--camera-size", "0x480"],
        ["--crf", "-5"],
        ["--crf", "64"],
        ["--skip", "-1"],
        ["--target-fps", "0"],
        ["--target-fps", "nan"],
        ["--subject", "left"],
        ["--foreground", "matte"],
        ["--what"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_stream.main(arguments)
    assert stopped.value.code == 2


# --- what it does ---------------------------------------------------------------------------------


def test_a_clip_becomes_a_clip_with_every_timestamp_and_a_report(
    clip: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, matte, report = (tmp_path / n for n in ("out.mp4", "matte.mp4", "report.json"))
    arguments = ["--input", clip, "--background", "#00b140", "--output", output, "--matte", matte]
    code = run_stream.main([*map(str, arguments), "--report", str(report), *tiny])
    assert code == 0
    assert timestamps(output) == pytest.approx(timestamps(clip), abs=1e-6)
    assert timestamps(matte) == pytest.approx(timestamps(clip), abs=1e-6)
    data = json.loads(report.read_text())
    assert (data["frames_in"], data["frames_out"], data["frames_dropped"]) == (20, 20, 0)
    assert (data["device"], data["interrupted"]) == ("CPU", False)
    assert capsys.readouterr().out.startswith("clip.mp4: 20 frames in ")


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ([], ["steady", "refine"]),
        (["--no-refine", "--no-steady"], ["enlarge"]),
        (["--subject", "largest"], ["subject", "steady", "refine"]),
        (["--delay-one-frame"], ["delay", "steady", "refine"]),
        (["--skip", "3", "--still"], ["steady", "refine"]),
        (["--target-fps", "25"], ["steady", "refine"]),
        (["--foreground", "none"], ["steady", "refine"]),
    ],
)
def test_whatever_is_done_over_time_no_frame_is_lost(
    options: list[str], steps: list[str], clip: Path, tiny: list[str], tmp_path: Path
) -> None:
    output, report = tmp_path / "out.mp4", tmp_path / "report.json"
    usual = ["--input", str(clip), "--output", str(output), "--report", str(report), *tiny]
    assert run_stream.main([*usual, *options]) == 0
    assert timestamps(output) == pytest.approx(timestamps(clip), abs=1e-6)
    data = json.loads(report.read_text())
    assert list(data["stages"]) == ["capture", "matting", *steps, "composite", "output"]
    assert (data["inference"]["count"] == 20) == ("--skip" not in options)
    assert data["input_size_wh"] == [96, 64]


def test_the_sample_runs_without_any_input(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "sample.mp4"
    assert run_stream.main(["--output", str(output), "--max-frames", "5", *tiny]) == 0
    assert timestamps(output) == timestamps(CLIP)[:5]
    assert capsys.readouterr().out.startswith(f"{CLIP.name}: 5 frames in ")


def test_quiet_prints_nothing(
    clip: Path, tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_stream.main(["--input", str(clip), "--output", "none", "--quiet", *tiny]) == 0
    assert capsys.readouterr() == ("", "")


def test_only_a_matte_needs_no_window(clip: Path, tiny: list[str], tmp_path: Path) -> None:
    matte = tmp_path / "mattes"
    assert run_stream.main(["--input", str(clip), "--matte", f"{matte}/", *tiny]) == 0
    assert len(list(matte.glob("*.png"))) == 20


@pytest.mark.shared
def test_a_real_clip_of_a_person_is_matted(shared: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    source = shared / "clips" / "milk.mkv"
    arguments = [
        "--model",
        "original",
        "--size",
        "256",
        "--max-frames",
        "8",
        "--background",
        "blur",
    ]
    assert run_stream.main(["--input", str(source), "--output", str(output), *arguments]) == 0
    assert len(timestamps(output)) == 8


# --- what can go wrong ----------------------------------------------------------------------------


def test_a_missing_input_is_one_line_and_exit_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_stream.main(["--input", "missing.mp4", "--output", "none"]) == 4
    assert error_of(capsys).splitlines()[0] == "error: no such file: missing.mp4"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--input", "/dev/video77"], 3, "video77"),
        (["--output", "out.xyz"], 5, "xyz"),
        (["--output", "no_such_folder/out.mp4"], 5, "no_such_folder"),
        (["--report", "no_such_folder/report.json"], 5, "no_such_folder"),
        (["--report", "."], 5, "is a folder"),
        (["--output", "a.mp4", "--matte", "./a.mp4"], 2, "--output and --matte both name a.mp4"),
        (["--matte", "a.png", "--report", "a.png"], 2, "--matte and --report both name a.png"),
        (["--model", "nonsense"], 6, "no model is called 'nonsense'"),
        (["--device", "FOO"], 7, "no inference device 'FOO' here"),
        (["--background", "no_such_file.jpg"], 4, "no_such_file.jpg"),
        (["--background", "transparent", "--output", "out.mp4"], 5, "mp4"),
        (["--size", "5"], 2, "size must be at least 32"),
        (["--size", "99999"], 2, "size must be at most 2160"),
        (["--input", "x" * 300], 4, "too long"),
        (["--background", "x" * 300], 4, "too long"),
        (["--model", f"{'x' * 300}.xml"], 6, "too long"),
        (["--skip", "1", "--requests", "3"], 2, "one frame is in inference at a time, not 3"),
    ],
)
def test_every_kind_of_fault_has_its_exit_code_and_its_line(
    arguments: list[str],
    code: int,
    message: str,
    clip: Path,
    tiny: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    usual = ["--input", str(clip), "--output", "none", *tiny]
    assert run_stream.main([*usual, *arguments]) == code
    lines = error_of(capsys).splitlines()
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert all(line.startswith("hint: ") for line in lines[1:])


def test_without_a_display_the_window_is_refused(
    clip: Path, tiny: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert run_stream.main(["--input", str(clip), *tiny]) == 8
    error = error_of(capsys)
    assert error.startswith("error: no display")
    assert "--output out.mp4" in error


def test_files_are_replaced_only_when_forced(
    clip: Path, tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--output", "--matte", "--report"):
        existing = tmp_path / ("old.json" if option == "--report" else "old.mp4")
        existing.write_text("precious")
        arguments = ["--input", str(clip), "--output", "none", option, str(existing), *tiny]
        assert run_stream.main(arguments) == 5
        assert existing.read_text() == "precious"
        assert str(existing) in error_of(capsys)
        assert run_stream.main([*arguments, "--force"]) == 0
        assert existing.read_bytes() != b"precious"


def test_a_report_never_replaces_what_is_read(
    clip: Path, tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    content = clip.read_bytes()
    arguments = ["--input", str(clip), "--output", "none", "--report", str(clip), "--force", *tiny]
    assert run_stream.main(arguments) == 5
    assert "is an input of this run" in error_of(capsys)
    assert clip.read_bytes() == content


def test_a_bug_is_called_one_and_debug_shows_where(
    clip: Path,
    tiny: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("alpha")

    monkeypatch.setattr("stream.pipeline.run", broken)
    arguments = ["--input", str(clip), "--output", "none", *tiny]
    assert run_stream.main(arguments) == 1
    assert error_of(capsys).startswith("error: internal error: KeyError: 'alpha'\nhint: ")
    with pytest.raises(KeyError, match="alpha"):
        run_stream.main([*arguments, "--debug"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_a_playable_file_and_no_thread(
    number: signal.Signals,
    code: int,
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextlib.contextmanager
    def signal_after_7(total: int | None, **_: object) -> Iterator[Callable[[int], None]]:
        yield lambda done: os.kill(os.getpid(), number) if done == 7 else None

    monkeypatch.setattr("stream.console.frame_progress", signal_after_7)
    long = make_clip(tmp_path / "long.mp4", frames=60, audio_tracks=1)
    output = tmp_path / "out.mp4"
    assert run_stream.main(["--input", str(long), "--output", str(output), *tiny]) == code
    assert timestamps(output) == pytest.approx(timestamps(long)[:7], abs=1e-6)
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.mp4"]
    assert "7 frames in" in capsys.readouterr().out
    assert {t.name for t in threading.enumerate()} & {"capture", "matting", "composite"} == set()
