from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from models.modnet import MODNet
from models.widths import MODNetWidths
from pruner.cost import CostModel, cost
from pruner.groups import groups, resized
from tests.pruner.networks import TINY, WITHOUT_EXPANSION


def test_modnet_costs_what_is_published() -> None:
    """PaddleSeg counts 6.5 M and 15.7 G; the pruning code 18.32 G, with the heads and the norms."""
    modnet = cost(MODNetWidths())
    assert modnet.parameters == 6_487_075
    assert modnet.macs == 15_465_971_712
    assert modnet.macs_with_heads == 18_117_066_752
    assert modnet.activations == 59_500_096
    assert modnet.size_wh == (512, 512)


@pytest.mark.parametrize("widths", [TINY, WITHOUT_EXPANSION])
@pytest.mark.parametrize("size_wh", [(32, 32), (96, 64)])
def test_the_count_is_that_of_torch(widths: MODNetWidths, size_wh: tuple[int, int]) -> None:
    model = MODNet(widths).eval()
    counted = cost(widths, size_wh)
    for heads, macs in ((False, counted.macs), (True, counted.macs_with_heads)):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, 3, size_wh[1], size_wh[0]), heads=heads)
        assert counter.get_total_flops() == 2 * macs


def test_parameters_are_those_of_the_network() -> None:
    assert cost(TINY).parameters == sum(p.numel() for p in MODNet(TINY).parameters())


@pytest.mark.parametrize("widths", [TINY, WITHOUT_EXPANSION])
def test_narrower_networks_are_counted_without_being_built(widths: MODNetWidths) -> None:
    model = CostModel(widths, (64, 96))
    counts = {name: max(1, group.width // 2) for name, group in groups(widths).items()}
    assert model({}) == cost(widths, (64, 96))
    assert model(counts) == cost(resized(widths, counts), (64, 96))
    assert model({"last": 5}) == cost(resized(widths, {"last": 5}), (64, 96))


def test_activations_are_what_layers_put_out() -> None:
    model, values = MODNet(TINY).eval(), 0

    def count(layer: nn.Module, given: object, output: Tensor) -> None:
        nonlocal values
        values += output.numel()

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 96))
    assert cost(TINY, (96, 64)).activations == values


def test_counting_draws_no_random_numbers() -> None:
    state = torch.random.get_rng_state()
    cost(TINY)
    assert torch.equal(torch.random.get_rng_state(), state)
