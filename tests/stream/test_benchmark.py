from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stream.bench.clip
from stream.bench.clip import ClipJob, ClipRun
from stream.bench.options import parse
from stream.benchmark import main, run_clip
from tests.clips import make_clip
from tests.tiny_ir import write_tiny_ir

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 5


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for networks and clips that take no time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    models = [str(write_tiny_ir(tmp_path / f"{name}.xml")) for name in ("first", "second")]
    clip = make_clip(tmp_path / "clip.mp4", frames=FRAMES)
    sizes = ["--sizes", "64x32", "96x64", "--clip-size", "64"]
    return ["--models", *models, "--clip", str(clip), *sizes, "--rounds", "3", "--passes", "2"]


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> list[ClipJob]:
    """Runs on clips start no process of their own; the jobs that were done."""
    jobs: list[ClipJob] = []

    def run(job: ClipJob) -> ClipRun:
        jobs.append(job)
        return run_clip(job, on_first_frame=lambda: None)

    monkeypatch.setattr(stream.bench.clip, "run_in_fresh_process", run)
    return jobs


def measured(arguments: list[str], folder: Path) -> Any:
    path = folder / "results.json"
    assert main([*arguments, "--json", str(path), "--force"]) == 0
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_json_has_every_model_at_every_size_and_on_every_clip(
    tiny: list[str], in_this_process: list[ClipJob], tmp_path: Path
) -> None:
    found = measured(tiny, tmp_path)
    assert found["version"] == 2
    assert found["command"].startswith("python -m stream.benchmark --models")
    assert found["machine"]["cores"] > 0
    assert "processor times" in found["note"]
    latency = [(Path(row["name"]).stem, row["size_wh"]) for row in found["latency"]]
    assert latency == [
        ("first", [64, 32]),
        ("second", [64, 32]),
        ("first", [96, 64]),
        ("second", [96, 64]),
    ]
    assert {row["cpu"]["count"] for row in found["latency"]} == {3}
    runs = [row["typical"] for row in found["clips"]]
    assert [Path(run["name"]).stem for run in runs] == ["first", "second"]
    for run in runs:
        assert run["frames"] == FRAMES
        assert run["fps"] > 0
        assert run["input_size_wh"] == [96, 64]
        stages = {"capture", "matting", "refine", "steady", "composite", "output"}
        assert stages == run["stages"].keys(), "as the program runs them"
    assert [job.max_frames for job in in_this_process] == [1, 1, None, None, None, None]
    assert found["layers"] is None
    assert found["skipped"] == []


def test_the_tables_are_markdown_and_say_how_far_to_trust_them(
    tiny: list[str], in_this_process: list[ClipJob], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tiny) == 0
    out, err = capsys.readouterr()
    assert "One inference at 64 x 32" in out
    assert "Whole runs: clip.mp4, 64 x 48, --size 64" in out
    headers = [line for line in out.splitlines() if line.startswith("| network")]
    assert len(headers) == 4
    assert len([line for line in out.splitlines() if "second.xml |" in line]) == 4
    assert out.rstrip().endswith("processor times.")
    assert "measuring one inference at 64 x 32, 2 networks" in err


@pytest.mark.parametrize(("part", "left"), [("latency", "clips"), ("clip", "latency")])
def test_one_part_can_be_left_out(
    part: str, left: str, tiny: list[str], in_this_process: list[ClipJob], tmp_path: Path
) -> None:
    found = measured([*tiny, "--only", part], tmp_path)
    assert found[left] == []


