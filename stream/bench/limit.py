"""How fast the machine multiplies at best, and so how fast a network could be.

The yardstick is a chain of wide 3 x 3 convolutions, which is the work that processors and OpenVINO
do best. A network's multiply-accumulates (MACs) at that rate are its limit: narrow layers, moving
data and everything that is not a convolution lie between the limit and what it really takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from stream.bench.rounds import Task
from stream.inference.devices import core
from stream.inference.engine import EngineOptions

_CHANNELS, _SIDE, _LAYERS, _KERNEL = 256, 64, 3, 3

CHAIN_MACS = _LAYERS * (_SIDE * _CHANNELS * _KERNEL) ** 2
"""Of one inference of a chain."""

_CONVOLUTIONS = ("Convolution", "GroupConvolution")
_ONE_THREAD = EngineOptions(device="CPU", requests=1, threads=1, cache_dir=None)


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates of one inference.

    Attributes:
        f32: Those computed in floating point.
        int8: Those computed in 8 bits.
    """

    f32: int
    int8: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.f32 + self.int8

    def limit_ms(self, f32_chain_ms: float, int8_chain_ms: float) -> float:
        """The time they take at the speed of the two chains.

        Args:
            f32_chain_ms: Time of the chain in floating point in milliseconds.
            int8_chain_ms: Time of the chain in 8 bits in milliseconds.
        """
        return (self.f32 * f32_chain_ms + self.int8 * int8_chain_ms) / CHAIN_MACS


def count_macs(network: ov.Model) -> Macs:
    """Count those of the convolutions and matrix products of a network of static shape."""
    counts = {False: 0, True: 0}
    for node in network.get_ops():
        kind = node.get_type_name()
        if kind in _CONVOLUTIONS:
            # Each weight is used once at each position of the output.
            uses = prod(list(node.get_output_shape(0))[2:])
            macs = uses * prod(list(node.get_input_shape(1)))
        elif kind == "MatMul":
            inner = list(node.get_input_shape(0))[
                -2 if node.get_attributes()["transpose_a"] else -1
            ]
            macs = inner * prod(list(node.get_output_shape(0)))
        else:
            continue
        counts[_has_8_bit_weights(node)] += macs
    return Macs(f32=counts[False], int8=counts[True])


def _has_8_bit_weights(node: ov.Node) -> bool:
    """Whether the weights are quantised on their way from the file to the layer."""
    weights = node.input_value(1).get_node()
    while weights.get_type_name() != "Constant":
        if weights.get_type_name() == "FakeQuantize":
            return True
        if weights.get_input_size() == 0:
            return False
        weights = weights.input_value(0).get_node()
    return bool(weights.get_element_type() in (ov.Type.i8, ov.Type.u8))


def chain_inference(*, int8: bool) -> Task:
    """Prepare the chain for one thread; each call is one inference."""
    network = convolution_chain(int8=int8)
    request = core().compile_model(network, "CPU", _ONE_THREAD.properties()).create_infer_request()
    request.get_input_tensor().data[:] = 0.5
    return lambda: request.infer()


def convolution_chain(*, int8: bool) -> ov.Model:
    """Build the chain, in floating point or in 8 bits."""
    chance = np.random.default_rng(0)
    image = ops.parameter([1, _CHANNELS, _SIDE, _SIDE], np.float32)
    node = image
    for _ in range(_LAYERS):
        shape = (_CHANNELS, _CHANNELS, _KERNEL, _KERNEL)
        weights = ops.constant(chance.uniform(-1, 1, shape).astype(np.float32))
        if int8:
            node = ops.fake_quantize(node, *map(np.float32, (0, 1, 0, 1)), 256)
            weights = ops.fake_quantize(weights, *map(np.float32, (-1, 1, -1, 1)), 255)
        node = ops.relu(ops.convolution(node, weights, [1, 1], [1, 1], [1, 1], [1, 1]))
    return ov.Model([node], [image], "chain")
