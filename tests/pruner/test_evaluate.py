"""Scoring models side by side: the numbers, the sources, the files, and what is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from models import checkpoint
from pruner import evaluate
from pruner.clips import find_clips, read_clip
from pruner.contact_sheet import CELL, MARGIN, Case, worst_cases, write_sheet
from pruner.data import pairs, pictures
from pruner.errors import PrunerError
from pruner.names import short_names
from pruner.onnx_graph import write_onnx
from pruner.predictors import FloatPredictor, open_predictor, torch_predictor
from pruner.score_table import score_table, table_console
from pruner.scores import (
    mean_scores,
    score_clip,
    score_clips,
    score_negative,
    score_negatives,
    score_picture,
    score_pictures,
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


def test_measures_that_take_long_can_be_left_out() -> None:
    _, alpha = person((80, 96))
    assert score_picture(alpha, alpha, ("iou", "mse")) == {"iou": 1, "mse": 0}


def test_what_is_taken_for_a_person_where_nobody_is_counts_by_its_area() -> None:
    alpha = np.zeros((10, 100), np.uint8)
    assert set(score_negative(alpha).values()) == {0}
    alpha[0, :9] = 255
    alpha[1] = 102  # 0.4: faint, and not a person
    scores = score_negative(alpha)
    assert scores["false_area"] == pytest.approx(0.009)
    assert scores["false_alarm"] == 0
    assert scores["mad"] == pytest.approx(0.009 + 0.1 * 0.4)
    alpha[0, :10] = 255
    assert score_negative(alpha)["false_alarm"] == 1


def test_pictures_without_people_are_scored_by_what_is_seen_in_them(people: Path) -> None:
    paths = pictures(people / "image")  # somebody is in them: what is bright is a false alarm
    scores = score_negatives({"bright": Bright(), "nothing": Nothing()}, paths)
    assert list(scores["bright"]) == [f"made_00{i}.jpg" for i in range(4)]
    bright, nothing = (mean_scores(rows.values()) for rows in scores.values())
    assert bright["false_alarm"] == 1
    assert 0.1 < bright["false_area"] < 0.5
    assert set(nothing.values()) == {0}


def test_models_are_called_by_what_tells_them_apart() -> None:
    assert short_names(["original", "runs/a.xml"]) == {
        "original": "original",
        "runs/a.xml": "a.xml",
    }
    paths = ["runs/A/best.safetensors", "runs/B/best.safetensors"]
    assert list(short_names(paths).values()) == ["A/best.safetensors", "B/best.safetensors"]
    assert short_names([]) == {}


def test_a_table_in_a_file_is_as_wide_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    name = "a-network-with-a-rather-long-name"
    row = dict.fromkeys(("mse", "mad", "mad_band", "iou", "sad"), 0.0394)
    table_console().print(score_table("pictures: all", {name: row, "other": row}))
    lines = capsys.readouterr().out.splitlines()
    assert any(name in line and line.count("0.0394") > 1 for line in lines)


def test_numbers_are_whole_on_eighty_columns() -> None:
    small = dict.fromkeys(("mse", "mad", "mad_band", "iou"), 0.1234)
    row = {**small, "sad": 106.83, "gradient": 111.11, "connectivity": 102.02}
    console = Console(width=80)
    with console.capture() as captured:
        console.print(score_table("all", {"original": row, "runs/best.safetensors": row}))
    printed = captured.get()
    assert "…" not in printed
    assert "best.safetensors" in printed
    for number in ("0.1234", "106.83", "111.11", "102.02", "0.123 ", "1.000"):
        assert number in printed


def test_every_model_sees_what_the_runtime_would_show_it() -> None:
    seen: list[NDArray[np.float32]] = []

    def network(blob: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(blob)
        return (blob[:, :1] + 1) / 2  # the matte is the red channel

    image = np.zeros((100, 200, 3), np.uint8)
    image[..., 2] = 204
    alpha = FloatPredictor(network, 64).predict(image)
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
        open_predictor(str(tmp_path / name), size=64).predict(image)
        for name in ("tiny.safetensors", "any.onnx", "static.onnx")
    ]
    assert mattes[0].shape == (60, 90)
    assert mattes[0].std() > 1
    for other in mattes[1:]:
        assert np.abs(mattes[0].astype(int) - other).max() <= 1


def test_to_a_network_with_a_memory_every_picture_is_a_first_one(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from tests.tiny_onnx import write_tiny_rvm

    rvm = open_predictor(str(write_tiny_rvm(tmp_path / "rvm.onnx")))
    image, _ = person((90, 60))
    for _ in range(2):  # its second frame would be darker
        np.testing.assert_allclose(rvm.predict(image), image[..., 1], atol=1)


def test_mattes_of_other_networks_are_of_their_pictures_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = SimpleNamespace(segmentation_mask=np.full((10, 20), 0.6, np.float32))
    segmentation = SimpleNamespace(process=lambda rgb: small)
    solutions = SimpleNamespace(
        selfie_segmentation=SimpleNamespace(SelfieSegmentation=lambda **_: segmentation)
    )
    monkeypatch.setitem(sys.modules, "mediapipe", SimpleNamespace(solutions=solutions))
    matte = open_predictor("mediapipe").predict(np.zeros((50, 70, 3), np.uint8))
    assert matte.shape == (50, 70)
    assert set(matte.ravel()) == {153}


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


def test_the_command_scores_pictures_without_people(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    negatives = write_people(tmp_path / "data", 3) / "image"
    ir = write_tiny_ir(tmp_path / "tiny.xml")
    files = ["--json", str(tmp_path / "s.json"), "--sheet", str(tmp_path / "s.png")]
    common = ["--models", str(ir), "--size", "64", "--limit", "2", *files]
    assert evaluate.main(["--negatives", str(negatives), *common]) == 0
    assert "false" in capsys.readouterr().out
    result = json.loads((tmp_path / "s.json").read_text())
    (means,) = result["negatives"]["means"]["all (2)"].values()
    assert set(means) == {"mse", "mad", "false_area", "false_alarm"}
    assert "pictures" not in result
    sheet = cv2.imread(str(tmp_path / "s.png"))
    assert sheet.shape == (2 * (CELL + MARGIN), 3 * (CELL + 4), 3)
    assert sheet[MARGIN:CELL, CELL + 100 : CELL + 120].max() == 0  # the truth: nobody


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
    found = [read_clip(path, 3) for path in find_clips(clips)]
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
        (["--models", "original", "--clips", ".", "--sheet", "x.png"], "--sheet shows", 2),
        (["--models", "TINY", "--negatives", "nowhere"], "nowhere: no such folder", 1),
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
        open_predictor(str(path))


def test_a_torch_device_that_is_not_there_is_told() -> None:
    with pytest.raises(PrunerError, match="torch cannot compute on 'nowhere'"):
        torch_predictor(tiny_network(TINY), device="nowhere")
