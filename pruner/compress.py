"""From a network and a wish to a smaller network: score, decide, cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path

import torch

from models.modnet import MODNet
from models.widths import MODNetWidths
from pruner.budget import Counts, Target, gentlest_strength
from pruner.cost import Cost, CostModel
from pruner.errors import PrunerUsageError
from pruner.greedy import greedy_counts
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
        policy: How the backbone's widths are found: by the `threshold`, or `greedy`: with targets
            and `taylor`, see `pruner.greedy`.
        criterion: One of `pruner.importance.CRITERIA`.
        data: Folder of pictures and mattes for `taylor`.
        limits: Requests for single groups.
        max_macs: Upper limit on the inference graph's multiply-accumulates at `size_wh`.
        max_parameters: Upper limit on the parameters.
        max_activations: Upper limit on the values that layers put out at `size_wh`.
        max_latency_ms: Upper limit on the time of one inference at `size_wh` on `device`.
        size_wh: Input width and height in pixels, multiples of 32.
        device: An OpenVINO device name.
        inherit: Whether the weights are carried over; else they are fresh.
        seed: What chance there is follows from this.
    """

    ratio: float | None = None
    threshold: float | None = None
    policy: str = "threshold"
    criterion: str = "l1"
    data: Path | None = None
    limits: Limits = field(default_factory=Limits)
    max_macs: float | None = None
    max_parameters: float | None = None
    max_activations: float | None = None
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
        threshold: As wished for, or found; None if there was none.
        groups: The groups of the network before.
        counts: Channels kept, by group name.
    """

    model: MODNet
    ratio: float
    threshold: float | None
    groups: Mapping[str, Group]
    counts: Mapping[str, int]


def compress(model: MODNet, wish: Wish) -> Compressed:
    """Prune a network; it is left as it is.

    With upper limits, whichever of ratio and threshold is None is searched for: the gentlest
    pruning that meets them all. If both are None they are equal and rise together.

    Raises:
        PrunerUsageError: A number out of its range, a limit that no pruning meets, or a limit with
            nothing left to search, or options that do not go with the policy.
        PrunerError: Data or a device that cannot be used.
    """
    _check(wish)
    known = groups(model.widths)
    scores = importance(model, wish.criterion, data=wish.data, seed=wish.seed)
    targets = _targets(model.widths, wish)
    cut = partial(channel_counts, known, scores, limits=wish.limits)
    threshold: float | None = None
    if wish.policy == "greedy":
        ratio = DEFAULT_STRENGTH if wish.ratio is None else wish.ratio
        whole = cut(ratio=ratio, threshold=0.0)
        counts = greedy_counts(known, scores, whole, targets, limits=wish.limits)
    else:
        ratio, threshold = _strengths(wish, cut, targets)
        counts = cut(ratio=ratio, threshold=threshold)
    if wish.inherit:
        smaller = prune(model, best_channels(scores, counts))
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(wish.seed)
            smaller = MODNet(resized(model.widths, counts)).eval()
    return Compressed(smaller, ratio, threshold, groups=known, counts=counts)


def _strengths(
    wish: Wish, cut: Callable[..., Counts], targets: Sequence[Target]
) -> tuple[float, float]:
    """Ratio and threshold, as wished for or found."""

    def strengths(strength: float) -> tuple[float, float]:
        ratio = strength if wish.ratio is None else wish.ratio
        return ratio, strength if wish.threshold is None else wish.threshold

    def counts_at(strength: float) -> Counts:
        ratio, threshold = strengths(strength)
        return cut(ratio=ratio, threshold=threshold)

    return strengths(gentlest_strength(counts_at, targets) if targets else DEFAULT_STRENGTH)


def _check(wish: Wish) -> None:
    """Refuse what contradicts itself before anything is scored."""
    limits = (wish.max_macs, wish.max_parameters, wish.max_activations, wish.max_latency_ms)
    has_target = any(limit is not None for limit in limits)
    if wish.policy != "greedy":
        if has_target and wish.ratio is not None and wish.threshold is not None:
            raise PrunerUsageError(
                "a target needs something to search: leave out --threshold, --ratio, or both"
            )
        return
    if wish.criterion != "taylor":
        raise PrunerUsageError(
            "greedy weighs layers against each other, which only --importance taylor allows"
        )
    if not has_target or wish.max_latency_ms is not None or wish.threshold is not None:
        raise PrunerUsageError(
            "greedy needs --target-macs, --target-params or --target-activations, and neither "
            "--target-latency nor --threshold"
        )


def _targets(widths: MODNetWidths, wish: Wish) -> list[Target]:
    """The limits that were wished for."""
    model = CostModel(widths, wish.size_wh)

    @lru_cache(64)  # several targets look at the same candidates
    def known_cost(counts: tuple[tuple[str, int], ...]) -> Cost:
        return model(dict(counts))

    def cost(counts: Counts) -> Cost:
        return known_cost(tuple(counts.items()))

    def latency_ms(counts: Counts) -> float:
        smaller = MODNet(resized(widths, counts))
        return measure_latency(smaller, size_wh=wish.size_wh, device=wish.device)

    known = (
        ("MACs", wish.max_macs, lambda c: cost(c).macs, _in(1e9, "G")),
        ("parameters", wish.max_parameters, lambda c: cost(c).parameters, _in(1e6, "M")),
        ("activations", wish.max_activations, lambda c: cost(c).activations, _in(1e6, "M")),
        ("latency", wish.max_latency_ms, latency_ms, _in(1, "ms")),
    )
    return [
        Target(name, limit, measure, show)
        for name, limit, measure, show in known
        if limit is not None
    ]


def _in(unit: float, name: str) -> Callable[[float], str]:
    return lambda value: f"{value / unit:.4g} {name}"
