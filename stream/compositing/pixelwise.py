"""Formulas on whole pictures, each compiled by OpenVINO into one loop over their samples.

OpenCV would need a call per operation: each walks through memory once more and rounds to 8 bits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from stream.compositing.arithmetic import Plane
from stream.inference.devices import core

_Kind: TypeAlias = tuple[int, tuple[np.dtype[Any], ...]]
"""How many samples the pictures have, and of which types they are."""

Values: TypeAlias = Any
"""A node of an OpenVINO graph: floating point, 0 to 255. The package has no types."""

_MAX_SIZES = 4
_PROPERTIES = {
    "INFERENCE_NUM_THREADS": 1,  # it is short, and the other cores have other work
    "INFERENCE_PRECISION_HINT": "f32",
}


class Pixelwise:
    """A formula that is applied to every sample by itself. Any thread may call it.

    Args:
        formula: Takes a node for each picture and gives one, by way of `openvino.opset13`.
    """

    def __init__(self, formula: Callable[..., Values]) -> None:
        self._formula = formula
        self._lock = threading.Lock()
        self._requests: OrderedDict[_Kind, ov.InferRequest] = OrderedDict()

    def __call__(self, *pictures: Plane | NDArray[np.float32]) -> Plane:
        """Compute it.

        Args:
            pictures: uint8 or float32, all with as many samples.

        Returns:
            uint8 in the shape of the first, rounded and saturated; nobody else's.
        """
        # OpenVINO shares only memory that it could also write to.
        flat = [np.require(picture, requirements=("C", "W")).reshape(-1) for picture in pictures]
        result = np.empty(flat[0].size, np.uint8)
        with self._lock:
            request = self._request((result.size, tuple(samples.dtype for samples in flat)))
            for place, samples in enumerate(flat):
                request.set_input_tensor(place, ov.Tensor(samples, shared_memory=True))
            request.set_output_tensor(ov.Tensor(result, shared_memory=True))
            request.infer()
        return result.reshape(pictures[0].shape)

    def _request(self, kind: _Kind) -> ov.InferRequest:
        """The formula compiled for one kind of pictures; the latest few are kept.

        Compiled for any size, it would be ten times as slow.
        """
        if kind not in self._requests:
            if len(self._requests) == _MAX_SIZES:
                self._requests.popitem(last=False)
            compiled = core().compile_model(self._graph(kind), "CPU", _PROPERTIES)
            self._requests[kind] = compiled.create_infer_request()
        self._requests.move_to_end(kind)
        return self._requests[kind]

    def _graph(self, kind: _Kind) -> ov.Model:
        size, types = kind
        pictures = [ops.parameter([size], dtype) for dtype in types]
        result = self._formula(*(ops.convert(picture, np.float32) for picture in pictures))
        rounded = ops.clamp(ops.add(result, number(0.5)), 0, 255)  # converting cuts fractions off
        return ov.Model([ops.convert(rounded, np.uint8)], pictures, self._formula.__name__)


def number(value: float) -> Values:
    """A constant for a formula."""
    return ops.constant(value, np.float32)