def test_peers_that_are_not_there_are_skipped_each_with_one_line(
    tiny: list[str],
    in_this_process: list[ClipJob],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    found = measured([*tiny, "--peers", "--modnet-onnx", "nowhere.onnx"], tmp_path)
    skipped: list[str] = found["skipped"]
    assert [line.partition(":")[0] for line in skipped] == [
        "RobustVideoMatting",
        "nowhere.onnx (ONNX Runtime)",
        "nowhere.onnx (OpenVINO, plain)",
        "MediaPipe selfie segmentation needs mediapipe",
    ]
    assert len(found["clips"]) == 2
    out = capsys.readouterr().out
    assert [line for line in out.splitlines() if line.startswith("skipped: ")] == [
        f"skipped: {line}" for line in skipped
    ]


def test_a_peer_goes_through_the_same_pipeline(
    tiny: list[str], in_this_process: list[ClipJob], tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    from tests.tiny_onnx import write_tiny_modnet, write_tiny_rvm

    onnx, rvm = write_tiny_modnet(tmp_path / "m.onnx"), write_tiny_rvm(tmp_path / "rvm.onnx")
    found = measured([*tiny, "--modnet-onnx", str(onnx), "--rvm-onnx", str(rvm)], tmp_path)
    names = ["m.onnx (ONNX Runtime)", "m.onnx (OpenVINO, plain)"]
    names.append("rvm.onnx (RobustVideoMatting, ONNX Runtime)")
    assert [row["typical"]["name"] for row in found["clips"]][2:] == names
    assert [row["typical"]["frames"] for row in found["clips"]] == 5 * [FRAMES]
    assert [row["name"] for row in found["latency"]][2:5] == names
    assert found["skipped"] == []


def test_a_long_run_shows_what_the_process_held_in_its_course(
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ROOT)
    frames = 4 * FRAMES + 1
    found = measured([*tiny, "--models", tiny[1], "--endurance", str(frames)], tmp_path)
    (run,) = found["endurance"]
    assert run["frames"] == frames
    assert [seen["frames"] for seen in run["footprints"]] == [1, *range(2, 20, 2), frames]
    assert {seen["threads"] for seen in run["footprints"]} - {0}
    assert found["latency"] == found["clips"] == []
    out = capsys.readouterr().out
    assert "first.xml runs clip.mp4, 64 x 48, --size 64 again and again" in out
    assert "| open files |" in out


def test_layers_are_shown_alone(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured([*tiny, "--layers", tiny[1]], tmp_path)
    assert found["layers"]["model"] == "first.xml"
    assert found["latency"] == found["clips"] == []
    out = capsys.readouterr().out
    assert "first.xml at 64 x 32, one thread" in out
    assert "slowest layers" in out


def test_a_picture_is_drawn(
    tiny: list[str], in_this_process: list[ClipJob], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "bars.png"
    assert main([*tiny, "--picture", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_picture_of_no_kind_is_refused_before_anything_is_measured(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    assert main([*tiny, "--picture", str(tmp_path / "bars.nothing")]) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: cannot draw bars.nothing")


def test_a_picture_without_matplotlib_is_refused_before_anything_is_measured(
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*tiny, "--picture", str(tmp_path / "bars.png")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: --picture needs matplotlib" in err
    assert "hint: pip install matplotlib" in err


def test_a_result_is_not_overwritten_unasked(
    tiny: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    path.touch()
    assert main([*tiny, "--json", str(path)]) == 5
    assert "--force replaces it" in capsys.readouterr().err


def test_an_unknown_model_ends_it_before_anything_is_measured(
    tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny, "--models", "nobody"]) == 6
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: no model is called 'nobody'")


def test_quick_changes_only_what_nobody_asked_for() -> None:
    options = parse(["--quick", "--rounds", "7"])
    assert (options.rounds, options.passes, options.sizes) == (7, 1, ((512, 288),))
    assert options.clip_size == (288,)
    assert parse([]).passes > 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sizes", "512"],
        ["--rounds", "0"],
        ["--layers", "a", "--picture", "b.png"],
        ["--endurance", "20", "--picture", "b.png"],
    ],
)
def test_what_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2


def test_a_run_ends_when_its_time_is_up(tiny: list[str], tmp_path: Path) -> None:
    job = ClipJob.from_json(
        json.dumps(
            {
                "contender": {"model": tiny[1], "peer": None},
                "clip": str(make_clip(tmp_path / "long.mp4", frames=300)),
                "background": "green",
                "output": str(tmp_path / "out.mp4"),
                "size": 64,
                "threads": 1,
                "max_frames": None,
                "seconds": 0.0,
            }
        )
    )
    first: list[bool] = []
    run = run_clip(job, on_first_frame=lambda: first.append(True))
    assert first == [True]
    assert 1 <= run.frames < 300


def test_live_runs_keep_the_clips_pace_and_write_nothing(
    tiny: list[str], in_this_process: list[ClipJob], tmp_path: Path
) -> None:
    options = ["--models", tiny[1], "--only", "clip", "--passes", "1", "--live", "--skip", "1"]
    found = measured([*tiny, *options], tmp_path)
    (run,) = (row["typical"] for row in found["clips"])
    assert run["conditions"] == " --live --skip 1"
    assert run["frames"] + run["dropped"] == FRAMES
    assert run["fps"] < 40  # of 30 that the clip has; from file to file it has hundreds
    assert not any(Path(job.output).exists() for job in in_this_process)


def test_a_run_in_a_process_of_its_own_reports_start_and_memory(
    tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    one_model = [*tiny, "--models", tiny[1]]
    found = measured([*one_model, "--only", "clip", "--passes", "1"], tmp_path)
    (run,) = (row["typical"] for row in found["clips"])
    assert run["frames"] == FRAMES
    assert run["start_s"] > 0
    assert run["start_cpu_s"] > 0
    assert run["peak_memory_mb"] is None or run["peak_memory_mb"] > 10


def test_help_loads_neither_openvino_nor_the_peers() -> None:
    code = (
        "import sys; from stream.benchmark import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'openvino', 'rich', 'onnxruntime', 'mediapipe'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--peers" in done.stdout
