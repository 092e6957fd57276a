from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.modnet import MODNet
from pruner.arguments import argument_parser
from pruner.errors import PrunerError, PrunerUsageError
from pruner.groups import groups
from pruner.importance import CRITERIA, batch_norm_scale, importance, l1, l2, random
from pruner.surgery import prune
from pruner.taylor import taylor
from tests.pruner.networks import TINY, tiny_image, tiny_network

SQUEEZE, EXCITE = "lr_branch.se_block.fc.0.weight", "lr_branch.se_block.fc.2.weight"


@pytest.fixture
def network() -> MODNet:
    return tiny_network()


def mean_matte(model: MODNet, image: Tensor) -> Tensor:
    return model(image, heads=True).matte.square().sum()


@pytest.mark.parametrize("criterion", [name for name in CRITERIA if name != "taylor"])
def test_every_channel_of_every_group_gets_a_score(network: MODNet, criterion: str) -> None:
    scores = importance(network, criterion)
    assert {name: len(s) for name, s in scores.items()} == {
        name: group.width for name, group in groups(TINY).items()
    }
    for values in scores.values():
        assert values.dtype == torch.float32
        assert torch.isfinite(values).all()
        assert (values >= 0).all()
        assert len(values.unique()) > 1


@pytest.mark.parametrize(("criterion", "order"), [(l1, 1), (l2, 2)])
def test_a_score_is_the_mean_share_of_all_tensors_of_a_channel(
    network: MODNet, criterion: type, order: int
) -> None:
    state = network.state_dict()
    rows = torch.linalg.vector_norm(state[SQUEEZE], ord=order, dim=1)
    columns = torch.linalg.vector_norm(state[EXCITE], ord=order, dim=0)
    expected = (rows / rows.mean() + columns / columns.mean()) / 2
    torch.testing.assert_close(criterion(network)["se"], expected.float())


def test_no_tensor_outvotes_another_because_its_numbers_are_larger(network: MODNet) -> None:
    before = l1(network)["se"]
    with torch.no_grad():
        network.get_parameter(EXCITE).mul_(1000)
    torch.testing.assert_close(l1(network)["se"], before)


@pytest.mark.parametrize("criterion", [l1, l2])
def test_a_channel_without_weights_is_the_least_important(network: MODNet, criterion: type) -> None:
    with torch.no_grad():
        for group in groups(TINY).values():
            for tensor, dim, offset in group.slices:
                network.state_dict()[tensor].select(dim, offset + 1).zero_()
    for name, scores in criterion(network).items():
        assert scores[1] == 0, name
        assert (scores > 0).sum() == len(scores) - 1, name


def test_the_batch_norm_criterion_looks_at_scales_alone(network: MODNet) -> None:
    norm = network.f_branch.conv_lr4x.layers[1].bnorm
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-3.0, 1.0, 2.0]))
    scores = batch_norm_scale(network)
    torch.testing.assert_close(scores["lr4x.batch"], torch.tensor([1.5, 0.5, 1.0]))
    torch.testing.assert_close(scores["lr4x.instance"], l1(network)["lr4x.instance"])


def test_random_scores_follow_from_the_seed_and_leave_other_chance_alone(network: MODNet) -> None:
    state = torch.random.get_rng_state()
    a, b, other = random(network, seed=1), random(network, seed=1), random(network, seed=2)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["last"], other["last"])
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", ["last", "se", "blocks[6:10]", "hidden[7]", "lr8x.instance"])
def test_taylor_foretells_how_the_loss_changes_with_a_fainter_channel(
    network: MODNet, name: str
) -> None:
    image = tiny_image(32)
    scores = taylor(network, [image], mean_matte)
    epsilon, channel = 1e-7, 2
    fainter = copy.deepcopy(network)
    for tensor, dim, offset in groups(TINY)[name].slices:
        if dim == 1:  # whoever reads the channel reads a little less of it
            with torch.no_grad():
                fainter.state_dict()[tensor].select(1, offset + channel).mul_(1 - epsilon)
    with torch.no_grad():
        change = (mean_matte(network, image) - mean_matte(fainter, image)) / epsilon
    torch.testing.assert_close(scores[name][channel], change.abs().float(), rtol=0.01, atol=1e-4)


def test_taylor_averages_batches_and_leaves_the_network_as_it_was(network: MODNet) -> None:
    a, b = tiny_image(32, seed=1), tiny_image(32, seed=2)
    both = taylor(network, [a, b], mean_matte)["last"]
    each = [taylor(network, [batch], mean_matte)["last"] for batch in (a, b)]
    torch.testing.assert_close(both, (each[0] + each[1]) / 2)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training


def test_taylor_thinks_nothing_of_a_channel_that_nobody_reads(network: MODNet) -> None:
    for tensor, dim, offset in groups(TINY)["f2x.batch"].slices:
        if dim == 1:
            with torch.no_grad():
                network.state_dict()[tensor].select(1, offset + 3).zero_()
    assert taylor(network, [tiny_image(32)], mean_matte)["f2x.batch"][3] == 0


def test_taylor_without_batches_is_refused(network: MODNet) -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        taylor(network, [], mean_matte)


def test_taylor_reads_pictures_with_mattes_and_gives_the_same_every_time(
    network: MODNet, portraits: Path
) -> None:
    model = network.float()
    a, b = (importance(model, "taylor", data=portraits, seed=3) for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert float(a["last"].max()) > 0


def test_taylor_needs_a_folder_that_holds_pictures(network: MODNet, tmp_path: Path) -> None:
    with pytest.raises(PrunerUsageError, match="--data DIR"):
        importance(network, "taylor")
    with pytest.raises(PrunerError, match="no such folder"):
        importance(network, "taylor", data=tmp_path / "none")


def test_the_command_line_offers_every_criterion() -> None:
    for criterion in CRITERIA:
        assert argument_parser().parse_args(["--importance", criterion]).importance == criterion


def test_a_network_that_was_pruned_can_be_scored_again(network: MODNet) -> None:
    pruned = prune(network, {"last": torch.arange(6), "blocks[3:6]": torch.arange(2)})
    assert len(l1(pruned)["last"]) == 6
