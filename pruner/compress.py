"""From a network and a wish to a smaller network: score, decide, cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from models.modnet import MODNet
from models.widths import MODNetWidths
from pruner.budget import Target, gentlest_strength
from pruner.cost import cost
from pruner.errors import PrunerUsageError
from pruner.groups import Group, groups, resized
from pruner.importance import importance
from pruner.latency import measure_latency
from pruner.policy import Limits, best_channels, channel_counts
from pruner.surgery import prune

DEFAULT_STRENGTH = 0.5
"""Ratio and threshold where neither they nor a target are given, as in the published command."""


@dataclass(frozen=True)
class Wish:
    """How to prune.

    Attributes:
        ratio: Share of channels that the gate and the branches lose, in [0, 1).
        threshold: Normalised importance below which a backbone channel goes, in [0, 1].
        criterion: One of `pruner.importance.CRITERIA`.
        data: Folder of pictures and mattes for `taylor`.
        limits: Requests for single groups.
        max_macs: Upper limit on the inference graph's multiply-accumulates at `size_wh`.
        max_parameters: Upper limit on the parameters.
        max_latency_ms: Upper limit on the time of one inference at `size_wh` on `device`.
        size_wh: Input width and height in pixels, multiples of 32.
        device: An OpenVINO device name.
        inherit: Whether the weights are carried over; else they are fresh.
        seed: What chance there is follows from this.
    """

    ratio: float | None = None
    threshold: float | None = None
    criterion: str = "l1"
    data: Path | None = None
    limits: Limits = field(default_factory=Limits)
    max_macs: float | None = None
    max_parameters: float | None = None
    max_latency_ms: float | None = None
    size_wh: tuple[int, int] = (512, 512)
    device: str = "CPU"
    inherit: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Compressed:
    """The smaller network, and how it came about.

    Attributes:
        model: The network.
        ratio: As wished for, or found.
        threshold: As wished for, or found.
        groups: The groups of the network before.
        counts: Channels kept, by group name.
    """

    model: MODNet
    ratio: float
    threshold: float
    groups: Mapping[str, Group]
    counts: Mapping[str, int]


def compress(model: MODNet, wish: Wish) -> Compressed:
    """Prune a network; it is left as it is.

    With upper limits, whichever of ratio and threshold is None is searched for: the gentlest
    pruning that meets them all. If both are None they are equal and rise together.

    Raises:
        PrunerUsageError: A number out of its range, a limit that no pruning meets, or a limit with
            nothing left to search.
        PrunerError: Data or a device that cannot be used.
    """
    known = groups(model.widths)
    scores = importance(model, wish.criterion, data=wish.data, seed=wish.seed)

    def choice(strength: float) -> tuple[float, float]:
        ratio = strength if wish.ratio is None else wish.ratio
        return ratio, strength if wish.threshold is None else wish.threshold

    def counts_at(strength: float) -> dict[str, int]:
        ratio, threshold = choice(strength)
        return channel_counts(known, scores, ratio=ratio, threshold=threshold, limits=wish.limits)

    strength = DEFAULT_STRENGTH
    if targets := _targets(wish):
        if wish.ratio is not None and wish.threshold is not None:
            raise PrunerUsageError(
                "a target needs something to search: leave out --threshold, --ratio, or both"
            )
        strength = gentlest_strength(lambda s: resized(model.widths, counts_at(s)), targets)
    counts = counts_at(strength)
    if wish.inherit:
        smaller = prune(model, best_channels(scores, counts))
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(wish.seed)
            smaller = MODNet(resized(model.widths, counts)).eval()
    return Compressed(smaller, *choice(strength), groups=known, counts=counts)


def _targets(wish: Wish) -> list[Target]:
    """The limits that were wished for."""

    def latency_ms(widths: MODNetWidths) -> float:
        return measure_latency(MODNet(widths), size_wh=wish.size_wh, device=wish.device)

    targets = []
    if wish.max_macs is not None:
        targets.append(
            Target("MACs", wish.max_macs, lambda w: cost(w, wish.size_wh).macs, _in(1e9, "G"))
        )
    if wish.max_parameters is not None:
        targets.append(
            Target("parameters", wish.max_parameters, lambda w: cost(w).parameters, _in(1e6, "M"))
        )
    if wish.max_latency_ms is not None:
        targets.append(Target("latency", wish.max_latency_ms, latency_ms, _in(1, "ms")))
    return targets


def _in(unit: float, name: str) -> Callable[[float], str]:
    return lambda value: f"{value / unit:.4g} {name}"
