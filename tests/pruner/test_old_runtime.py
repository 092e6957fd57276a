from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch

from pruner.errors import PrunerError
from pruner.old_runtime import write_for_old_runtime
from tests.pruner.networks import WITHOUT_EXPANSION, tiny_image, tiny_network

READABLE = {f"opset{n}" for n in range(1, 8)}
"""The operator sets that OpenVINO 2021.4 knows."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "tiny.ncs2.xml"
    write_for_old_runtime(tiny_network(WITHOUT_EXPANSION).float(), path)
    return path


def test_the_file_is_what_the_old_runtime_reads(written: Path) -> None:
    root = ElementTree.parse(written).getroot()
    assert root.attrib["version"] == "10"
    layers = root.findall("layers/layer")
    assert {layer.attrib["version"] for layer in layers} <= READABLE
    dimensions = {dim.text for dim in root.iter("dim")}
    assert "-1" not in dimensions  # static
    assert written.with_suffix(".bin").stat().st_size > 0


def test_all_numbers_are_half_precision_but_for_sizes(written: Path) -> None:
    root = ElementTree.parse(written).getroot()
    consumers = {
        (edge.attrib["from-layer"], edge.attrib["to-layer"]) for edge in root.find("edges") or ()
    }
    resizing = {
        layer.attrib["id"] for layer in root.iter("layer") if layer.attrib["type"] == "Interpolate"
    }
    for layer in root.iter("layer"):
        feeds_resizing = any((layer.attrib["id"], other) in consumers for other in resizing)
        for port in layer.iterfind("output/port"):
            if not (layer.attrib["type"] == "Const" and feeds_resizing):
                assert port.attrib["precision"] in ("FP16", "I64", "I32"), layer.attrib["name"]


@pytest.mark.parametrize("size", [64, 96])
def test_it_is_the_same_network_at_any_size(written: Path, size: int) -> None:
    image = tiny_image(size).float()
    network = ov.Core().read_model(written)
    network.reshape([1, 3, size, size])
    compiled = ov.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with torch.no_grad():
        expected = tiny_network(WITHOUT_EXPANSION).float()(image).matte.numpy()
    np.testing.assert_allclose(compiled(image.numpy())[0], expected, atol=0.01)


def test_a_weight_that_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    model = tiny_network().float()
    with torch.no_grad():
        model.lr_branch.se_block.fc[0].weight[0, 0] = 1e6
    with pytest.raises(PrunerError, match="float16 cannot hold the constant"):
        write_for_old_runtime(model, tmp_path / "large.xml")
    assert list(tmp_path.iterdir()) == []
