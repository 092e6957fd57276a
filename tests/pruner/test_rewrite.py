"""Every rewrite computes what the network computes: to 1e-9 in float64, borders included."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.modnet import Conv2dIBNormRelu, ConvHead, resize
from models.widths import IBNWidth
from pruner.layers import FoldedConv, IBNormConv, PictureConv
from pruner.polyphase import PolyphaseHead, over_cells, over_pixels
from pruner.rewrite import for_inference
from tests.pruner.networks import TINY, WITHOUT_EXPANSION, tiny_network

EXACT = 1e-9


def normed_layer(in_channels: int, width: IBNWidth, kernel: int = 3) -> Conv2dIBNormRelu:
    """A float64 layer whose batch norm does something."""
    torch.manual_seed(0)
    layer = Conv2dIBNormRelu(in_channels, width, kernel).double().eval()
    norm = layer.layers[1].bnorm
    nn.init.normal_(norm.weight, 1.0, 0.3)
    nn.init.normal_(norm.bias, 0.5, 0.5)
    nn.init.normal_(norm.running_mean, 0.0, 0.3)
    nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return layer


def noise(*shape: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def same(found: Tensor, expected: Tensor, tolerance: float = EXACT) -> bool:
    return found.shape == expected.shape and bool((found - expected).abs().max() < tolerance)


@torch.no_grad()
@pytest.mark.parametrize("width", [IBNWidth(3, 5), IBNWidth(4, 4), IBNWidth(6, 1), IBNWidth(8, 0)])
def test_an_ibnorm_is_one_affine_per_channel(width: IBNWidth) -> None:
    layer, x = normed_layer(5, width), noise(2, 5, 9, 7)
    assert same(IBNormConv(layer, half=False)(x), layer(x))


@torch.no_grad()
def test_an_instance_half_far_from_zero_keeps_its_precision() -> None:
    layer = normed_layer(5, IBNWidth(3, 5)).float()
    layer.layers[0].bias[3:] = 0
    x = noise(1, 5, 64, 64).float() * 0.01 + 30
    reference = copy.deepcopy(layer).double()(x.double())
    assert same(IBNormConv(layer, half=False)(x).double(), reference, 2e-2)


@torch.no_grad()
def test_a_channel_that_never_changes_becomes_zero_and_not_infinite() -> None:
    layer = normed_layer(5, IBNWidth(3, 5))
    x = torch.zeros(1, 5, 8, 8, dtype=torch.float64)
    assert same(IBNormConv(layer, half=False)(x), layer(x))


@torch.no_grad()
@pytest.mark.parametrize("bias", [True, False])
def test_a_batch_norm_disappears_into_its_convolution(bias: bool) -> None:
    norm = normed_layer(5, IBNWidth(6, 1)).layers[1].bnorm
    conv = nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, bias=bias).double()
    x = noise(1, 6, 8, 8)
    assert same(FoldedConv(conv, norm, half=False)(x), norm(conv(x)))


@torch.no_grad()
def test_half_weights_lose_nothing_that_a_shipped_checkpoint_has() -> None:
    layer, x = normed_layer(5, IBNWidth(3, 5)), noise(1, 5, 9, 7)
    conv = layer.layers[0]
    conv.weight.copy_(conv.weight.half())
    rewritten = IBNormConv(layer, half=True)
    assert rewritten.conv.weight.dtype == torch.float16
    assert same(rewritten(x), layer(x))


def test_a_kernel_over_cells_sees_what_a_kernel_over_their_upsampling_sees() -> None:
    kernel, cells = noise(2, 3, 3, 3), noise(1, 3, 6, 7, seed=2)
    expected = F.conv2d(resize(cells, 2), kernel, padding=1)[:, :, 2:-2, 2:-2]
    phases = F.conv2d(cells, over_cells(kernel)).unflatten(1, (4, 2)).transpose(1, 2).flatten(1, 2)
    assert same(F.pixel_shuffle(phases, 2), expected)


def test_a_strided_kernel_over_pixels_sees_what_the_kernel_sees() -> None:
    kernel, image = noise(2, 3, 3, 3), noise(1, 3, 12, 14, seed=2)
    expected = F.conv2d(image, kernel, padding=1)[:, :, 2:-2, 2:-2]
    phases = F.conv2d(image[:, :, 1:-1, 1:-1], over_pixels(kernel), stride=2)
    phases = phases.unflatten(1, (4, 2)).transpose(1, 2).flatten(1, 2)
    assert same(F.pixel_shuffle(phases, 2), expected)


@torch.no_grad()
@pytest.mark.parametrize(("shrunk", "stride"), [(2, 1), (2, 2), (4, 1)])
@pytest.mark.parametrize("picture_first", [True, False])
def test_a_kernel_over_the_picture_sees_what_the_kernel_sees_of_it_shrunk(
    shrunk: int, stride: int, picture_first: bool
) -> None:
    layer = normed_layer(3 + 4, IBNWidth(3, 2))
    layer.conv.stride = (stride, stride)
    image = noise(2, 3, 64, 96)
    features = noise(2, 4, 64 // shrunk, 96 // shrunk, seed=2)
    parts = [resize(image, 1 / shrunk), features]
    place = slice(3) if picture_first else slice(-3, None)
    expected = layer(torch.cat(parts if picture_first else parts[::-1], dim=1))
    found = PictureConv(layer, picture=place, shrunk=shrunk, half=False)(features, image)
    assert same(found, expected)


@torch.no_grad()
@pytest.mark.parametrize("width", [IBNWidth(3, 2), IBNWidth(5, 0)])
@pytest.mark.parametrize("size_hw", [(3, 3), (4, 7), (16, 16)])
def test_the_head_before_upsampling_is_the_head_after_it_up_to_the_last_row(
    size_hw: tuple[int, int], width: IBNWidth
) -> None:
    layer, last = normed_layer(4 + 3, width), ConvHead(5, 1).double()
    features, image = noise(2, 4, *size_hw), noise(2, 3, 2 * size_hw[0], 2 * size_hw[1], seed=2)
    expected = last(layer(torch.cat([resize(features, 2), image], dim=1)))
    found = PolyphaseHead(layer, last)(features, image)
    assert same(found, expected)
    assert found[..., 0].std() > 0.01, "the border should be something to get wrong"


@torch.no_grad()
def test_half_precision_holds_the_statistics_of_a_large_picture() -> None:
    layer, last = normed_layer(4 + 3, IBNWidth(3, 2)), ConvHead(5, 1).double()
    features, image = noise(1, 4, 160, 160) + 2, noise(1, 3, 320, 320, seed=2).clamp(-1, 1)
    expected = last(layer(torch.cat([resize(features, 2), image], dim=1)))
    head = PolyphaseHead(layer, last).half()
    assert same(head(features.half(), image.half()).double(), expected, 0.05)


@torch.no_grad()
@pytest.mark.parametrize("size_hw", [(32, 32), (64, 96), (96, 32)])
@pytest.mark.parametrize("widths", [TINY, WITHOUT_EXPANSION], ids=["tiny", "without expansion"])
def test_the_rewritten_network_is_the_network(widths: object, size_hw: tuple[int, int]) -> None:
    model = tiny_network(widths)  # type: ignore[arg-type]
    image = noise(2, 3, *size_hw).clamp(-1, 1)
    assert same(for_inference(model)(image.flip(1)).matte, model(image).matte)


@torch.no_grad()
def test_rewriting_leaves_the_network_as_it_was() -> None:
    model = tiny_network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for_inference(model, half=True)
    after = model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_no_norm_is_left_to_run_except_in_the_heads_of_training() -> None:
    rewritten = for_inference(tiny_network())
    norms = [
        name
        for name, module in rewritten.named_modules()
        if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d)
    ]
    assert not norms
