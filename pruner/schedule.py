"""How long a training lasts, how fast it learns, and where it stands."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How long, how fast, how big.

    `epochs`, `steps` and `minutes` are limits, None = no limit: the first one that is reached ends
    the training.

    Attributes:
        epochs: Passes over the pictures.
        minutes: Time to train, over all interruptions.
        batch: Pictures a step on each device.
        sizes: Short sides in pixels, multiples of 32.
        learning_rate: Peak; warmed up linearly, then down to zero along a cosine.
        backbone_factor: The backbone's share of it; 0 freezes the backbone.
        warmup: Steps to the peak.
        ema: Decay of the averaged weights, which are what is validated and saved.
        seed: Everything random follows from it and the step.
        workers: Processes that prepare pictures; 0 = in the training process.
        steps: Steps to train.
        freeze_norms_after: Share of the run after which no batch norm's statistics change any more.
        fresh_backbone: Whether the backbone's batch norms have statistics still to learn.
    """

    epochs: int | None = None
    minutes: float | None = None
    batch: int = 8
    sizes: tuple[int, ...] = (224, 256, 288)
    learning_rate: float = 1.2e-3
    backbone_factor: float = 0.3
    warmup: int = 100
    ema: float = 0.998
    seed: int = 0
    workers: int = 1
    steps: int | None = None
    freeze_norms_after: float = 1.0
    fresh_backbone: bool = False

    def rate(self, step: int, share: float) -> float:
        """The learning rate in parts of its peak.

        Args:
            step: Steps already taken.
            share: How much of the run is done, in [0, 1].
        """
        warm = min(1.0, (step + 1) / max(1, self.warmup))
        return warm * 0.5 * (1 + math.cos(math.pi * share))


@dataclass
class Progress:
    """Where a run stands."""

    step: int = 0
    seconds: float = 0.0
    best_mse: float = math.inf

    def share(self, settings: Settings, epoch_steps: int) -> float:
        """How much of the run is done, in [0, 1].

        Args:
            settings: Its limits.
            epoch_steps: Steps in an epoch.
        """
        epochs, steps, minutes = settings.epochs, settings.steps, settings.minutes
        done = [
            _part(self.step, None if epochs is None else epochs * epoch_steps),
            _part(self.step, steps),
            _part(self.seconds, None if minutes is None else minutes * 60),
        ]
        return min(1.0, max(done))


def _part(done: float, limit: float | None) -> float:
    """How much of a limit is used up: 0 without one, 1 if it is nothing."""
    if limit is None:
        return 0.0
    return done / limit if limit else 1.0
