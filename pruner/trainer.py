"""The training loop: any objective, any number of interruptions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from models import checkpoint
from models.modnet import MODNet
from pruner.augment import photometric
from pruner.averaging import averaged
from pruner.data import Pair
from pruner.errors import PrunerError
from pruner.objectives import Losses, Objective
from pruner.run_folder import load_state, save_state
from pruner.schedule import Progress, Settings
from pruner.training_set import Batch, Mix, Plan, TrainingSet, drawn
from pruner.validation import Score, Validation

Report = Callable[[str], None]


@dataclass(frozen=True)
class Data:
    """What a network learns from, and what it is judged by meanwhile.

    Attributes:
        items: Pictures with mattes.
        backgrounds: Pictures without people.
        mix: Shares of the kinds of picture.
        validation: Pictures the best weights are chosen by.
        objects: See `TrainingSet`.
        foregrounds: See `TrainingSet`; several trainings may share it.
    """

    items: Sequence[Pair]
    backgrounds: Sequence[Path]
    mix: Mix
    validation: Validation
    objects: Sequence[Path] = ()
    foregrounds: Path | None = None


class Trainer:
    """Trains one network in one folder.

    Args:
        model: The network to train.
        settings: How.
        data: On what.
        folder: Gets `last.pt` (all to go on from), `best.safetensors` and `log.jsonl`.
        fabric: Devices and precision.
        report: Takes one line of text a validation.
    """

    def __init__(
        self,
        model: MODNet,
        settings: Settings,
        data: Data,
        *,
        folder: Path,
        fabric: Fabric,
        report: Report = lambda _line: None,
    ) -> None:
        self.settings, self.data, self.folder = settings, data, folder
        self._fabric, self._report = fabric, report
        self._network = model
        groups = _parameter_groups(model, settings)
        self._peaks = [group["lr"] for group in groups]
        optimizer = torch.optim.AdamW(groups, weight_decay=1e-4)
        self._model, self._optimizer = fabric.setup(model, optimizer)
        self._average = averaged(model, settings.ema)
        self._augment = photometric()
        self.progress = Progress()
        self.epoch_steps = max(1, len(data.items) // (settings.batch * fabric.world_size))

    @property
    def average(self) -> MODNet:
        """The network with the averaged weights: what is validated and saved."""
        network = self._average.module
        assert isinstance(network, MODNet)
        return network

    def resume(self) -> None:
        """Go on where `last.pt` of the folder stands.

        Raises:
            PrunerError: It is damaged, or another network's.
        """
        path = self.folder / "last.pt"
        state = load_state(path, self._fabric.device)
        try:
            self._network.load_state_dict(state["model"])
            self._average.load_state_dict(state["average"])
            self._optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            raise PrunerError(
                f"{path}: belongs to another network ({str(error).splitlines()[0]})"
            ) from error
        self.progress = Progress(**state["progress"])

    def run(
        self, objective: Objective, *, before_step: Callable[[float], None] = lambda _share: None
    ) -> Score:
        """Train to the end; returns the last validation's score.

        Args:
            objective: What for.
            before_step: Told before each step how much of the run is done, in [0, 1].
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        score = self._validate({}) if self.progress.step == 0 else None
        started, count = time.monotonic(), 0
        sums: dict[str, float] = {}
        seconds_before = self.progress.seconds
        for batch in self._batches():
            # The first device's clock decides for all: no step is left waiting for one that ended.
            share = self._fabric.broadcast(self.progress.share(self.settings, self.epoch_steps))
            if share >= 1:
                break
            before_step(share)
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
        settings, data, fabric = self.settings, self.data, self._fabric
        plan = Plan(
            data.items,
            batch=settings.batch,
            sizes=settings.sizes,
            seed=settings.seed,
            device=fabric.global_rank,
            start=self.progress.step,
            emphasis=data.mix.emphasis,
        )
        loader = DataLoader(
            TrainingSet(data.items, data.backgrounds, data.mix, data.objects, data.foregrounds),
            batch_sampler=plan,
            num_workers=settings.workers,
            # pymatting's OpenMP threads do not survive a fork.
            multiprocessing_context="spawn" if settings.workers else None,
        )
        for image, alpha in drawn(loader):
            image, alpha = fabric.to_device((image, alpha))
            torch.manual_seed(plan.seed_of(self.progress.step))  # an interrupted run draws the same
            yield Batch(self._augment(image).clamp(0, 1), alpha)

    def _step(self, objective: Objective, batch: Batch, share: float) -> Losses:
        rate = self.settings.rate(self.progress.step, share)
        for group, peak in zip(self._optimizer.param_groups, self._peaks, strict=True):
            group["lr"] = peak * rate
        frozen = share >= self.settings.freeze_norms_after
        train_mode(self._network, freeze_norms=frozen, fresh=self.settings.fresh_backbone)
        terms = objective(self._model, batch)
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        norm = self._fabric.clip_gradients(
            self._model, self._optimizer, max_norm=5.0, error_if_nonfinite=False
        )
        assert norm is not None
        if torch.isfinite(norm):  # all devices share the gradients, and so leave out the same steps
            self._optimizer.step()
            self._average.update_parameters(self._network)
        self._optimizer.zero_grad()
        return {name: term.detach() for name, term in terms.items()}

    def _validate(self, losses: dict[str, float]) -> Score:
        score = self.data.validation.score(self.average)
        best = score.mse < self.progress.best_mse
        self.progress.best_mse = min(score.mse, self.progress.best_mse)
        if self._fabric.is_global_zero:
            row = {**asdict(self.progress), **score._asdict(), "losses": losses}
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
            if best:
                checkpoint.save(self.average, self.folder / "best.safetensors")
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
        save_state(self.folder / "last.pt", state)


def train_mode(model: MODNet, *, freeze_norms: bool = False, fresh: bool = False) -> None:
    """Training mode, but for an inherited backbone's batch norms: small batches would spoil them.

    Args:
        model: The network.
        freeze_norms: Keep the statistics of all batch norms.
        fresh: The backbone has no statistics worth keeping.
    """
    model.train(not freeze_norms)  # only batch norms know the difference
    model.backbone.train(fresh and not freeze_norms)


def _parameter_groups(model: MODNet, settings: Settings) -> list[dict[str, Any]]:
    """The backbone and the rest, with the peak of each one's learning rate."""
    backbone = list(model.backbone.parameters())
    rest = [p for name, p in model.named_parameters() if not name.startswith("backbone.")]
    if not settings.backbone_factor:
        model.backbone.requires_grad_(False)
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
