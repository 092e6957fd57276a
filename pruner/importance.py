"""One score per channel: how much the network would miss it.

A channel has weights in several tensors at once (its filter, its norm's scale, whatever reads it),
of very different sizes: 2400 values in one, nine in another. So each tensor's norm per channel is
divided by its mean over the group's channels, and a channel's score is the mean over its tensors:
1 is average, and every tensor has the same say. Scores compare channels of one group only.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from models.modnet import MODNet
from pruner.errors import PrunerUsageError
from pruner.groups import Group, Slice, groups

CRITERIA = ("l1", "l2", "bn", "taylor", "random")


def importance(
    model: MODNet, criterion: str = "l1", *, data: Path | None = None, seed: int = 0
) -> dict[str, Tensor]:
    """Scores by the name of their criterion.

    Args:
        model: The network.
        criterion: One of `CRITERIA`.
        data: Folder of pictures and mattes; only `taylor` looks at it.
        seed: What chance there is in `random` and `taylor` follows from this.

    Returns:
        By group name, the scores (width,), float32, >= 0; the same holds for all criteria here.

    Raises:
        PrunerUsageError: `taylor` without `data`.
        PrunerError: A folder that does not hold pictures and mattes.
    """
    if criterion == "taylor":
        if data is None:
            raise PrunerUsageError("taylor importance needs pictures with mattes: --data DIR")
        from pruner.taylor import taylor_on  # brings the training code

        return taylor_on(model, data, seed=seed)
    if criterion == "random":
        return random(model, seed=seed)
    return {"l1": l1, "l2": l2, "bn": batch_norm_scale}[criterion](model)


def l1(model: MODNet) -> dict[str, Tensor]:
    """Sum of absolute weights (Li et al., ICLR 2017), over all tensors a channel is part of."""
    return _weight_norm(model, order=1)


def l2(model: MODNet) -> dict[str, Tensor]:
    """Euclidean norm of the weights, over all tensors a channel is part of."""
    return _weight_norm(model, order=2)


def batch_norm_scale(model: MODNet) -> dict[str, Tensor]:
    """Absolute scale of the batch norms (Liu et al., ICCV 2017); `l1` for groups without one."""
    all_scales = {
        name: weight.abs() for name, weight in _weights(model).items() if weight.ndim == 1
    }
    scores = l1(model)
    for name, group in groups(model.widths).items():
        scales = [all_scales[place.tensor] for place in group.slices if place.tensor in all_scales]
        if scales:
            scores[name] = _mean_share(scales)
    return scores


def random(model: MODNet, *, seed: int) -> dict[str, Tensor]:
    """Uniform scores: the control that any criterion has to beat."""
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand(group.width, generator=generator)
        for name, group in groups(model.widths).items()
    }


def rows(tensor: Tensor, place: Slice, group: Group) -> Tensor:
    """The group's part of one tensor, one row of values per channel: (width, values)."""
    part = tensor.narrow(place.dim, place.offset, group.width)
    return part.movedim(place.dim, 0).reshape(group.width, -1)


def _weight_norm(model: MODNet, *, order: int) -> dict[str, Tensor]:
    """Mean over a channel's tensors of its norm there, relative to the other channels'."""
    norm = partial(torch.linalg.vector_norm, ord=order, dim=1)
    weights = _weights(model)
    scores = {}
    for name, group in groups(model.widths).items():
        places = [place for place in group.slices if place.tensor in weights]
        scores[name] = _mean_share([norm(rows(weights[p.tensor], p, group)) for p in places])
    return scores


def _weights(model: MODNet) -> dict[str, Tensor]:
    """Filters, matrices and scales; biases and running statistics say nothing of importance."""
    return {
        name: weight.detach().float().cpu()
        for name, weight in model.named_parameters()
        if name.endswith(".weight")
    }


def _mean_share(norms: list[Tensor]) -> Tensor:
    """Each of the norms (width,) relative to its mean, then their mean."""
    tiny = torch.finfo(torch.float32).tiny
    return torch.stack([norm / norm.mean().clamp_min(tiny) for norm in norms]).mean(0)
