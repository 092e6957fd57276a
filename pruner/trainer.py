"""The training loop: any objective, any number of interruptions."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from models import checkpoint
from models.modnet import MODNet
from pruner.augment import photometric
from pruner.data import Pair
from pruner.errors import PrunerError
from pruner.objectives import Losses, Objective
from pruner.training_set import Batch, Mix, Plan, TrainingSet
from pruner.validation import Score, Validation

Report = Callable[[str], None]


@dataclass(frozen=True)
class Settings:
    """How long, how fast, how big.

    Attributes:
        epochs: Passes over the pictures; together with `minutes`, whichever ends first.
        minutes: Time to train, over all interruptions; None = no limit.
        batch: Pictures a step on each device.
        sizes: Short sides in pixels, multiples of 32.
        learning_rate: Peak; warmed up linearly, then down to zero along a cosine.
        backbone_factor: The backbone's share of it; 0 freezes the backbone.
        warmup: Steps to the peak.
        ema: Decay of the averaged weights, which are what is validated and saved.
        seed: Everything random follows from it and the step.
        workers: Processes that prepare pictures; 0 = in the training process.
    """

    epochs: int
    minutes: float | None = None
    batch: int = 8
    sizes: tuple[int, ...] = (224, 256, 288)
    learning_rate: float = 1.2e-3
    backbone_factor: float = 0.3
    warmup: int = 100
    ema: float = 0.998
    seed: int = 0
    workers: int = 1


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    best_mse: float = math.inf

    def share(self, settings: Settings, steps: int) -> float:
        """How much of the run is done, in [0, 1]."""
        by_time = self.seconds / (settings.minutes * 60) if settings.minutes else 0.0
        return min(1.0, max(self.step / steps, by_time)) if steps else 1.0


class Trainer:
    """Trains one network in one folder.

    Args:
        model: The network to train.
        settings: How.
        items: Pictures with mattes.
        backgrounds: Pictures without people.
        mix: Shares of the kinds of picture.
        validation: Pictures the best weights are chosen by.
        folder: Gets `last.pt` (everything to go on from), `best.safetensors` and `log.jsonl`.
        fabric: Devices and precision.
        report: Takes one line of text a validation.
    """

    def __init__(
        self,
        model: MODNet,
        settings: Settings,
        *,
        items: Sequence[Pair],
        backgrounds: Sequence[Path],
        mix: Mix,
        validation: Validation,
        folder: Path,
        fabric: Fabric,
        report: Report = lambda _line: None,
    ) -> None:
        self.settings, self.items, self.folder = settings, items, folder
        self._dataset = TrainingSet(items, backgrounds, mix)
        self._validation, self._fabric, self._report = validation, fabric, report
        self._network = model
        self._average = AveragedModel(
            model, multi_avg_fn=warmed_average(settings.ema), use_buffers=True
        )
        groups = _parameter_groups(model, settings)
        self._peaks = [group["lr"] for group in groups]
        optimizer = torch.optim.AdamW(groups, weight_decay=1e-4)
        self._model, self._optimizer = fabric.setup(model, optimizer)
        self._augment = photometric()
        self.progress = Progress()
        self.epoch_steps = max(1, len(items) // (settings.batch * fabric.world_size))
        self._steps = settings.epochs * self.epoch_steps

    def resume(self) -> None:
        """Go on where `last.pt` of the folder stands.

        Raises:
            PrunerError: There is none, or it is another network's.
        """
        path = self.folder / "last.pt"
        if not path.is_file():
            raise PrunerError(f"{path}: nothing to resume; leave --resume out for a new run")
        state = torch.load(path, map_location=self._fabric.device, weights_only=True)
        try:
            self._network.load_state_dict(state["model"])
            self._average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise PrunerError(
                f"{path}: belongs to another network ({str(error).splitlines()[0]})"
            ) from error
        self.progress = Progress(**state["progress"])

    def run(self, objective: Objective) -> Score:
        """Train to the end; returns the last validation's score."""
        self.folder.mkdir(parents=True, exist_ok=True)
        score = self._validate({}) if self.progress.step == 0 else None
        started, count = time.monotonic(), 0
        sums: dict[str, float] = {}
        seconds_before = self.progress.seconds
        for batch in self._batches():
            share = self.progress.share(self.settings, self._steps)
            if share >= 1:
                break
            terms = self._step(objective, batch, share)
            sums = {name: sums.get(name, 0.0) + float(term) for name, term in terms.items()}
            count += 1
            self.progress.step += 1
            self.progress.seconds = seconds_before + time.monotonic() - started
            if self.progress.step % self.epoch_steps == 0:
                score = self._validate(_means(sums, count))
                sums, count = {}, 0
            elif self.progress.step % 50 == 0:
                self._save_state()
        if count or score is None:
            score = self._validate(_means(sums, count))
        return score

    def _batches(self) -> Iterator[Batch]:
        settings, fabric = self.settings, self._fabric
        plan = Plan(
            self.items,
            batch=settings.batch,
            sizes=settings.sizes,
            seed=settings.seed * 1000 + fabric.global_rank,  # each device draws pictures of its own
            start=self.progress.step,
        )
        loader = DataLoader(
            self._dataset,
            batch_sampler=plan,
            num_workers=settings.workers,
            # pymatting's OpenMP threads do not survive a fork.
            multiprocessing_context="spawn" if settings.workers else None,
        )
        for image, alpha in loader:
            image, alpha = fabric.to_device((image, alpha))
            torch.manual_seed(plan.seed_of(self.progress.step))  # an interrupted run draws the same
            yield Batch(self._augment(image).clamp(0, 1), alpha)

    def _step(self, objective: Objective, batch: Batch, share: float) -> Losses:
        rate = min(1.0, (self.progress.step + 1) / self.settings.warmup)
        rate *= 0.5 * (1 + math.cos(math.pi * share))
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * rate
        train_mode(self._network)
        terms = objective(self._model, batch)
        total = torch.stack(list(terms.values())).sum()
        self._fabric.backward(total)
        self._fabric.clip_gradients(
            self._model, self._optimizer, max_norm=5.0, error_if_nonfinite=False
        )
        if torch.isfinite(total):
            self._optimizer.step()
            self._average.update_parameters(self._network)
        self._optimizer.zero_grad()
        return {name: term.detach() for name, term in terms.items()}

    def _validate(self, losses: dict[str, float]) -> Score:
        network: MODNet = self._average.module if self.progress.step else self._network  # type: ignore[assignment]
        score = self._validation.score(network)
        best = score.mse < self.progress.best_mse
        self.progress.best_mse = min(score.mse, self.progress.best_mse)
        if self._fabric.is_global_zero:
            row = {**asdict(self.progress), **score._asdict(), "losses": losses}
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            if best:
                checkpoint.save(network, self.folder / "best.safetensors")
            self._report(_line(self.progress, self.epoch_steps, score, losses, best=best))
        self._save_state()
        return score

    def _save_state(self) -> None:
        if not self._fabric.is_global_zero:
            return
        state: dict[str, Any] = {
            "model": self._network.state_dict(),
            "average": self._average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": asdict(self.progress),
        }
        partial = self.folder / "last.pt.part"
        torch.save(state, partial)
        partial.replace(self.folder / "last.pt")


