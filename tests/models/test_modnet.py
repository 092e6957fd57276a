from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths
from tests.models.published_modnet import MODNET, forward, random_state


@pytest.fixture(scope="module")
def network() -> MODNet:
    torch.manual_seed(0)
    return MODNet().eval()


def image(height: int = 64, width: int = 96) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_the_published_network_has_6_49_million_parameters(network: MODNet) -> None:
    assert sum(parameter.numel() for parameter in network.parameters()) == 6_487_075


def test_the_backbone_is_registered_once(network: MODNet) -> None:
    assert not [name for name in network.state_dict() if name.startswith("lr_branch.backbone")]


def test_the_names_and_shapes_are_the_published_ones(network: MODNet) -> None:
    published = {name: tensor.shape for name, tensor in random_state(**MODNET).items()}
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == published


@torch.no_grad()
def test_it_computes_what_the_published_network_computes() -> None:
    state = random_state(**MODNET)
    ours = MODNet().double().eval()
    ours.load_state_dict(state)
    output = ours(image().double(), heads=True)
    expected = forward(state, image().double())
    assert float(expected.matte.std()) > 0.05  # the comparison is about something
    for got, want in zip((output.semantic, output.detail, output.matte), expected, strict=True):
        assert float((got - want).abs().max()) < 1e-5


@torch.no_grad()
def test_outputs_have_the_documented_shapes_and_range(network: MODNet) -> None:
    output = network(image(64, 96), heads=True)
    assert output.matte.shape == output.detail.shape == (2, 1, 64, 96)
    assert output.semantic.shape == (2, 1, 4, 6)
    for prediction in output:
        assert 0 <= float(prediction.min()) <= float(prediction.max()) <= 1


@torch.no_grad()
def test_the_train_only_heads_run_only_when_asked(network: MODNet) -> None:
    alone = network(image())
    assert alone.semantic is None
    assert alone.detail is None
    both = network(image(), heads=True)
    assert torch.equal(alone.matte, both.matte)
    without_detail = network(image(), heads=True, detail=False)
    assert without_detail.detail is None
    assert torch.equal(without_detail.semantic, both.semantic)


@pytest.mark.parametrize(("height", "width"), [(64, 65), (33, 64)])
def test_a_size_that_the_strides_do_not_divide_is_refused(
    network: MODNet, height: int, width: int
) -> None:
    with pytest.raises(ValueError, match=f"multiples of 32, got {height} x {width}"):
        network(image(height, width))


@torch.no_grad()
def test_it_can_be_built_at_other_widths() -> None:
    widths = replace(
        MODNetWidths(), last=40, se=3, lr8x=IBNWidth(5, 2), f=IBNWidth(1, 3), hidden=(None,) * 17
    )
    model = MODNet(widths).eval()
    assert model.widths == widths
    assert model.lr_branch.se_block.fc[0].weight.shape == (3, 40)
    assert model.f_branch.conv_lr4x.layers[0].weight.shape == (32, 7, 5, 5)
    assert model(image(32, 32)).matte.shape == (2, 1, 32, 32)
