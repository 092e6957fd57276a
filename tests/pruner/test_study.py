"""The studies, on networks and pictures so small that they take seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from lightning_fabric import Fabric

from models import checkpoint
from models.modnet import MODNet
from models.widths import IBNWidth
from pruner import study
from pruner.data import pairs
from pruner.objectives import LossWeights, Objective
from pruner.recalibration import recalibrate
from pruner.run_folder import keep_settings
from pruner.schedule import Settings
from pruner.study_lab import Conditions, Lab
from pruner.study_report import COLUMNS, markdown
from pruner.trainer import Data, Trainer
from pruner.training_set import Mix
from pruner.validation import Score, Validation
from tests.pruner.people import TINY, write_people

EIGHT = IBNWidth(8, 8)
WIDE = replace(
    TINY,
    blocks=(16,) * 17,
    hidden=(None, *(16,) * 16),
    last=16,
    se=16,
    **dict.fromkeys(("lr16x", "lr8x", "mix4x", "lr4x", "f2x"), EIGHT),
    hr4x=(EIGHT,) * 3,
    hr2x=(EIGHT,) * 4,
)
"""Enough channels to cut some: widths stay multiples of eight, halves of four."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """People, a network, and the one it was pruned from."""
    root = tmp_path_factory.mktemp("world")
    write_people(root / "people", 4)
    torch.manual_seed(0)
    checkpoint.save(MODNet(WIDE), root / "wide.safetensors")
    checkpoint.save(MODNet(TINY), root / "tiny.safetensors")
    return root


@pytest.fixture(autouse=True)
def short_recalibration(monkeypatch: pytest.MonkeyPatch) -> None:
    short = partial(recalibrate, size=64, batches=1)
    monkeypatch.setattr("pruner.study_lab.recalibrate", short)


def options(world: Path, output: Path) -> list[str]:
    data = ["--data", str(world / "people"), "--val", str(world / "people"), "--val-size", "64"]
    speed = ["--steps", "1", "--batch", "2", "--sizes", "64", "--size", "64", "--workers", "0"]
    return [*data, *speed, "--output", str(output), "--val-limit", "1", "--accelerator", "cpu"]


def results(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "results.json").read_text())["rows"]
    return {row["name"]: row for row in rows}


def is_picture(path: Path) -> bool:
    picture = cv2.imread(str(path))
    return picture is not None and len({tuple(p) for p in picture[::9, ::9].reshape(-1, 3)}) > 5


def test_modes_are_compared_from_one_network_and_not_computed_again(
    world: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    networks = ["--weights", str(world / "tiny.safetensors"), "--teacher"]
    rooms = ["--backgrounds", str(world / "people/image"), "--composite", "1", "--negative", "0"]
    teacher = str(world / "wide.safetensors")
    arguments = ["modes", *networks, teacher, *options(world, tmp_path), *rooms]
    assert study.main(arguments) == 0
    assert any((tmp_path / "foregrounds").iterdir())  # estimated once for all networks
    rows = results(tmp_path / "modes")
    names = ["finetune", "finetune-fixed", "distil", "distil-fixed", "scratch", "scratch-fixed"]
    assert list(rows) == ["original", "pruned", *names]
    assert [rows[name]["steps"] for name in names] == [1] * 6
    assert rows["original"]["macs"] > rows["pruned"]["macs"] == rows["scratch"]["macs"]
    assert all(0 < row["mse"] < 1 and 0 <= row["iou"] <= 1 for row in rows.values())
    start, fixed = (
        checkpoint.load(tmp_path / "modes" / name / "network.safetensors").backbone.state_dict()
        for name in ("pruned", "scratch-fixed")
    )
    assert all(torch.equal(start[name], fixed[name]) for name in start)
    assert is_picture(tmp_path / "modes" / "results.png")
    printed = capsys.readouterr().out
    assert "| scratch-fixed " in printed
    assert "python -m pruner.study modes" in (tmp_path / "modes" / "results.md").read_text()

    def work_again(*_: object, **__: object) -> None:
        raise AssertionError("nothing is left to be done")

    monkeypatch.setattr(Lab, "retrained", work_again)
    assert study.main(arguments) == 0
    assert results(tmp_path / "modes") == rows


def test_budget_b_trains_for_what_the_larger_network_would_cost(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def fake(_lab: Lab, _folder: Path, *, longer: float, **_: object) -> dict[str, float]:
        asked.append(longer)
        return {"mse": 0.1, "mad": 0.1, "iou": 0.5, "steps": 1, "minutes": 0.1}

    monkeypatch.setattr(Lab, "retrained", fake)
    networks = ["--weights", str(world / "tiny.safetensors"), "--teacher"]
    arguments = [*networks, str(world / "wide.safetensors"), "--budget-b"]
    assert study.main(["modes", *arguments, *options(world, tmp_path)]) == 0
    assert asked[:6] == [1.0] * 6
    assert asked[6] == asked[7] > 1.5
    assert {"scratch-b", "scratch-b-fixed"} <= set(results(tmp_path / "modes"))


def test_criteria_are_compared_at_the_same_cost(world: Path, tmp_path: Path) -> None:
    weights = ["--weights", str(world / "wide.safetensors"), "--target-macs", "490M"]
    names = ["l1", "random", "taylor-greedy"]
    criteria = ["--criteria", *names, "--target-params", "1M"]
    arguments = ["importance", *weights, *criteria, *options(world, tmp_path)]
    assert study.main(arguments) == 0
    rows = results(tmp_path / "importance")
    assert list(rows) == ["original", *names]
    assert rows["original"]["macs"] > 490e6
    assert rows["taylor-greedy"]["threshold"] is None
    for name in names:
        assert 460e6 < rows[name]["macs"] <= 490e6
        assert (rows[name]["ratio"], rows[name]["steps"]) == (0.5, 1)
        assert rows[name]["mse_cut"] != rows[name]["mse_recalibrated"] != rows[name]["mse"]
    assert is_picture(tmp_path / "importance" / "results.png")


def test_a_sweep_sets_quality_against_latency_and_can_be_widened(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(model: MODNet, *, device: str, budget_s: float) -> float:
        return float(model.widths.lr16x.total)

    monkeypatch.setattr("pruner.study_lab.measure_latency", fake)
    networks = ["--weights", str(world / "wide.safetensors"), "--shipped"]
    arguments = ["sweep", *networks, str(world / "tiny.safetensors"), *options(world, tmp_path)]
    assert study.main([*arguments, "--ratios", "0.5", "--thresholds", "0.1"]) == 0
    assert study.main([*arguments, "--ratios", "0", "0.5", "--thresholds", "0.1"]) == 0
    latencies = {name: row["latency_ms"] for name, row in results(tmp_path / "sweep").items()}
    assert latencies == {
        "original": 16,
        "shipped": 4,
        "ratio-0-threshold-0.1": 16,
        "ratio-0.5-threshold-0.1": 8,
    }
    assert is_picture(tmp_path / "sweep" / "results.png")


def lab_in(folder: Path, world: Path, *, steps: int) -> Lab:
    items = pairs(world / "people")
    conditions = Conditions(
        Settings(steps=steps, batch=2, sizes=(64,), warmup=1, workers=0),
        LossWeights(),
        Data(items, (), Mix(), Validation(items[:2], 64)),
        items[:2],
        size=64,
    )
    fabric = Fabric(accelerator="cpu", devices=1)
    return Lab(folder, conditions, fabric=fabric, report=lambda _line: None)


def test_an_interrupted_network_goes_on_where_it_stood(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, started_at = Trainer.run, []

    def interrupted(trainer: Trainer, objective: Objective) -> Score:
        run(trainer, objective)
        raise KeyboardInterrupt

    def noted(trainer: Trainer, objective: Objective) -> Score:
        started_at.append(trainer.progress.step)
        return run(trainer, objective)

    def row_of(lab: Lab) -> dict[str, Any]:
        return lab.once("it", partial(lab.retrained, mode="scratch", start=MODNet(TINY)))

    monkeypatch.setattr(Trainer, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        row_of(lab_in(tmp_path, world, steps=2))
    assert not (tmp_path / "it" / "result.json").exists()
    monkeypatch.setattr(Trainer, "run", noted)
    assert row_of(lab_in(tmp_path, world, steps=4))["steps"] == 4
    assert started_at == [2]
    assert not (tmp_path / "it" / "last.pt").exists()  # it is done, and that file is large


def test_results_of_other_settings_are_not_mixed_in(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_settings(tmp_path, {"steps": 1, "keep": [("last", 8)]})
    keep_settings(tmp_path, {"steps": 1, "keep": [("last", 8)]})
    keep_settings(tmp_path / "modes", {"steps": 7})
    networks = ["--weights", str(world / "tiny.safetensors"), "--teacher"]
    arguments = ["modes", *networks, str(world / "wide.safetensors"), *options(world, tmp_path)]
    assert study.main(arguments) == 2
    error = capsys.readouterr().err
    assert "holds results with another" in error
    assert "steps" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "--ratios", "1"], "from 0 to below 1, got '1'"),
        (["sweep", "--ratios", "much"], "from 0 to below 1, got 'much'"),
        (["modes"], "--weights"),
        (["importance", "--steps", "3", "--minutes", "1"], "not allowed with"),
        ([], "QUESTION"),
    ],
)
def test_options_that_cannot_be_are_usage_errors(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        study.main(arguments)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_network_that_is_not_there_is_named(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert study.main(["modes", "--weights", "no.safetensors", *options(world, tmp_path)]) == 1
    assert capsys.readouterr().err == "error: no.safetensors: no such file\n"


def test_a_table_is_legible_and_leaves_out_what_is_not_known() -> None:
    rows = [{"name": "original", "mse": 0.01}, {"name": "finetune", "mse": 0.125, "steps": 3}]
    lines = markdown(COLUMNS["modes"][:2] + COLUMNS["modes"][4:5], rows).splitlines()
    assert lines == [
        "| network  |    MSE | steps |",
        "|:---------|-------:|------:|",
        "| original | 0.0100 |       |",
        "| finetune | 0.1250 |     3 |",
    ]
