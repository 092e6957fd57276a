"""python -m pruner.train: retrain a pruned network, or train any MODNet further."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pruner.command import exit_code
from pruner.errors import PrunerUsageError
from pruner.machine import add_machine, is_first_process, keep_kernels, launched_fabric
from pruner.option_types import positive, whole
from pruner.train_options import (
    MODES,
    add_data,
    add_learning,
    loss_weights,
    read_data,
    read_settings,
    read_unlabelled,
)

if TYPE_CHECKING:
    from pruner.schedule import Settings
    from pruner.trainer import Data

_EPOCHS = 40
"""Where neither epochs nor minutes are given."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m pruner.train", description=__doc__)
    modes = "; ".join(f"{name}: {text}" for name, text in MODES.items())
    p.add_argument("mode", choices=MODES, help=modes)
    add = p.add_argument
    add("--weights", type=Path, required=True, metavar="FILE", help=".safetensors, .ckpt or .pth")
    add("--teacher", type=Path, metavar="FILE", help="network to learn from (distil)")
    add(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the run; with --backgrounds, takes about as much room as the pictures",
    )
    add("--resume", action="store_true", help="go on with the run in --output")
    add("--epochs", type=whole(1), metavar="N", help="(default: 40, or as many as --minutes allow)")
    add(
        "--minutes",
        type=positive,
        metavar="N",
        help="stop (with the rate at zero) after this time, or the epochs if they end before",
    )
    add(
        "--freeze-backbone",
        action="store_true",
        help="train the branches only; with scratch, on the given backbone",
    )
    add(
        "--recalibrate",
        action="store_true",
        help="first estimate the batch norms anew (after pruning)",
    )
    add_data(p)
    add_learning(p)
    add_machine(p)
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(argv)
    then = f"interrupted; go on with --resume --output {options.output}"
    return exit_code(run, options, if_interrupted=then)


def run(options: argparse.Namespace) -> None:
    """Train as the options say."""
    import torch

    from pruner.fading import fading, foldable, new_norms
    from pruner.objectives import objective_of, starting_network
    from pruner.published import load_network
    from pruner.recalibration import estimate, recalibrate
    from pruner.run_folder import keep_settings
    from pruner.trainer import Trainer

    _check(options)
    keep_kernels()
    mode, settings = options.mode, _settings(options)
    torch.manual_seed(options.seed)
    data = _read(options)
    given = load_network(options.weights)
    model = starting_network(mode, given, freeze_backbone=options.freeze_backbone)
    if mode == "fold":
        model = foldable(model)
    teacher = load_network(options.teacher) if mode == "distil" else None
    if options.recalibrate and not options.resume:
        recalibrate(model, data.items)
    if mode == "fold" and not options.resume:
        norms = [norm.bnorm for norm in new_norms(model, given.widths)]
        estimate(norms, model, data.items)
    if is_first_process():
        keep_settings(options.output, _purpose(options), anew=not options.resume)
    fabric = launched_fabric(options)
    model.to(fabric.device)
    objective = objective_of(mode, model, loss_weights(options), teacher)
    trainer = Trainer(model, settings, data, folder=options.output, fabric=fabric, report=_report)
    if options.resume:
        trainer.resume()
    if mode == "fold":
        with fading(model, given.widths) as fade:
            trainer.run(objective, before_step=fade.at)
    else:
        trainer.run(objective)
    print(f"best: {options.output / 'best.safetensors'}")


def _settings(options: argparse.Namespace) -> Settings:
    """How long and how fast."""
    from pruner.fading import FREEZE
    from pruner.objectives import has_fresh_backbone

    return read_settings(
        options,
        epochs=_EPOCHS if options.epochs is options.minutes is None else options.epochs,
        minutes=options.minutes,
        freeze_backbone=options.freeze_backbone,
        freeze_norms_after={"soc": 0.0, "fold": FREEZE}.get(options.mode, 1.0),
        fresh_backbone=has_fresh_backbone(options.mode, freeze_backbone=options.freeze_backbone),
    )


def _purpose(options: argparse.Namespace) -> dict[str, str]:
    """What a run must have in common with the one that it goes on with."""
    from pruner.run_folder import fingerprint

    purpose = {"mode": options.mode, "weights": fingerprint(options.weights)}
    if options.mode == "distil":
        purpose["teacher"] = fingerprint(options.teacher)
    return purpose


def _report(line: str) -> None:
    print(line, flush=True)


def _read(options: argparse.Namespace) -> Data:
    """The pictures that the way of training needs."""
    if options.mode == "soc":
        return read_unlabelled(options)
    return read_data(options, coarse=options.mode == "semantic")


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded."""
    if options.mode == "distil" and options.teacher is None:
        raise PrunerUsageError("distil needs --teacher, the network to learn from")
    has_run = (options.output / "last.pt").is_file()
    if options.resume and not has_run:
        raise PrunerUsageError(
            f"{options.output}: nothing to resume; leave --resume out for a new run"
        )
    if has_run and not options.resume:
        raise PrunerUsageError(
            f"{options.output}: holds a run already; add --resume to go on, or take another folder"
        )


if __name__ == "__main__":
    sys.exit(main())