def warmed_average(decay: float) -> Callable[..., None]:
    """Exponential moving average whose memory grows to `decay`: it soon forgets the start."""

    @torch.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], updates: Tensor) -> None:
        done = int(updates)
        share = 1 - min(decay, (1 + done) / (10 + done))
        for mean, value in zip(averaged, current, strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, share)
            else:
                mean.copy_(value)

    return update


def train_mode(model: MODNet) -> None:
    """Training mode, but for the backbone's batch norms: small batches would spoil them."""
    model.train()
    model.backbone.eval()


def _parameter_groups(model: MODNet, settings: Settings) -> list[dict[str, Any]]:
    """The backbone and the rest, with the peak of each one's learning rate."""
    backbone = list(model.backbone.parameters())
    rest = [p for name, p in model.named_parameters() if not name.startswith("backbone.")]
    for parameter in backbone:
        parameter.requires_grad_(settings.backbone_factor > 0)
    rates = ((rest, 1.0), (backbone, settings.backbone_factor))
    return [
        {"params": parameters, "lr": settings.learning_rate * factor}
        for parameters, factor in rates
        if factor > 0
    ]


def _means(sums: dict[str, float], count: int) -> dict[str, float]:
    return {name: value / count for name, value in sums.items()}


def _line(
    progress: Progress, epoch_steps: int, score: Score, losses: dict[str, float], *, best: bool
) -> str:
    terms = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
    return (
        f"epoch {progress.step / epoch_steps:5.1f}  step {progress.step:6d}  "
        f"{progress.seconds / 60:6.1f} min  MSE {score.mse:.5f}  MAD {score.mad:.5f}  "
        f"IoU {score.iou:.4f}{' *' if best else '  '}  {terms}"
    )
