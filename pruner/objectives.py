"""The ways to train: which weights a network starts from, and what is asked of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.modnet import MODNet, MODNetOutput
from pruner.losses import (
    band_l1,
    consistency_loss,
    entropy_loss,
    feature_loss,
    gradient_loss,
    matte_loss,
    pyramid_loss,
    semantic_loss,
    semantic_target,
    unknown_band,
)
from pruner.training_set import Batch

Losses = dict[str, Tensor]
"""Weighted terms by name; their sum is minimised."""

Objective = Callable[[nn.Module, Batch], Losses]
"""Terms for a network and a batch whose images are in [0, 1]."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the supervised terms; 0 leaves one out. The first three are the published ones."""

    semantic: float = 10.0
    detail: float = 10.0
    matte: float = 1.0
    entropy: float = 1.0
    gradient: float = 1.0
    pyramid: float = 5.0


EARLY = 4
"""Layers of the backbone up to 1/4 of the picture's size."""


def to_network(image: Tensor) -> Tensor:
    """[0, 1] to the [-1, 1] the network takes."""
    return image * 2 - 1


def band_of(alpha: Tensor) -> Tensor:
    """The unknown band, of random width: 2 to 4 % of the short side, 10 to 20 pixels at 512."""
    share = 0.02 + 0.02 * float(torch.rand(()))
    return unknown_band(alpha, max(2, round(share * min(alpha.shape[-2:]))))


def starting_network(mode: str, given: MODNet, *, freeze_backbone: bool = False) -> MODNet:
    """The network to train.

    Args:
        mode: As `pruner.train` has them.
        given: Weights, or the widths of fresh ones.
        freeze_backbone: Whether the backbone will not be trained. Fresh weights are of no use to it
            then: it keeps those it was given.
    """
    if mode != "scratch":
        return given
    fresh = MODNet(given.widths)
    if not has_fresh_backbone(mode, freeze_backbone=freeze_backbone):
        fresh.backbone.load_state_dict(given.backbone.state_dict())
    return fresh


def has_fresh_backbone(mode: str, *, freeze_backbone: bool) -> bool:
    """Whether the backbone starts with fresh weights; see `starting_network`."""
    return mode == "scratch" and not freeze_backbone


def objective_of(
    mode: str, model: MODNet, weights: LossWeights, teacher: MODNet | None = None
) -> Objective:
    """What the network is trained for.

    A head that nothing is asked of is taken out of training: data-parallel training would wait for
    its gradients.

    Args:
        mode: As `pruner.train` has them.
        model: The network as training starts, on its device.
        weights: Of the losses.
        teacher: The network to learn from, for `distil`.
    """
    if mode == "soc":
        return self_supervised(copy.deepcopy(model))
    if mode == "semantic":
        model.hr_branch.requires_grad_(False)
        model.f_branch.requires_grad_(False)
        # A third of a step's time goes into these layers, which know edges and textures already.
        model.backbone.model.features[:EARLY].requires_grad_(False)
        # Faster for the depthwise convolutions of bfloat16, slower for those of the other branches.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return semantics(weights)
    model.lr_branch.conv_lr.requires_grad_(bool(weights.semantic or weights.entropy))
    model.hr_branch.conv_hr.requires_grad_(bool(weights.detail))
    if mode == "distil":
        assert teacher is not None
        return distillation(model, teacher.to(next(model.parameters()).device), weights)
    return supervised(weights)


def supervised(weights: LossWeights) -> Objective:
    """MODNet's losses (section 3), and two on the matte alone: its gradient, and its averages."""

    def objective(model: nn.Module, batch: Batch) -> Losses:
        heads = bool(weights.semantic or weights.entropy or weights.detail)
        output = model(to_network(batch.image), heads=heads, detail=bool(weights.detail))
        return label_terms(output, batch, weights)

    return objective


def semantics(weights: LossWeights) -> Objective:
    """Where the person is, alone: the low-resolution branch sees four pictures in one's time."""

    def objective(model: nn.Module, batch: Batch) -> Losses:
        output = model(to_network(batch.image), coarse=True)
        return {
            "semantic": weights.semantic * semantic_loss(output.semantic, batch.alpha),
            "entropy": weights.entropy * entropy_loss(output.semantic, batch.alpha),
            "pyramid": weights.pyramid * pyramid_loss(output.matte, batch.alpha),
        }

    return objective


def label_terms(output: MODNetOutput, batch: Batch, weights: LossWeights) -> Losses:
    """The supervised terms of one prediction."""
    band = band_of(batch.alpha)
    terms: Losses = {}
    if weights.semantic and output.semantic is not None:
        terms["semantic"] = weights.semantic * semantic_loss(output.semantic, batch.alpha)
    if weights.entropy and output.semantic is not None:
        terms["entropy"] = weights.entropy * entropy_loss(output.semantic, batch.alpha)
    if weights.detail and output.detail is not None:
        terms["detail"] = weights.detail * band_l1(output.detail, batch.alpha, band)
    terms["matte"] = weights.matte * matte_loss(output.matte, batch.alpha, batch.image, band)
    if weights.gradient:
        terms["gradient"] = weights.gradient * gradient_loss(output.matte, batch.alpha)
    if weights.pyramid:
        terms["pyramid"] = weights.pyramid * pyramid_loss(output.matte, batch.alpha)
    return terms


class Tap:
    """Keeps what chosen modules put out during a forward pass."""

    def __init__(self, model: MODNet) -> None:
        self.features: dict[str, Tensor] = {}
        for name in ("lr_branch.conv_lr8x", "hr_branch.conv_hr2x", "f_branch.conv_f2x"):
            model.get_submodule(name).register_forward_hook(self._keeper(name))

    def _keeper(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            self.features[name] = output

        return keep


def distillation(student: MODNet, teacher: MODNet, weights: LossWeights) -> Objective:
    """The labels, and a teacher that sees the very same picture: its matte, semantics and features.

    Where teacher and label differ by more than half the label alone counts: there the teacher is
    wrong.
    """
    teacher.eval().requires_grad_(False)
    seen, taught = Tap(student), Tap(teacher)

    def objective(model: nn.Module, batch: Batch) -> Losses:
        image = to_network(batch.image)
        output = model(image, heads=True, detail=bool(weights.detail))
        with torch.no_grad():
            target = teacher(image, heads=True, detail=False)
        terms = label_terms(output, batch, weights)
        trusted = ((target.matte - batch.alpha).abs() < 0.5).float()
        terms["teacher matte"] = weights.matte * band_l1(output.matte, target.matte, trusted)
        coarse = semantic_target(trusted)
        terms["teacher semantic"] = (
            weights.semantic * (coarse * (output.semantic - target.semantic) ** 2).mean()
        )
        for name, features in seen.features.items():
            terms[f"teacher {name.rpartition('.')[2]}"] = feature_loss(
                features, taught.features[name]
            )
        return terms

    return objective


def self_supervised(reference: MODNet) -> Objective:
    """Sub-objectives consistency (MODNet, section 4): the branches must agree, without labels.

    A frozen copy of the network as it started keeps the detail branch from blurring its edges to
    agree. The batch's mattes are not looked at.

    Args:
        reference: A copy of the network before this training.
    """
    reference.eval().requires_grad_(False)

    def objective(model: nn.Module, batch: Batch) -> Losses:
        image = to_network(batch.image)
        output = model(image, heads=True)
        with torch.no_grad():
            before = reference(image, heads=True)
        band = band_of(before.matte)
        return {
            "consistency": consistency_loss(output.matte, output.semantic, output.detail, band),
            "detail": band_l1(output.detail, before.detail, band),
        }

    return objective
