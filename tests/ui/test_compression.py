from __future__ import annotations

import json
from pathlib import Path

import openvino as ov
import pytest

from tests.tiny_ir import write_tiny_ir
from ui.compression import LayerWidth, shipped_models, width_charts
from ui.figures import pruning_picture, width_chart

WIDTHS = {"stem": 32, "blocks": [16, 24, 24], "hidden": [None, 96], "lr16x": [48, 48], "f": [8, 8]}


def model_with_widths(path: Path, widths: object) -> Path:
    write_tiny_ir(path)
    model = ov.Core().read_model(path)
    model.set_rt_info(json.dumps(widths), ["matte", "widths"])
    path = path.with_name(f"with widths {path.name}")
    ov.save_model(model, path)
    return path


def with_report(folder: Path, weights: Path, report: object) -> Path:
    for path in weights.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "reports").mkdir()
    text = report if isinstance(report, str) else json.dumps(report)
    (folder / "reports" / "a.json").write_text(text)
    return folder


def test_models_are_told_without_any_report(weights: Path) -> None:
    assert [facts.card.title for facts in shipped_models(weights)] == ["MODNet", "MODNet-P"]


@pytest.mark.parametrize(
    "report",
    [
        {"pruned": {"mse": 0.01, "latency_ms": 20}},
        {"models": {"pruned": {"scores": {"mse": 0.01}, "latency_ms": 20}, "other": {"mse": 7}}},
        [{"model": "pruned", "mse": 0.01, "all": {"mse": 9, "latency_ms": 20}}],
    ],
)
def test_scores_are_found_wherever_a_report_has_them(
    tmp_path: Path, weights: Path, report: object
) -> None:
    original, pruned = shipped_models(with_report(tmp_path, weights, report))
    assert pruned.scores == {"mse": 0.01, "latency_ms": 20}
    assert original.scores == {}


@pytest.mark.parametrize("report", ["{ broken", [], {"pruned": 3}, {"pruned": {"mse": "low"}}])
def test_a_report_that_says_nothing_does_no_harm(
    tmp_path: Path, weights: Path, report: object
) -> None:
    assert shipped_models(with_report(tmp_path, weights, report))[1].scores == {}


def test_widths_are_read_from_the_models_themselves(tmp_path: Path) -> None:
    before = model_with_widths(tmp_path / "before.xml", WIDTHS)
    smaller = WIDTHS | {"stem": 16, "blocks": [8, 16, 24], "lr16x": [24, 20]}
    after = model_with_widths(tmp_path / "after.xml", smaller)
    inside, between, branches = width_charts(before, after).values()
    assert inside == [LayerWidth("hidden 1", 96, 96)]
    assert between == [
        LayerWidth("stem", 32, 16),
        LayerWidth("blocks 0", 16, 8),
        LayerWidth("blocks 1", 24, 16),
        LayerWidth("blocks 2", 24, 24),
    ]
    assert branches == [LayerWidth("lr16x", 96, 44), LayerWidth("f", 16, 16)]


def test_models_without_widths_have_no_charts(tmp_path: Path, weights: Path) -> None:
    assert width_charts(weights / "green.xml", weights / "blue.xml") == {}
    assert width_charts(tmp_path / "missing.xml", weights / "blue.xml") == {}


def test_columns_start_at_zero() -> None:
    svg = width_chart("Branches", [LayerWidth("one", 100, 50), LayerWidth("two", 50, 10)])
    bars = [part.split('"') for part in svg.split("<rect ")[1:]]
    heights = [float(part[9]) for part in bars]
    bottoms = [float(part[5]) + float(part[9]) for part in bars]
    assert heights == [120, 60, 60, 12]
    assert set(bottoms) == {150}
    assert "one: 100 to 50 channels" in svg


def test_the_picture_explains_both_words() -> None:
    assert "Threshold" in pruning_picture()
    assert "Ratio" in pruning_picture()
