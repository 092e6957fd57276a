"""Writes a network for OpenVINO 2021.4, the last release that drives a Neural Compute Stick 2.

What that release reads is IR version 10, operations of 2020, static shapes; what the stick computes
in is float16. So a network gets a file of its own beside its IR, `NAME.ncs2.xml`: MODNet as it was
published, since the rewrites that pay on a CPU need sums that float16 cannot hold and operations
that the stick has not; and without the pre- and postprocessing, which `stream/ncs2/worker.py` does.
`python -m pruner.export --ncs2` writes it.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from openvino import passes
from openvino.utils.node_factory import NodeFactory
from torch import Tensor, nn

from models.modnet import STRIDE, MODNet
from pruner.errors import PrunerError

_SIZE_HW = (512, 512)
"""What the file says; the old runtime can change it, as long as all shapes follow from it."""

_IR_VERSION = 10


def write_for_old_runtime(model: MODNet, path: Path) -> None:
    """Write a network as IR version 10 with float16 throughout.

    Args:
        model: Any MODNet. The file's network takes (1, 3, h, w) RGB in [-1, 1] and gives the matte,
            (1, 1, h, w) in [0, 1].
        path: The `.xml`; the weights go beside it into the `.bin` of the same name.

    Raises:
        PrunerError: A weight is too large for float16.
    """
    network = _convert(model)
    for node in network.get_ordered_ops():
        if node.get_type_name() == "Interpolate":
            node.output(0).replace(_interpolate_of_2020(node).output(0))
    _require_half_range(network, path)
    network.set_rt_info(_IR_VERSION, ["version"])  # OpenVINO refuses to write another than was read
    manager = passes.Manager()
    manager.register_pass(passes.ConvertFP32ToFP16())
    manager.register_pass(passes.ConstantFolding())
    manager.register_pass(passes.Serialize(path, path.with_suffix(".bin"), f"IR_V{_IR_VERSION}"))
    manager.run_passes(network)


class _MatteOnly(nn.Module):
    def __init__(self, model: MODNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        """The matte of a picture."""
        matte: Tensor = self.model(image).matte
        return matte


def _convert(model: MODNet) -> ov.Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns that it does not trace the size check
        network = ov.convert_model(
            _MatteOnly(model).eval(),
            example_input=torch.zeros(1, 3, 2 * STRIDE, 3 * STRIDE),
            input=[1, 3, *_SIZE_HW],
        )
    network.input().get_node().set_friendly_name("image")
    return network


def _interpolate_of_2020(node: ov.Node) -> ov.Node:
    """The same resizing as opset 4 has it: with sizes and scales, of which the latter count."""
    source, target = node.get_input_shape(0), node.get_output_shape(0)
    sizes = np.array(target[2:], np.int64)
    scales = np.array([target[2] / source[2], target[3] / source[3]], np.float32)
    inputs = [ov.op.Constant(values) for values in (sizes, scales, np.array([2, 3], np.int64))]
    return NodeFactory("opset4").create(
        "Interpolate",
        [node.input_value(0), *(constant.output(0) for constant in inputs)],
        {**node.get_attributes(), "shape_calculation_mode": "scales"},
    )


def _require_half_range(network: ov.Model, path: Path) -> None:
    """OpenVINO would bring what is too large down to the largest float16, without a word."""
    largest = np.finfo(np.float16).max
    for node in network.get_ops():
        if node.get_type_name() == "Constant" and np.abs(node.get_data()).max() > largest:
            name = node.get_friendly_name()
            raise PrunerError(f"{path}: float16 cannot hold the constant '{name}'")
