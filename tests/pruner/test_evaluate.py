"""Scoring models side by side: the numbers, the sources, the files, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import checkpoint
from pruner import evaluate
from pruner.contact_sheet import CELL, MARGIN, Case, write_sheet
from pruner.data import pairs
from pruner.errors import PrunerError
from pruner.onnx_graph import write_onnx
from pruner.scores import (
    mean_scores,
    score_clip,
    score_clips,
    score_picture,
    score_pictures,
    worst_cases,
)
from tests.clips import make_clip
from tests.pruner.networks import TINY, tiny_network
from tests.pruner.people import person, write_people
from tests.tiny_ir import write_tiny_ir


class Bright:
    """Takes what is bright for the person: nearly right for the made people."""

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.where(image[..., 1] > 127, 255, 0).astype(np.uint8)


class Nothing:
    """Sees nobody."""

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.zeros(image.shape[:2], np.uint8)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "data", 4)


def test_a_perfect_matte_scores_zero_everywhere_and_one_in_iou() -> None:
    _, alpha = person((80, 96))
    scores = score_picture(alpha, alpha)
    assert scores.pop("iou") == 1
    assert set(scores.values()) == {0}


def test_better_models_have_better_scores(people: Path) -> None:
    predictors = {"bright": Bright(), "nothing": Nothing()}
    scores = score_pictures(predictors, pairs(people))
    good, bad = (mean_scores(rows.values()) for rows in scores.values())
    for measure in ("mse", "mad", "mad_band", "sad", "gradient", "connectivity"):
        assert good[measure] < bad[measure]
    assert good["iou"] > 0.95
    assert bad["iou"] == 0


def test_every_model_sees_what_the_runtime_would_show_it() -> None:
    seen: list[NDArray[np.float32]] = []

    def network(blob: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(blob)
        return (blob[:, :1] + 1) / 2  # the matte is the red channel

    image = np.zeros((100, 200, 3), np.uint8)
    image[..., 2] = 204
    alpha = evaluate.FloatPredictor(network, 64).predict(image)
    assert [blob.shape for blob in seen] == [(1, 3, 64, 128)]
    assert seen[0].dtype == np.float32
    assert seen[0][0, :, 0, 0] == pytest.approx([0.6, -1, -1])
    assert alpha.shape == (100, 200)
    assert set(alpha.ravel()) == {204}


def test_checkpoint_and_onnx_give_the_same_mattes(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = tiny_network(TINY).float()
    checkpoint.save(model, tmp_path / "tiny.safetensors")
    write_onnx(model, tmp_path / "any.onnx")
    write_onnx(model, tmp_path / "static.onnx", size_wh=(96, 64))
    image, _ = person((90, 60))
    mattes = [
        evaluate.open_predictor(str(tmp_path / name), size=64).predict(image)
        for name in ("tiny.safetensors", "any.onnx", "static.onnx")
    ]
    assert mattes[0].shape == (60, 90)
    assert mattes[0].std() > 1
    for other in mattes[1:]:
        assert np.abs(mattes[0].astype(int) - other).max() <= 1


def test_the_command_scores_an_ir_by_source_and_writes_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_people(tmp_path / "data", 3)
    for path in (*data.glob("*/made_002.*"),):
        path.rename(path.with_stem("other_002"))
    ir = write_tiny_ir(tmp_path / "tiny.xml")
    files = ["--json", str(tmp_path / "o" / "s.json"), "--sheet", str(tmp_path / "o" / "s.png")]
    options = ["--models", str(ir), "--data", str(data), "--size", "64", *files]
    assert evaluate.main(options) == 0
    printed = capsys.readouterr().out
    assert "all (3)" in printed
    assert "tiny.xml" in printed
    result = json.loads((tmp_path / "o" / "s.json").read_text())
    means = result["pictures"]["means"]
    assert list(means) == ["all (3)", "made (2)", "other (1)"]
    scores = result["pictures"]["scores"][str(ir)]
    assert list(scores) == ["made_000", "made_001", "other_002"]
    mse = [row["mse"] for row in scores.values()]
    assert means["all (3)"][str(ir)]["mse"] == pytest.approx(sum(mse) / 3)
    assert means["other (1)"][str(ir)]["mse"] == mse[2]
    sheet = cv2.imread(str(tmp_path / "o" / "s.png"))
    assert sheet.shape == (3 * (CELL + MARGIN), 3 * (CELL + 4), 3)


def test_the_worst_pictures_come_first(people: Path) -> None:
    items = pairs(people)
    scores = {
        "a": {item.name: {"mse": 0.1 * i} for i, item in enumerate(items)},
        "b": {item.name: {"mse": 0.9 if i == 1 else 0.0} for i, item in enumerate(items)},
    }
    cases = worst_cases({"a": Bright(), "b": Nothing()}, items, scores, count=2)
    assert [case.name for case in cases] == ["made_001", "made_003"]
    assert list(cases[0].mattes) == ["a 0.1000", "b 0.9000"]


def test_a_sheet_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    image, alpha = person((80, 96))
    case = Case("x", image, alpha, {"m": alpha})
    with pytest.raises(PrunerError, match=r"sheet\.txt: cannot be written"):
        write_sheet(tmp_path / "sheet.txt", [case])


def test_clips_without_truth_get_flicker_and_folders_with_it_get_dtssd(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    write_people(clips / "frames", 3)
    make_clip(clips / "video.mp4", frames=4, size_wh=(64, 48))
    (clips / "README.txt").touch()
    found = [evaluate.read_clip(path, 3) for path in evaluate.find_clips(clips)]
    assert [len(clip.images) for clip in found] == [3, 3]
    scores = score_clips({"bright": Bright()}, found)["bright"]
    assert list(scores) == ["frames", "video.mp4"]
    assert set(scores["frames"]) == {"flicker", "mad", "dtssd"}
    assert set(scores["video.mp4"]) == {"flicker"}


def test_a_steady_matte_of_a_steady_clip_does_not_flicker() -> None:
    image, alpha = person((80, 96))
    assert score_clip([alpha] * 3, [image] * 3, [alpha] * 3) == {
        "flicker": 0,
        "mad": 0,
        "dtssd": 0,
    }


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        (["--models", "original"], "give --data", 2),
        (["--models", "x.pth", "--data", "nowhere"], "x.pth: no such file", 1),
        (["--models", "nobody", "--data", "nowhere"], "no model is called 'nobody'", 6),
        (["--models", "TINY", "--data", "nowhere"], "nowhere: no such folder", 1),
        (["--models", "TINY", "--clips", "nowhere"], "nowhere: expected a folder of videos", 1),
        (["--models", "TINY", "--data", "nowhere", "--device", "FOO"], "no inference device", 7),
        (["--models", "x.onnx", "--data", "nowhere"], "x.onnx: cannot be read as ONNX", 1),
    ],
)
def test_what_a_user_does_wrong_is_told_and_not_traced(
    options: list[str], message: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ir = write_tiny_ir(tmp_path / "tiny.xml")
    assert evaluate.main([str(ir) if option == "TINY" else option for option in options]) == code
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error


def test_an_onnx_of_something_else_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    ends = [onnx.helper.make_tensor_value_info(name, 1, [1, 3]) for name in "xy"]
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    graph = onnx.helper.make_graph([node], "other", ends[:1], ends[1:])
    path = tmp_path / "other.onnx"
    onnx.save(onnx.helper.make_model(graph, ir_version=8), path)
    with pytest.raises(PrunerError, match=r"expected one input float32 \[1,3,H,W\]"):
        evaluate.open_predictor(str(path))
