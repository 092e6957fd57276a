"""A graph of floats turned into one whose convolutions compute with 8 bits, by NNCF.

What is chosen here was tried on MODNet-P with few pictures, by the mean difference of its mattes
from the float network's. In parts of what is done here: symmetric activations (PERFORMANCE) 1.07,
NNCF's slow "accurate" bias correction 1.5, both 2.1. With symmetric activations, in parts of that:
ranges from extremes 1.2, from quantiles 1.07, residual additions left float 1.04, the whole head of
8 bits 1.2, the first convolution too 1.3, the first block of the backbone too 2.4, and that with
the default threshold of the bias correction 4.3. The first block, whose channels are very unlike in
size, costs 3 % of the time in float; the head's two large convolutions save 10 %.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import nncf
import numpy as np
import openvino as ov
from nncf.quantization.advanced_parameters import (
    AdvancedAccuracyRestorerParameters,
    AdvancedBiasCorrectionParameters,
    AdvancedQuantizationParameters,
)
from numpy.typing import NDArray

from pruner.openvino_ir import set_info
from pruner.quant_check import Check

FLOAT_TYPES = (
    *("ReduceMean", "ReduceSum", "ReduceL2"),
    *("Subtract", "Divide", "Power", "Sqrt"),
    "MatMul",
)
"""Operations of the instance norms, and of the gate: 8 bits save nothing there, and cost much. With
some numbers of channels OpenVINO 2026.4 even multiplies matrices of 8 bits with what it finds in
memory, so that a gate is another one each time the network is compiled."""

FLOAT_NAMES = (
    r"^aten::.*",  # what comes before and after the network
    r".*\.ibnorm/.*",
    r".*\.features\.[01]\..*",
    r".*\.head[./](?!aten::_convolution/(Convolution|Convolution_1|Add)$).*",
)
"""Of the head only the two large convolutions are of 8 bits, not the frame and not the matte's."""

RANKING_PICTURES = 24
"""How many pictures decide which layer costs most, where one has to stay float."""

_ANY_SHIFT = 1e9


def to_int8(
    graph: ov.Model, calibration: Sequence[NDArray[np.uint8]], check: Check, *, max_drop: float
) -> ov.Model:
    """Quantise a graph; what cannot take 8 bits stays as it is.

    Args:
        graph: As `to_ir(model, half=False)` makes it: NNCF finds no weights in float16 ones.
        calibration: Pictures (1, h, w, 3), of any sizes, that show which values occur.
        check: Says how much is lost.
        max_drop: The most that may be lost, in the check's measure. Above it, layer after layer is
            made float again, the one that costs most first.

    Returns:
        A graph with the same input, output and `rt_info`.
    """
    nncf.set_log_level(logging.WARNING)
    info = graph.get_rt_info(["matte"]).value
    parameters = AdvancedQuantizationParameters(
        # By default a layer goes uncorrected if a single one of its biases would change a lot.
        bias_correction_params=AdvancedBiasCorrectionParameters(threshold=_ANY_SHIFT)
    )
    made: ov.Model = nncf.quantize_with_accuracy_control(
        graph,
        nncf.Dataset(calibration),
        nncf.Dataset(check.samples),
        check,
        max_drop=max_drop,
        drop_type=nncf.DropType.ABSOLUTE,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(calibration),
        fast_bias_correction=True,
        ignored_scope=nncf.IgnoredScope(
            types=list(FLOAT_TYPES), patterns=list(FLOAT_NAMES), validate=False
        ),
        advanced_quantization_parameters=parameters,
        advanced_accuracy_restorer_parameters=AdvancedAccuracyRestorerParameters(
            ranking_subset_size=RANKING_PICTURES, num_ranking_workers=1
        ),
    )
    set_info(made, info)
    return made


def convolutions(graph: ov.Model) -> tuple[list[str], list[str]]:
    """The names of a graph's convolutions of 8 bits, and of those of floats."""
    found: tuple[list[str], list[str]] = [], []
    for node in graph.get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            found[not _has_bytes(node.input_value(1).get_node())].append(node.get_friendly_name())
    return found


def _has_bytes(weights: ov.Node) -> bool:
    """Whether weights are stored with 8 bits, however they are brought to floats."""
    if weights.get_type_name() == "Constant":
        return bool(weights.get_output_element_type(0) in (ov.Type.i8, ov.Type.u8))
    # A chain: what is multiplied, shifted, reshaped or converted comes first.
    return _has_bytes(weights.input_value(0).get_node())
