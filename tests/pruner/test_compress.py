from __future__ import annotations

import pytest
import torch

from models.modnet import MODNet
from pruner.compress import Wish, compress
from pruner.cost import cost
from pruner.errors import PrunerUsageError
from pruner.policy import Limits
from pruner.surgery import prune
from tests.pruner.networks import SLIM, tiny_network


@pytest.fixture(scope="module")
def network() -> MODNet:
    return tiny_network(SLIM)


def test_the_best_channels_are_carried_over(network: MODNet) -> None:
    result = compress(network, Wish(ratio=0.5, threshold=0.4))
    assert (result.ratio, result.threshold) == (0.5, 0.4)
    assert result.model.widths.lr16x == (24, 24)
    assert 16 <= result.model.widths.last < 64
    assert set(result.counts) == set(result.groups)
    whole = network.state_dict()["hr_branch.conv_hr.1.layers.0.weight"][0, :, 0, 0].tolist()
    kept = result.model.state_dict()["hr_branch.conv_hr.1.layers.0.weight"][0, :, 0, 0].tolist()
    assert set(kept) < set(whole)


def test_without_numbers_the_published_ones_hold(network: MODNet) -> None:
    result = compress(network, Wish())
    assert (result.ratio, result.threshold) == (0.5, 0.5)


def test_fresh_weights_have_the_same_widths_and_follow_from_the_seed(network: MODNet) -> None:
    torch.manual_seed(1)
    a = compress(network, Wish(inherit=False, seed=3)).model
    torch.manual_seed(2)
    b = compress(network, Wish(inherit=False, seed=3)).model
    inherited = compress(network, Wish()).model
    name = "lr_branch.conv_lr16x.layers.0.weight"
    assert a.widths == inherited.widths
    assert not a.training
    assert torch.equal(a.state_dict()[name], b.state_dict()[name])
    assert not torch.equal(a.state_dict()[name], inherited.state_dict()[name].float())


def test_a_target_searches_both_numbers_together(network: MODNet) -> None:
    limit = 0.5 * cost(SLIM).macs
    result = compress(network, Wish(max_macs=limit))
    assert result.ratio == result.threshold > 0
    assert 0.85 * limit < cost(result.model.widths).macs <= limit


def test_a_number_that_is_given_is_held(network: MODNet) -> None:
    wish = Wish(ratio=0.25, max_parameters=0.6 * cost(SLIM).parameters)
    result = compress(network, wish)
    assert result.ratio == 0.25
    assert result.model.widths.lr16x == (36, 36)
    assert cost(result.model.widths).parameters <= 0.6 * cost(SLIM).parameters


def test_several_targets_are_all_met(network: MODNet) -> None:
    full = cost(SLIM)
    wish = Wish(max_parameters=0.7 * full.parameters, max_macs=0.4 * full.macs)
    found = cost(compress(network, wish).model.widths)
    assert found.parameters <= 0.7 * full.parameters
    assert found.macs <= 0.4 * full.macs


def test_a_latency_target_measures_candidates(
    network: MODNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[tuple[int, int], str]] = []

    def fake(model: MODNet, *, size_wh: tuple[int, int], device: str) -> float:
        asked.append((size_wh, device))
        return model.widths.last / 2

    monkeypatch.setattr("pruner.compress.measure_latency", fake)
    wish = Wish(max_latency_ms=20, size_wh=(64, 32), device="GPU")
    assert compress(network, wish).model.widths.last == 40
    assert set(asked) == {((64, 32), "GPU")}


def test_an_impossible_target_says_what_is_possible(network: MODNet) -> None:
    with pytest.raises(
        PrunerUsageError, match=r"parameters: 0\.001 M is out of reach; .* 0\.\d+ M to 0\.\d+ M are"
    ):
        compress(network, Wish(max_parameters=1000))


def test_a_target_with_nothing_left_to_search_is_refused(network: MODNet) -> None:
    with pytest.raises(PrunerUsageError, match="leave out --threshold, --ratio, or both"):
        compress(network, Wish(ratio=0.5, threshold=0.5, max_macs=1e9))


def test_limits_hold_in_a_search(network: MODNet) -> None:
    limits = Limits({"last": 64}, min_keep=0.5)
    result = compress(network, Wish(max_macs=0.5 * cost(SLIM).macs, limits=limits))
    assert result.counts["last"] == 64
    assert all(result.counts[name] >= g.width / 2 for name, g in result.groups.items())


def test_the_network_is_left_as_it_is(network: MODNet) -> None:
    compress(network, Wish())
    assert network.widths == SLIM
    assert prune(network, {}).widths == SLIM
