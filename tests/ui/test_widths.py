from __future__ import annotations

import json
from pathlib import Path

import openvino as ov

from tests.tiny_ir import write_tiny_ir
from ui.widths import LayerWidth, width_charts

WIDTHS = {"stem": 32, "blocks": [16, 24, 24], "hidden": [None, 96], "lr16x": [48, 48], "f": [8, 8]}


def model_with_widths(path: Path, widths: object) -> Path:
    write_tiny_ir(path)
    model = ov.Core().read_model(path)
    model.set_rt_info(json.dumps(widths), ["matte", "widths"])
    path = path.with_name(f"with widths {path.name}")
    ov.save_model(model, path)
    return path


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
