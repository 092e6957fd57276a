import pytest
import torch
from torch import Tensor

from pruner import losses


def square(size: int = 64, low: int = 16, high: int = 48) -> Tensor:
    alpha = torch.zeros(1, 1, size, size)
    alpha[..., low:high, low:high] = 1
    return alpha


def test_a_perfect_matte_costs_nothing() -> None:
    alpha, image = square(), torch.rand(1, 3, 64, 64)
    band = losses.unknown_band(alpha, 4)
    assert losses.matte_loss(alpha, alpha, image, band) == 0
    assert losses.gradient_loss(alpha, alpha) == 0
    assert losses.pyramid_loss(alpha, alpha) == 0
    assert losses.semantic_loss(losses.semantic_target(alpha), alpha) == 0
    assert abs(losses.entropy_loss(losses.semantic_target(alpha), alpha)) < 1e-4


def test_a_network_that_is_sure_and_wrong_is_told_so_by_the_cross_entropy() -> None:
    alpha = torch.zeros(1, 1, 64, 64)
    pulls = {}
    for loss in (losses.semantic_loss, losses.entropy_loss):
        for sure in (0.0, 8.0):
            logits = torch.full((1, 1, 4, 4), sure, requires_grad=True)
            loss(torch.sigmoid(logits), alpha).backward()
            assert logits.grad is not None
            pulls[loss, sure] = float(logits.grad.mean())
    assert pulls[losses.semantic_loss, 8.0] < 0.01 * pulls[losses.semantic_loss, 0.0]
    assert pulls[losses.entropy_loss, 8.0] > 1.9 * pulls[losses.entropy_loss, 0.0]


def test_the_band_follows_the_edge_at_the_given_radius() -> None:
    band = losses.unknown_band(square(), 4)[0, 0]
    row = band[32]
    assert row[12:20].tolist() == [1.0] * 8
    assert row[11] == row[20] == row[32] == row[0] == 0


def test_mixed_pixels_are_unknown_wherever_they_are() -> None:
    alpha = torch.zeros(1, 1, 32, 32)
    alpha[..., 8, 8] = 0.5
    assert losses.unknown_band(alpha, 2)[0, 0, 8, 8] == 1


def test_detail_counts_by_the_bands_own_area() -> None:
    small, large = square(64, 28, 36), square(64, 8, 56)
    errors = [
        losses.band_l1(torch.full_like(alpha, 0.5), alpha, losses.unknown_band(alpha, 3))
        for alpha in (small, large)
    ]
    assert errors[0] == pytest.approx(0.5)
    assert errors[1] == pytest.approx(0.5)


def test_an_empty_band_costs_nothing_and_is_no_nan() -> None:
    alpha = torch.zeros(1, 1, 32, 32)
    band = losses.unknown_band(alpha, 4)
    assert band.sum() == 0
    assert losses.band_l1(torch.ones_like(alpha), alpha, band) == 0


def test_a_wrong_pixel_in_the_band_costs_five_times_one_outside() -> None:
    alpha, image = square(), torch.zeros(1, 3, 64, 64)
    band = losses.unknown_band(alpha, 2)
    costs = []
    for x in (16, 32):
        wrong = alpha.clone()
        wrong[..., 32, x] = 0
        costs.append(float(losses.matte_loss(wrong, alpha, image, band)))
    assert costs[0] == pytest.approx(5 * costs[1])


def test_a_hole_costs_more_than_as_many_stray_pixels() -> None:
    alpha = torch.ones(1, 1, 64, 64)
    hole, stray = alpha.clone(), alpha.clone()
    hole[..., 16:32, 16:32] = 0
    stray[..., ::4, ::4] = 0
    assert (1 - hole).sum() == (1 - stray).sum()
    assert losses.pyramid_loss(hole, alpha) > 2 * losses.pyramid_loss(stray, alpha)


def test_branches_that_agree_cost_nothing() -> None:
    alpha = square()
    band = losses.unknown_band(alpha, 3)
    semantic = losses.semantic_target(alpha)
    assert losses.consistency_loss(alpha, semantic, alpha, band) == 0
    assert losses.consistency_loss(alpha, 1 - semantic, alpha, band) > 0.05


def test_features_are_compared_by_what_looks_alike_whatever_their_channels() -> None:
    torch.manual_seed(0)
    teacher = torch.randn(2, 6, 16, 16)
    rotated = torch.einsum("dc,nchw->ndhw", torch.linalg.qr(torch.randn(6, 6))[0], teacher)
    assert losses.feature_loss(rotated, teacher) < 1e-10
    assert losses.feature_loss(torch.randn(2, 3, 16, 16), teacher) > 0.01
