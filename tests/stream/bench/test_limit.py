from __future__ import annotations

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from stream.bench.limit import CHAIN_MACS, Macs, convolution_chain, count_macs


def random(*shape: int) -> ov.Node:
    return ops.constant(np.ones(shape, np.float32))


def test_a_convolution_uses_each_weight_once_at_each_position_of_its_output() -> None:
    image = ops.parameter([1, 3, 8, 6], np.float32)
    node = ops.convolution(image, random(5, 3, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1])
    assert count_macs(ov.Model([node], [image])) == Macs(f32=4 * 3 * 5 * 3 * 3 * 3, int8=0)


def test_a_depthwise_convolution_has_one_filter_for_each_channel() -> None:
    image = ops.parameter([1, 4, 5, 5], np.float32)
    weights = random(4, 1, 1, 3, 3)
    node = ops.group_convolution(image, weights, [1, 1], [1, 1], [1, 1], [1, 1])
    assert count_macs(ov.Model([node], [image])).total == 5 * 5 * 4 * 9


@pytest.mark.parametrize("transposed", [False, True])
def test_a_matrix_product_counts_rows_times_columns_times_inner_length(transposed: bool) -> None:
    values = ops.parameter([7, 2] if transposed else [2, 7], np.float32)
    node = ops.matmul(values, random(7, 3), transposed, False)
    assert count_macs(ov.Model([node], [values])).total == 2 * 7 * 3


@pytest.mark.parametrize("int8", [False, True])
def test_the_chain_has_the_macs_that_rates_are_made_of_in_its_own_precision(int8: bool) -> None:
    wanted = Macs(f32=0, int8=CHAIN_MACS) if int8 else Macs(f32=CHAIN_MACS, int8=0)
    assert count_macs(convolution_chain(int8=int8)) == wanted


def test_weights_stored_in_8_bits_count_as_8_bit_multiplications() -> None:
    image = ops.parameter([1, 1, 4, 4], np.float32)
    stored = ops.constant(np.ones((1, 1, 1, 1), np.int8))
    weights = ops.multiply(ops.convert(stored, np.float32), ops.constant(np.float32(0.1)))
    node = ops.convolution(image, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    assert count_macs(ov.Model([node], [image])) == Macs(f32=0, int8=16)


def test_the_limit_is_each_precisions_macs_at_the_speed_of_its_chain() -> None:
    macs = Macs(f32=2 * CHAIN_MACS, int8=CHAIN_MACS)
    assert macs.limit_ms(f32_chain_ms=10, int8_chain_ms=3) == pytest.approx(23)
