"""Others' networks that take no time: the matte is the picture's green channel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STATES = ("r1", "r2", "r3", "r4")


def write_tiny_modnet(path: Path, *, size_wh: tuple[int, int] | None = None) -> Path:
    """Write an ONNX file with the input and output of a plainly exported MODNet."""
    width, height = size_wh or ("width", "height")
    nodes = [
        *_green("image", "green"),
        helper.make_node("Mul", ["green", "half"], ["halved"]),
        helper.make_node("Add", ["halved", "half"], ["alpha"]),
    ]
    image = _tensor("image", (1, 3, height, width))
    return _write(path, nodes, [image], [_tensor("alpha", (1, 1, height, width))], half=[0.5])


def write_tiny_rvm(path: Path) -> Path:
    """Write an ONNX file with the inputs and outputs of RobustVideoMatting.

    Each state counts the frames; the matte is darkened by a tenth of the first one's count.
    """
    nodes = [
        *_green("src", "green"),
        helper.make_node("Identity", ["src"], ["fgr"]),
        *(helper.make_node("Add", [f"{state}i", "one"], [f"{state}o"]) for state in STATES),
        helper.make_node("Mul", ["r1i", "tenth"], ["darker"]),
        helper.make_node("Sub", ["green", "darker"], ["bare"]),
        helper.make_node("Mul", ["downsample_ratio", "zero"], ["nothing"]),
        helper.make_node("Add", ["bare", "nothing"], ["pha"]),
    ]
    any_size = (1, 3, "height", "width")
    inputs = [
        _tensor("src", any_size),
        *(_tensor(f"{state}i", (1, "c" + state, "h" + state, "w" + state)) for state in STATES),
        _tensor("downsample_ratio", (1,)),
    ]
    outputs = [
        _tensor("fgr", any_size),
        _tensor("pha", (1, 1, "height", "width")),
        *(_tensor(f"{state}o", (1, None, None, None)) for state in STATES),
    ]
    return _write(path, nodes, inputs, outputs, one=[1.0], tenth=[0.1], zero=[0.0])


def _green(image: str, green: str) -> list[onnx.NodeProto]:
    bounds = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array([at])))
        for name, at in (("from", 1), ("to", 2))
    ]
    return [*bounds, helper.make_node("Slice", [image, "from", "to", "from"], [green])]


def _tensor(name: str, shape: Sequence[int | str | None]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _write(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    **constants: list[float],
) -> Path:
    values = [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in constants.items()
    ]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, values)
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=opsets), path)
    return path
