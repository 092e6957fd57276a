"""The pruned network computes what the original computes with those channels silenced."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.checkpoint import load
from models.modnet import MODNet, MODNetOutput
from models.widths import IBNWidth, MODNetWidths
from pruner.compress import Wish, compress
from pruner.fading import foldable
from pruner.groups import groups
from pruner.surgery import prune
from tests.pruner.networks import TINY, WITHOUT_EXPANSION, tiny_image, tiny_network

IBN_LAYERS = {
    "lr16x": "lr_branch.conv_lr16x",
    "lr8x": "lr_branch.conv_lr8x",
    "enc2x": "hr_branch.tohr_enc2x",
    "enc4x": "hr_branch.tohr_enc4x",
    "down2x": "hr_branch.conv_enc2x",
    "mix4x": "hr_branch.conv_enc4x",
    "hr4x[0]": "hr_branch.conv_hr4x.0",
    "hr4x[1]": "hr_branch.conv_hr4x.1",
    "hr4x[2]": "hr_branch.conv_hr4x.2",
    "hr2x[0]": "hr_branch.conv_hr2x.0",
    "hr2x[1]": "hr_branch.conv_hr2x.1",
    "hr2x[2]": "hr_branch.conv_hr2x.2",
    "hr2x[3]": "hr_branch.conv_hr2x.3",
    "detail": "hr_branch.conv_hr.0",
    "lr4x": "f_branch.conv_lr4x",
    "f2x": "f_branch.conv_f2x",
    "f": "f_branch.conv_f.0",
}


def silent_places(model: MODNet, name: str) -> Iterator[tuple[nn.Module, int]]:
    """Modules after whose output the group's channels are zero when pruned, and where they start.

    Written from the architecture, not from the groups: this is what they are tested against.
    """
    features = model.backbone.model.features
    if name == "last":
        yield features[18], 0
    elif name == "se":
        yield model.lr_branch.se_block.fc[1], 0
    elif name.startswith("hidden"):
        block = features[int(name[7:-1]) + 1]
        yield block.conv[2], 0
        yield block.conv[5], 0
    elif name.startswith(("stem", "blocks")):
        for i in trunk_outputs(name):
            yield (features[0] if i == 0 else features[i].conv[-1]), 0
            if i < 17 and model.widths.hidden[i] is None:
                yield features[i + 1].conv[2], 0  # its depthwise filters run on these channels
    else:
        layer, _, half = name.rpartition(".")
        convolution = model.get_submodule(IBN_LAYERS[layer]).layers
        batch = convolution[1].bnorm.num_features
        yield convolution[2], 0 if half == "batch" else batch


def trunk_outputs(name: str) -> list[int]:
    """`stem+blocks[0]` is outputs 0 and 1 of the trunk, `blocks[3:6]` is 4, 5 and 6."""
    outputs = [0] if name.startswith("stem") else []
    if "[" in name:
        first, _, end = name[name.index("[") + 1 : -1].partition(":")
        outputs += range(int(first) + 1, (int(end) if end else int(first) + 1) + 1)
    return outputs


@contextmanager
def silenced(model: MODNet, keep: Mapping[str, Tensor]) -> Iterator[None]:
    """Set all channels but `keep` to zero after norm and activation."""
    handles = []
    for name, kept in keep.items():
        width = groups(model.widths)[name].width
        for module, offset in silent_places(model, name):
            mute = [offset + i for i in range(width) if i not in kept.tolist()]

            def hook(_: nn.Module, __: object, output: Tensor, mute: list[int] = mute) -> Tensor:
                return output.index_fill(1, torch.tensor(mute, dtype=torch.long), 0.0)

            handles.append(module.register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def random_kept(widths: MODNetWidths, name: str, seed: int) -> Tensor:
    width = groups(widths)[name].width
    generator = torch.Generator().manual_seed(seed)
    count = int(torch.randint(1, width, (), generator=generator)) if width > 1 else 1
    return torch.randperm(width, generator=generator)[:count]


def assert_same_output(got: MODNetOutput, expected: MODNetOutput, tolerance: float = 1e-5) -> None:
    for name, a, b in zip(MODNetOutput._fields, got, expected, strict=True):
        assert a.shape == b.shape
        assert (a - b).abs().max() < tolerance, f"{name} differs by {(a - b).abs().max()}"


def assert_prunes_like_silence(model: MODNet, keep: Mapping[str, Tensor], image: Tensor) -> None:
    with torch.no_grad():
        with silenced(model, keep):
            expected = model(image, heads=True)
        assert_same_output(prune(model, keep)(image, heads=True), expected)


@pytest.fixture(scope="module")
def network() -> MODNet:
    return tiny_network()


@pytest.mark.parametrize("name", groups(TINY))
def test_each_group_on_its_own_equals_the_original_with_those_channels_silenced(
    network: MODNet, name: str
) -> None:
    assert_prunes_like_silence(network, {name: random_kept(TINY, name, seed=0)}, tiny_image(32))


@pytest.mark.parametrize("seed", range(5))
def test_all_groups_together_equal_the_original_with_those_channels_silenced(
    network: MODNet, seed: int
) -> None:
    keep = {name: random_kept(TINY, name, seed) for name in groups(TINY)}
    assert_prunes_like_silence(network, keep, tiny_image(64))


@pytest.mark.parametrize("seed", range(5))
def test_some_groups_at_random_equal_the_original_with_those_channels_silenced(
    network: MODNet, seed: int
) -> None:
    names = [name for i, name in enumerate(groups(TINY)) if (i * 7 + seed) % 3 == 0]
    keep = {name: random_kept(TINY, name, seed) for name in names}
    assert_prunes_like_silence(network, keep, tiny_image(64))


@pytest.mark.parametrize("name", groups(WITHOUT_EXPANSION))
def test_blocks_without_expansion_and_a_stem_that_is_added_are_cut_right(name: str) -> None:
    model = tiny_network(WITHOUT_EXPANSION)
    keep = {name: random_kept(WITHOUT_EXPANSION, name, seed=3)}
    assert_prunes_like_silence(model, keep, tiny_image(32))


def test_silence_can_be_heard_in_every_group(network: MODNet) -> None:
    with torch.no_grad():
        plain = network(tiny_image(32), heads=True)
        for name in groups(TINY):
            with silenced(network, {name: torch.tensor([0])}):
                muted = network(tiny_image(32), heads=True)
            assert any(not torch.equal(a, b) for a, b in zip(muted, plain, strict=True)), name


@pytest.mark.shared
def test_the_published_size_prunes_like_silence_in_float32(shared: Path) -> None:
    model = load(shared / "weights" / "modnet.safetensors")
    keep = {
        name: torch.randperm(group.width, generator=torch.Generator().manual_seed(i))[
            : group.width // 2
        ]
        for i, (name, group) in enumerate(groups(model.widths).items())
    }
    assert_prunes_like_silence(model, keep, tiny_image(64).float())


def test_keeping_everything_changes_nothing(network: MODNet) -> None:
    same = prune(network, {name: torch.arange(g.width) for name, g in groups(TINY).items()})
    assert same.widths == TINY
    for name, tensor in network.state_dict().items():
        assert torch.equal(same.state_dict()[name], tensor), name


def test_the_input_stays_untouched_and_shares_no_memory(network: MODNet) -> None:
    before = copy.deepcopy(network.state_dict())
    pruned = prune(network, {"last": torch.arange(5)})
    with torch.no_grad():
        for tensor in pruned.state_dict().values():
            tensor.zero_()
    assert network.widths == TINY
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_the_widths_of_the_result_are_those_asked_for(network: MODNet) -> None:
    pruned = prune(
        network,
        {
            "stem": torch.tensor([4, 0]),
            "blocks[6:10]": torch.tensor([1, 3, 5]),
            "lr16x.instance": torch.tensor([2]),
            "hr2x[1].batch": torch.tensor([0, 4]),
        },
    )
    assert pruned.widths.stem == 2
    assert pruned.widths.blocks[5:11] == (7, 3, 3, 3, 3, 9)
    assert pruned.widths.lr16x == IBNWidth(6, 1)
    assert pruned.widths.hr2x[1] == IBNWidth(2, 3)


def test_additions_stay_additions_when_widths_become_equal_by_chance(network: MODNet) -> None:
    pruned = prune(network, {"blocks[0]": torch.arange(4), "stem": torch.arange(4)})
    assert pruned.widths.stem == pruned.widths.blocks[0]
    assert not pruned.backbone.model.features[1].residual


def test_the_order_of_the_kept_indices_does_not_matter(network: MODNet) -> None:
    a = prune(network, {"last": torch.tensor([9, 2, 5])})
    b = prune(network, {"last": torch.tensor([2, 5, 9])})
    for name, tensor in a.state_dict().items():
        assert torch.equal(tensor, b.state_dict()[name])


def test_pruning_twice_equals_pruning_once(network: MODNet) -> None:
    once = prune(network, {"se": torch.tensor([1, 4]), "f.batch": torch.tensor([2])})
    twice = prune(prune(network, {"se": torch.tensor([1, 2, 4])}), {"se": torch.tensor([0, 2])})
    twice = prune(twice, {"f.batch": torch.tensor([2])})
    for name, tensor in once.state_dict().items():
        assert torch.equal(tensor, twice.state_dict()[name])


def test_the_result_keeps_dtype_and_mode_and_can_be_trained(network: MODNet) -> None:
    pruned = prune(network, {"last": torch.arange(8)})
    assert not pruned.training
    assert all(p.dtype == torch.float64 and p.requires_grad for p in pruned.parameters())
    pruned(tiny_image(32)).matte.sum().backward()
    assert pruned.lr_branch.conv_lr16x.layers[0].weight.grad is not None
    assert prune(tiny_network().train(), {}).training


def test_pruning_draws_no_random_numbers(network: MODNet) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    prune(network, {"last": torch.arange(8)})
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        ({"first": torch.tensor([0])}, "no group 'first'"),
        ({"se": torch.tensor([], dtype=torch.long)}, "group se: expected at least one index"),
        ({"se": torch.tensor([7])}, r"in \[0, 7\); got \[7\]"),
        ({"se": torch.tensor([-1])}, "got"),
        ({"se": torch.tensor([2, 2])}, "each once"),
    ],
)
def test_indices_that_make_no_sense_are_refused(
    network: MODNet, keep: dict[str, Tensor], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        prune(network, keep)


@pytest.mark.parametrize("criterion", ["l1", "bn", "random"])
def test_a_network_without_instance_norms_can_be_cut_again(criterion: str) -> None:
    folded = foldable(tiny_network(TINY))
    cut = compress(folded, Wish(ratio=0.5, criterion=criterion)).model
    assert all(width.instance == 0 for width in (cut.widths.f, cut.widths.enc2x, *cut.widths.hr4x))
    assert cut.widths.f.batch < folded.widths.f.batch
    assert torch.isfinite(cut(tiny_image().float()).matte).all()
