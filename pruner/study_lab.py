"""Retrains and scores the networks of a study, all in the same way and each only once."""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from models import checkpoint
from models.modnet import MODNet
from pruner.cost import cost
from pruner.data import Pair
from pruner.latency import measure_latency
from pruner.objectives import (
    LossWeights,
    has_fresh_backbone,
    objective_of,
    starting_network,
)
from pruner.predictors import torch_predictor
from pruner.recalibration import recalibrate
from pruner.run_folder import read_json
from pruner.schedule import Settings
from pruner.scores import mean_scores, score_pictures
from pruner.scoring import write_json
from pruner.trainer import Data, Trainer

MEASURES = ("mse", "mad", "iou")

ROUNDS = 3
"""Of measuring latency."""

Row = dict[str, Any]
"""What is known of one network, by name: texts and numbers."""


@dataclass(frozen=True)
class Conditions:
    """What all networks of a study have in common.

    Attributes:
        settings: How they are retrained.
        weights: Of the losses.
        data: What they learn from.
        held_out: What they are scored on, at the pictures' own size.
        size: Short side in pixels of what they see then.
    """

    settings: Settings
    weights: LossWeights
    data: Data
    held_out: Sequence[Pair]
    size: int


class Lab:
    """Keeps one folder per network: its weights, its training, its row of results.

    Args:
        folder: Gets the networks' folders.
        conditions: What they have in common.
        fabric: Devices and precision.
        report: Takes lines of text.
    """

    def __init__(
        self, folder: Path, conditions: Conditions, *, fabric: Fabric, report: Callable[[str], None]
    ) -> None:
        self.conditions, self._folder, self._fabric = conditions, folder, fabric
        self._report = report if fabric.is_global_zero else lambda _line: None

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and measures time."""
        return bool(self._fabric.is_global_zero)

    def once(self, name: str, work: Callable[[Path], Row]) -> Row:
        """The row of one network; the work is done only if its folder does not hold the row yet.

        Args:
            name: Of the network and its folder.
            work: Does it, in the folder; may be interrupted at any time.
        """
        folder = self._folder / name
        path = folder / "result.json"
        is_done = path.is_file()
        self._fabric.barrier()  # so that all processes see the same
        if not is_done:
            self._report(f"== {name}")
            folder.mkdir(parents=True, exist_ok=True)
            row = {"name": name, **work(folder)}
            if self.is_first:
                write_json(path, row)
                (folder / "last.pt").unlink(missing_ok=True)
        self._fabric.barrier()
        return read_json(path)

    def latencies(self, names: Sequence[str], *, device: str) -> Mapping[str, float]:
        """How long each network takes for 512 x 512, in milliseconds.

        Measured in turns, so that what else the machine does hits all alike; and all again as soon
        as there is one more of them.

        Args:
            names: Of networks that are left in their folders.
            device: An OpenVINO device name.

        Raises:
            PrunerError: No such device.
        """
        path = self._folder / f"latency-{device}.json"
        if self.is_first and not (path.is_file() and set(names) <= set(read_json(path))):
            self._report("== latency")
            networks = {name: self.network(name) for name in names}
            rounds = [
                {
                    n: measure_latency(net, device=device, budget_s=1.0)
                    for n, net in networks.items()
                }
                for _ in range(ROUNDS)
            ]
            write_json(path, {n: statistics.median(r[n] for r in rounds) for n in names})
        self._fabric.barrier()
        return read_json(path)

    def network(self, name: str) -> MODNet:
        """The network as it was left in its folder."""
        return checkpoint.load(self._folder / name / "network.safetensors")

    def save(self, model: MODNet, folder: Path) -> None:
        """Leave a network in its folder."""
        if self.is_first:
            checkpoint.save(model, folder / "network.safetensors")

    def recalibrated(self, model: MODNet) -> MODNet:
        """A copy of a network that was cut, its batch norms estimated anew."""
        model = copy.deepcopy(model)
        recalibrate(model, self.conditions.data.items)
        return model

    def scores(self, model: MODNet) -> Row:
        """Mean scores on what is held out, and what the network costs."""
        device = str(self._fabric.device)
        predictor = torch_predictor(copy.deepcopy(model), device=device, size=self.conditions.size)
        scores = score_pictures({"": predictor}, self.conditions.held_out, MEASURES)[""]
        size = cost(model.widths)
        return {
            **mean_scores(scores.values()),
            "parameters": size.parameters,
            "macs": size.macs,
        }

    def retrained(
        self,
        folder: Path,
        *,
        mode: str,
        start: MODNet,
        teacher: MODNet | None = None,
        freeze_backbone: bool = False,
        longer: float = 1.0,
    ) -> Row:
        """Train a network and score what it ends with; that stays in the folder.

        Not its best weights: the pictures that score have no say in what they score.

        Args:
            folder: Of the network; a training that was interrupted there goes on.
            mode: As `pruner.train` has them.
            start: Weights to go on from, or the widths of fresh ones; left as it is.
            teacher: The network to learn from, for `distil`.
            freeze_backbone: Whether only the branches are trained.
            longer: How many times as long as the others.
        """
        settings = _adapted(self.conditions.settings, mode, longer, freeze_backbone)
        torch.manual_seed(settings.seed)
        model = starting_network(mode, copy.deepcopy(start), freeze_backbone=freeze_backbone)
        model.to(self._fabric.device)
        teacher = copy.deepcopy(teacher)  # learning from it leaves hooks in it
        objective = objective_of(mode, model, self.conditions.weights, teacher)
        data, fabric = self.conditions.data, self._fabric
        trainer = Trainer(model, settings, data, folder=folder, fabric=fabric, report=self._report)
        if (folder / "last.pt").is_file():
            trainer.resume()
        trainer.run(objective)
        self.save(trainer.average, folder)
        steps, minutes = trainer.progress.step, trainer.progress.seconds / 60
        return {**self.scores(trainer.average), "steps": steps, "minutes": minutes}


def _adapted(settings: Settings, mode: str, longer: float, freeze_backbone: bool) -> Settings:
    steps, minutes = settings.steps, settings.minutes
    return replace(
        settings,
        steps=None if steps is None else round(steps * longer),
        minutes=None if minutes is None else minutes * longer,
        backbone_factor=0.0 if freeze_backbone else settings.backbone_factor,
        fresh_backbone=has_fresh_backbone(mode, freeze_backbone=freeze_backbone),
    )
