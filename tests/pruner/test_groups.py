from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.modnet import MODNet
from models.widths import IBNWidth, MODNetWidths
from pruner.groups import Branch, Slice, groups, resized, trunk_groups
from tests.pruner.networks import TINY, WITHOUT_EXPANSION

IMAGE_INPUTS = {
    "hr_branch.conv_enc2x.layers.0.weight": range(3),
    "hr_branch.conv_hr4x.0.layers.0.weight": range(10 + 7, 10 + 7 + 3),  # after mix4x and lr8x
    "hr_branch.conv_hr.0.layers.0.weight": range(8, 11),
    "f_branch.conv_f.0.layers.0.weight": range(9, 12),
}
"""In TINY: where the concatenations hold the image, which is never cut."""

HEADS = ("lr_branch.conv_lr.", "hr_branch.conv_hr.1.", "f_branch.conv_f.1.")


def test_the_groups_of_modnet_are_its_widths_in_order() -> None:
    names = list(groups(MODNetWidths()))
    assert names[:8] == [
        *("stem", "blocks[0]", "hidden[1]", "blocks[1:3]", "hidden[2]"),
        *("hidden[3]", "blocks[3:6]", "hidden[4]"),
    ]
    assert names[22:28] == [
        *("hidden[16]", "blocks[16]", "last", "se", "lr16x.batch", "lr16x.instance")
    ]
    assert names[-2:] == ["f.batch", "f.instance"]
    assert len(names) == 26 + 2 * 17


def test_blocks_that_are_added_share_one_group() -> None:
    assert trunk_groups(MODNetWidths()) == (
        *("stem", "blocks[0]", *["blocks[1:3]"] * 2, *["blocks[3:6]"] * 3),
        *(*["blocks[6:10]"] * 4, *["blocks[10:13]"] * 3, *["blocks[13:16]"] * 3, "blocks[16]"),
    )


def test_a_stem_that_is_added_shares_the_group_of_its_block() -> None:
    assert trunk_groups(WITHOUT_EXPANSION)[:3] == (
        "stem+blocks[0]",
        "stem+blocks[0]",
        "blocks[1:3]",
    )


@pytest.mark.parametrize("widths", [MODNetWidths(), TINY, WITHOUT_EXPANSION])
def test_every_channel_of_every_tensor_belongs_to_exactly_one_group(widths: MODNetWidths) -> None:
    owners: dict[tuple[str, int, int], list[str]] = {}
    for name, group in groups(widths).items():
        for tensor, dim, offset in group.slices:
            for index in range(offset, offset + group.width):
                owners.setdefault((tensor, dim, index), []).append(name)
    shared = {place: names for place, names in owners.items() if len(names) > 1}
    assert shared == {}
    unowned = set()
    for tensor, value in MODNet(widths).state_dict().items():
        for dim in range(min(2, value.ndim)):
            free = [i for i in range(value.shape[dim]) if (tensor, dim, i) not in owners]
            if free:
                unowned.add((tensor, dim, len(free)))
    stem = ("backbone.model.features.0.0.weight", 1, 3)
    depthwise = {
        (f"backbone.model.features.{i + 1}.conv.{0 if hidden is None else 3}.weight", 1, 1)
        for i, hidden in enumerate(widths.hidden)
    }
    images = {(tensor, 1, 3) for tensor in IMAGE_INPUTS}
    heads = {(f"{head}layers.0.{kind}", 0, 1) for head in HEADS for kind in ("weight", "bias")}
    assert unowned == {stem, *depthwise, *images, *heads}


def test_the_image_keeps_its_place_in_every_concatenation() -> None:
    taken: dict[str, set[int]] = {tensor: set() for tensor in IMAGE_INPUTS}
    for group in groups(TINY).values():
        for tensor, dim, offset in group.slices:
            if dim == 1 and tensor in taken:
                taken[tensor] |= set(range(offset, offset + group.width))
    for tensor, image in IMAGE_INPUTS.items():
        assert taken[tensor].isdisjoint(image)
        assert len(taken[tensor]) + 3 == MODNet(TINY).state_dict()[tensor].shape[1]


def test_the_halves_of_an_ibnorm_are_two_groups_one_after_the_other() -> None:
    known = groups(TINY)
    filters = "f_branch.conv_lr4x.layers.0.weight"
    reader = "f_branch.conv_f2x.layers.0.weight"
    assert (known["lr4x.batch"].width, known["lr4x.instance"].width) == TINY.lr4x
    assert Slice(filters, 0, 0) in known["lr4x.batch"].slices
    assert Slice(filters, 0, 3) in known["lr4x.instance"].slices
    assert Slice(reader, 1, 0) in known["lr4x.batch"].slices
    assert Slice(reader, 1, 3) in known["lr4x.instance"].slices
    assert Slice(reader, 1, 7) in known["hr2x[3].batch"].slices
    assert not [s for s in known["lr4x.instance"].slices if "bnorm" in s.tensor]


def test_each_group_knows_its_branch() -> None:
    branches = {name: group.branch for name, group in groups(TINY).items()}
    assert {branches[name] for name in ("stem", "hidden[3]", "last")} == {Branch.BACKBONE}
    assert branches["se"] is branches["lr8x.instance"] is Branch.LR
    assert branches["hr4x[2].batch"] is branches["detail.batch"] is Branch.HR
    assert branches["lr4x.batch"] is branches["f.instance"] is Branch.FUSION


@pytest.mark.parametrize("widths", [MODNetWidths(), TINY, WITHOUT_EXPANSION])
def test_resizing_to_the_same_counts_changes_nothing(widths: MODNetWidths) -> None:
    assert resized(widths, {}) == widths
    assert resized(widths, {name: g.width for name, g in groups(widths).items()}) == widths


def test_resizing_sets_every_width_of_a_group() -> None:
    counts = {"blocks[3:6]": 5, "hidden[2]": 4, "hr2x[3].instance": 2, "f.batch": 1, "se": 6}
    assert resized(TINY, counts) == replace(
        TINY,
        blocks=(5, 6, 6, 5, 5, 5, *TINY.blocks[6:]),
        hidden=(None, 8, 4, *TINY.hidden[3:]),
        hr2x=(*TINY.hr2x[:3], IBNWidth(3, 2)),
        f=IBNWidth(1, 2),
        se=6,
    )


def test_groups_are_numbers_and_names_and_cost_no_network() -> None:
    state = torch.random.get_rng_state()
    groups(MODNetWidths())
    assert torch.equal(torch.random.get_rng_state(), state)
