"""Cuts channels: builds the smaller network from the larger one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from models.modnet import MODNet
from pruner.groups import Group, groups, resized


def prune(model: MODNet, keep: Mapping[str, Tensor]) -> MODNet:
    """A new, smaller network that computes what `model` computes with the other channels silenced.

    Args:
        model: The network; it is left as it is.
        keep: Indices of the channels that stay, by group name (see `pruner.groups`): a 1-D integer
            tensor each, in any order. Groups left out keep all their channels.

    Returns:
        A network with weights of its own, of the same dtype, device and mode as `model`.

    Raises:
        ValueError: An unknown group, no channel left, or an index that is repeated or out of range.
    """
    known = groups(model.widths)
    kept = {name: _sorted_indices(known, name, indices) for name, indices in keep.items()}
    state = dict(model.state_dict())
    masks: dict[tuple[str, int], Tensor] = {}
    for name, indices in kept.items():
        for tensor, dim, offset in known[name].slices:
            mask = masks.setdefault(
                (tensor, dim), torch.ones(state[tensor].shape[dim], dtype=torch.bool)
            )
            mask[offset : offset + known[name].width] = False
            mask[offset + indices] = True
    for (tensor, dim), mask in masks.items():
        state[tensor] = state[tensor].index_select(
            dim, mask.nonzero()[:, 0].to(state[tensor].device)
        )

    with torch.device("meta"):  # no time spent on fresh weights, no random numbers drawn
        pruned = MODNet(resized(model.widths, {name: len(kept[name]) for name in kept}))
    pruned.load_state_dict({name: tensor.clone() for name, tensor in state.items()}, assign=True)
    return pruned.train(model.training)


def _sorted_indices(known: Mapping[str, Group], name: str, indices: Tensor) -> Tensor:
    if name not in known:
        raise ValueError(f"no group {name!r}; there are {', '.join(known)}")
    width = known[name].width
    unique: Tensor = torch.unique(indices.cpu())
    if not len(unique) or len(unique) != indices.numel() or unique[0] < 0 or unique[-1] >= width:
        raise ValueError(
            f"group {name}: expected at least one index, each once, in [0, {width}); "
            f"got {indices.tolist()}"
        )
    return unique
