from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pruner import label
from pruner.data import pairs, read_pair
from stream.frame import Alpha, Frame, Image
from tests.clips import make_clip

PERSON, CHAIR, BADGE = (slice(40, 200), slice(100, 220)), (slice(150, 200), slice(290, 320)), 100


class Network:
    """Sees a person with a hole, and a chair."""

    def predict(self, image: Image) -> Alpha:
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[PERSON] = alpha[CHAIR] = 255
        alpha[BADGE : BADGE + 12, 150:160] = 0
        alpha[:30, :30] = 60
        return alpha


def frame() -> Frame:
    return Frame(np.full((200, 320, 3), 90, np.uint8), 0, Fraction(1, 30), 0.0)


def test_a_chair_is_left_out_and_a_badge_is_part_of_the_person() -> None:
    (matted,) = label.labelled([frame()], Network())
    assert matted.alpha[CHAIR].max() == 0
    assert matted.alpha[:30, :30].max() == 0
    assert matted.alpha[BADGE + 6, 155] == 255
    assert matted.alpha[PERSON].mean() > 250


def test_what_a_bent_arm_surrounds_is_no_hole() -> None:
    alpha = np.full((200, 320), 255, np.uint8)
    alpha[50:100, 100:150] = 0
    assert np.array_equal(label.filled(alpha), alpha)
    alpha[:, :] = 255
    alpha[:10, 100:110] = 0  # the picture's edge is not surrounded
    assert np.array_equal(label.filled(alpha), alpha)


def test_the_command_makes_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pruner.predictors.open_predictor", lambda *_, **__: Network())
    (tmp_path / "clips").mkdir()
    make_clip(tmp_path / "clips" / "talk.mp4", frames=50, size_wh=(320, 200), rate=25)
    command = ["--clips", str(tmp_path / "clips"), "--output", str(tmp_path / "set")]
    assert label.main([*command, "--name", "webcam", "--every", "1"]) == 0
    made = pairs(tmp_path / "set")
    assert [pair.name for pair in made] == ["webcam_talk_00000", "webcam_talk_00001"]
    assert made[0].source == "webcam"
    image, alpha = read_pair(made[0])
    assert image.shape == (200, 320, 3)
    assert alpha[CHAIR].max() == 0
    assert "pictures: 2" in capsys.readouterr().out


def test_videos_that_differ_in_their_suffix_alone_all_get_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pruner.predictors.open_predictor", lambda *_, **__: Network())
    for name in ("talk.mkv", "talk.mp4", "walk.mp4"):
        make_clip(tmp_path / name, frames=2, size_wh=(320, 200), rate=25)
    command = ["--clips", str(tmp_path), "--output", str(tmp_path / "set")]
    assert label.main(command) == 0
    names = [pair.name for pair in pairs(tmp_path / "set")]
    assert names == ["clips_talk-mkv_00000", "clips_talk-mp4_00000", "clips_walk_00000"]
    assert label.main(command) == 2  # what somebody has looked through is not made again
    assert "choose another --output or --name" in capsys.readouterr().err


def test_a_folder_without_videos_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert label.main(["--clips", str(tmp_path), "--output", str(tmp_path / "set")]) == 1
    error = capsys.readouterr().err
    assert "a folder of videos" in error
    assert error.count("\n") == 1
