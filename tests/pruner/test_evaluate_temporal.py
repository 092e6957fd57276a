from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from pruner.evaluate_temporal import main
from pruner.temporal_steps import STEPS
from tests.clips import make_clip
from tests.pruner.people import write_people
from tests.tiny_ir import write_tiny_ir


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_people(tmp_path_factory.mktemp("data"), 2)
    (root / "rooms").mkdir()
    assert cv2.imwrite(str(root / "rooms" / "room.png"), np.full((50, 70, 3), 40, np.uint8))
    write_tiny_ir(root / "tiny.xml")
    return root


def run(data: Path, output: Path, *more: str) -> int:
    made = ["--data", str(data), "--backgrounds", str(data / "rooms"), "--clips", "2"]
    common = ["--models", str(data / "tiny.xml"), "--frames", "4", "--size", "32"]
    return main([*made, "--clip-size", "64x48", *common, "--json", str(output), *more])


def test_every_step_is_scored_on_every_clip(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, tmp_path / "scores.json") == 0
    result = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    ((model, clips),) = result["scores"].items()
    assert Path(model).name == "tiny.xml"
    assert len(clips) == 2
    for steps in clips.values():
        assert list(steps) == list(STEPS)
        assert all(set(scores) == {"mad", "dtssd", "flicker"} for scores in steps.values())
    table = capsys.readouterr().out
    assert all(step in table for step in STEPS)


def test_clips_without_known_mattes_are_scored_by_their_flicker(data: Path, tmp_path: Path) -> None:
    video = make_clip(tmp_path / "clip.mp4")
    output = tmp_path / "scores.json"
    common = ["--models", str(data / "tiny.xml"), "--frames", "3", "--size", "32"]
    assert main(["--videos", str(video), *common, "--json", str(output)]) == 0
    result = json.loads(output.read_text(encoding="utf-8"))
    ((_, clips),) = result["scores"].items()
    assert set(clips["clip.mp4"]["steady"]) == {"flicker"}


def test_clips_of_one_name_are_all_scored(data: Path, tmp_path: Path) -> None:
    videos = [tmp_path / folder / "clip.mp4" for folder in ("day", "night")]
    for video in videos:
        video.parent.mkdir()
        make_clip(video)
    output = tmp_path / "scores.json"
    common = ["--models", str(data / "tiny.xml"), "--frames", "2", "--size", "32"]
    assert main(["--videos", *map(str, videos), *common, "--json", str(output)]) == 0
    ((_, clips),) = json.loads(output.read_text(encoding="utf-8"))["scores"].items()
    assert list(clips) == ["day/clip.mp4", "night/clip.mp4"]


def test_strips_show_the_picture_and_the_steps_below_each_other(data: Path, tmp_path: Path) -> None:
    assert run(data, tmp_path / "scores.json", "--strips", str(tmp_path / "strips")) == 0
    strips = sorted((tmp_path / "strips").iterdir())
    assert len(strips) == 2
    drawn = cv2.imread(str(strips[0]))
    assert drawn is not None
    assert drawn.shape == (4 * 48, 4 * 64, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--videos"),
        (["--data", "."], "--backgrounds"),
        (["--data", "nowhere", "--backgrounds", "nowhere"], "no such folder"),
        (["--videos", "nowhere.mp4"], "nowhere.mp4"),
    ],
)
def test_what_is_missing_is_told_in_one_line(
    data: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--models", str(data / "tiny.xml"), *arguments]) != 0
    lines = capsys.readouterr().err.splitlines()
    (error,) = (line for line in lines if line.startswith("error: "))
    assert message in error
