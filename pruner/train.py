"""python -m pruner.train: retrain a pruned network, or train any MODNet further."""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

from pruner.errors import PrunerError

MODES = {
    "finetune": "go on from the given weights",
    "scratch": "the given network's widths, fresh weights",
    "distil": "the given weights, with --teacher",
    "soc": "self-supervised on pictures without mattes: the branches learn to agree",
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m pruner.train", description=__doc__)
    modes = "; ".join(f"{name}: {text}" for name, text in MODES.items())
    p.add_argument("mode", choices=MODES, help=modes)
    p.add_argument(
        "--weights", type=Path, required=True, help="network to start from (.safetensors)"
    )
    p.add_argument("--teacher", type=Path, help="network to learn from (distil)")
    p.add_argument(
        "--data",
        type=Path,
        required=True,
        help="image/ + alpha/, fg/ + alpha/, or P3M-10k's folders",
    )
    p.add_argument(
        "--val", type=Path, help="the same for validation; default: a tenth of --data is kept aside"
    )
    p.add_argument("--backgrounds", type=Path, help="pictures without people, to put them before")
    p.add_argument("--output", type=Path, required=True, help="folder of the run")
    p.add_argument("--resume", action="store_true", help="go on with the run in --output")
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument(
        "--minutes",
        type=float,
        help="stop (with the rate at zero) after this time, however many epochs",
    )
    p.add_argument("--batch", type=int, default=8)
    p.add_argument(
        "--sizes", type=int, nargs="+", default=[224, 256, 288], help="short sides, multiples of 32"
    )
    p.add_argument("--lr", type=float, default=1.2e-3, help="peak learning rate")
    p.add_argument("--backbone-lr", type=float, default=0.3, help="the backbone's share of --lr")
    p.add_argument("--warmup", type=int, default=100, help="steps to the peak")
    p.add_argument("--freeze-backbone", action="store_true")
    p.add_argument(
        "--recalibrate",
        action="store_true",
        help="first estimate the batch norms anew (after pruning)",
    )
    p.add_argument(
        "--detail", type=float, default=10.0, help="weight of the detail loss; 0 leaves it out"
    )
    p.add_argument(
        "--composite", type=float, default=0.3, help="share of people before new backgrounds"
    )
    p.add_argument("--negative", type=float, default=0.1, help="share of pictures without people")
    p.add_argument("--val-size", type=int, default=384, help="long side in validation")
    p.add_argument("--val-limit", type=int, help="validate on so many pictures")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--workers", type=int, default=1, help="processes that prepare pictures")
    p.add_argument("--accelerator", default="auto", help="cpu, cuda, auto")
    p.add_argument("--devices", default="1", help="how many; with torchrun, per machine")
    p.add_argument("--precision", default="32-true", help="32-true, bf16-mixed, ...")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(argv)
    from models.checkpoint import CheckpointError

    try:
        run(options)
    except (PrunerError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; go on with --resume --output {options.output}", file=sys.stderr)
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    """Train as the options say."""
    import torch
    from lightning_fabric import Fabric

    from models import checkpoint
    from models.modnet import MODNet
    from pruner.data import pairs, pictures, spread
    from pruner.objectives import LossWeights, Objective, distillation, self_supervised, supervised
    from pruner.recalibration import recalibrate
    from pruner.trainer import Settings, Trainer
    from pruner.training_set import Mix
    from pruner.validation import Validation

    _check(options)
    torch.manual_seed(options.seed)
    items = pairs(options.data)
    held_out = pairs(options.val) if options.val else items[::10]
    train_items = items if options.val else [item for i, item in enumerate(items) if i % 10]
    start = checkpoint.load(options.weights)
    model = MODNet(start.widths) if options.mode == "scratch" else start
    if options.recalibrate and not options.resume:
        recalibrate(model, train_items)
    weights = LossWeights(detail=options.detail)
    objective: Objective
    if options.mode == "distil":
        objective = distillation(model, checkpoint.load(options.teacher), weights)
    elif options.mode == "soc":
        objective = self_supervised(copy.deepcopy(model))
    else:
        objective = supervised(weights)
    fabric = Fabric(
        accelerator=options.accelerator, devices=int(options.devices), precision=options.precision
    )
    fabric.launch()
    trainer = Trainer(
        model,
        Settings(
            epochs=options.epochs,
            minutes=options.minutes,
            batch=options.batch,
            sizes=tuple(options.sizes),
            learning_rate=options.lr,
            backbone_factor=0.0 if options.freeze_backbone else options.backbone_lr,
            warmup=options.warmup,
            seed=options.seed,
            workers=options.workers,
        ),
        items=train_items,
        backgrounds=pictures(options.backgrounds) if options.backgrounds else (),
        mix=Mix(composite=options.composite, negative=options.negative),
        validation=Validation(spread(held_out, options.val_limit), options.val_size),
        folder=options.output,
        fabric=fabric,
        report=lambda line: print(line, flush=True),
    )
    if options.resume:
        trainer.resume()
    trainer.run(objective)
    print(f"best: {options.output / 'best.safetensors'}")


def _check(options: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is loaded."""
    if options.mode == "distil" and options.teacher is None:
        raise PrunerError("distil needs --teacher, the network to learn from")
    if bad := [size for size in options.sizes if size % 32 or size < 64]:
        raise PrunerError(f"--sizes: expected multiples of 32 from 64, got {bad[0]}")
    if (options.output / "last.pt").exists() and not options.resume:
        raise PrunerError(
            f"{options.output}: holds a run already; add --resume to go on, or take another folder"
        )


if __name__ == "__main__":
    sys.exit(main())
