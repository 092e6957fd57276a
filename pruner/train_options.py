"""The options of everything that trains, and what they stand for."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from pruner.errors import PrunerUsageError
from pruner.option_types import not_negative, positive, share, whole

if TYPE_CHECKING:
    from pruner.data import Pair
    from pruner.objectives import LossWeights
    from pruner.schedule import Settings
    from pruner.trainer import Data


MODES = {
    "finetune": "go on from the given weights",
    "scratch": "the given network's widths, fresh weights",
    "semantic": "the given weights, backbone and low-resolution branch only: finetune afterwards",
    "distil": "the given weights, with --teacher",
    "fold": "the given weights; instance norms become batch norms, which cost nothing at run time",
    "soc": "self-supervised, on pictures or videos without mattes too: the branches learn to agree",
}


def data_set_weight(text: str) -> tuple[str, float]:
    """A data set's name and its weight, like voc=3: an argparse type.

    Raises:
        argparse.ArgumentTypeError: Not such a pair.
    """
    name, _, weight = text.rpartition("=")
    try:
        value = float(weight)
    except ValueError:
        value = math.nan
    if not name or not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected NAME=NUMBER, like voc=3, got {text!r}")
    return name, value


def add_data(parser: argparse.ArgumentParser) -> None:
    """What is learnt from, and what the result is judged by."""
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="image/ + alpha/, fg/ + alpha/, or P3M-10k's folders",
    )
    add(
        "--val",
        type=Path,
        metavar="DIR",
        help="the same for validation; default: a tenth of --data is kept aside",
    )
    add("--backgrounds", type=Path, metavar="DIR", help="pictures without people, to put behind")
    add(
        "--composite",
        type=share,
        default=0.3,
        metavar="SHARE",
        help="of pictures: people before those",
    )
    add("--negative", type=share, default=0.1, metavar="SHARE", help="of pictures: those alone")
    add("--objects", type=Path, metavar="DIR", help="cut-outs of things, to put behind people")
    add(
        "--emphasis",
        type=data_set_weight,
        action="append",
        default=[],
        metavar="NAME=N",
        help="draw pictures named NAME_... N times as often as other data sets; repeat it",
    )
    add("--val-size", type=whole(32), default=384, metavar="PIXELS", help="long side in validation")
    add("--val-limit", type=whole(1), metavar="N", help="validate on so many pictures")


def add_learning(parser: argparse.ArgumentParser) -> None:
    """How fast is learnt, and from how much at a time."""
    add = parser.add_argument
    text = "pictures a step and device (default: 8)"
    add("--batch", type=whole(1), default=8, metavar="N", help=text)
    add(
        "--sizes",
        type=int,
        nargs="+",
        default=[224, 256, 288],
        metavar="PIXELS",
        help="short sides, multiples of 32 (default: 224 256 288)",
    )
    add("--lr", type=positive, default=1.2e-3, metavar="RATE", help="peak of the learning rate")
    text = "the backbone's part of it; 0 leaves the backbone as it is"
    add("--backbone-lr", type=not_negative, default=0.3, metavar="SHARE", help=text)
    add("--warmup", type=whole(0), default=100, metavar="N", help="steps to the peak")
    for name, weight in (("semantic", 10.0), ("entropy", 1.0), ("matte", 1.0), ("pyramid", 5.0)):
        text = f"of the {name} loss (default: {weight:g})"
        add(f"--{name}", type=not_negative, default=weight, metavar="WEIGHT", help=text)
    add(
        "--detail",
        type=not_negative,
        default=10.0,
        metavar="WEIGHT",
        help="of the detail loss (default: 10); 0 leaves it out",
    )
    add("--seed", type=whole(0), default=0)


def loss_weights(options: argparse.Namespace) -> LossWeights:
    """What each term of the supervised losses counts."""
    from pruner.objectives import LossWeights

    return LossWeights(
        semantic=options.semantic,
        entropy=options.entropy,
        detail=options.detail,
        matte=options.matte,
        pyramid=options.pyramid,
    )


def read_pairs(options: argparse.Namespace) -> tuple[list[Pair], list[Pair]]:
    """The pictures to learn from, and those to judge by.

    Raises:
        PrunerError: A folder that cannot be used.
        PrunerUsageError: Emphasis on a data set that is not there.
    """
    from pruner.data import pairs, spread

    items = pairs(options.data)
    known = sorted({item.source for item in items} - {""})
    if unknown := [name for name, _ in options.emphasis if name not in known]:
        raise PrunerUsageError(
            f"--emphasis: no pictures in {options.data} are called {unknown[0]}_...; "
            f"there are {', '.join(known) or 'no such names'}"
        )
    held_out = pairs(options.val) if options.val else items[::10]
    if not options.val:
        items = [item for i, item in enumerate(items) if i % 10]
    return items, spread(held_out, options.val_limit)


def read_data(options: argparse.Namespace, *, coarse: bool = False) -> Data:
    """The pictures that the options name, and how they are used.

    Args:
        options: As the parsers above have them.
        coarse: See `Validation`.

    Raises:
        PrunerError: A folder that cannot be used.
    """
    from pruner.data import pictures
    from pruner.trainer import Data
    from pruner.training_set import Mix
    from pruner.validation import Validation

    if options.composite + options.negative > 1:
        raise PrunerUsageError("--composite and --negative: expected shares of 1 at most together")
    items, held_out = read_pairs(options)
    return Data(
        items,
        pictures(options.backgrounds) if options.backgrounds else (),
        Mix(
            composite=options.composite,
            negative=options.negative,
            emphasis=dict(options.emphasis),
        ),
        Validation(held_out, options.val_size, coarse=coarse),
        pictures(options.objects) if options.objects else (),
        foregrounds=options.output / "foregrounds",
    )


def read_unlabelled(options: argparse.Namespace) -> Data:
    """Pictures for self-supervised training: `--data` may also be a folder of pictures or videos.

    Raises:
        PrunerError: A folder or video that cannot be used, or no `--val` to choose weights by.
    """
    from pruner.clips import find_videos, frames_of
    from pruner.data import Pair, layout, pairs, pictures, spread
    from pruner.trainer import Data
    from pruner.training_set import Mix
    from pruner.validation import Validation

    if layout(options.data):
        return read_data(options)
    if options.val is None:
        raise PrunerUsageError(
            f"{options.data}: without mattes; give --val, pictures with mattes to choose by"
        )
    if videos := find_videos(options.data):
        items = frames_of(videos, options.output / "frames")
    else:
        items = [Pair(path.stem, path, None) for path in pictures(options.data)]
    held_out = spread(pairs(options.val), options.val_limit)
    nothing_else = Mix(composite=0, negative=0, close=0)
    return Data(items, (), nothing_else, Validation(held_out, options.val_size))


def read_settings(
    options: argparse.Namespace,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    freeze_backbone: bool = False,
    freeze_norms_after: float = 1.0,
    fresh_backbone: bool = False,
) -> Settings:
    """How to train: the options, and what the caller decides.

    Raises:
        PrunerUsageError: Sides that the network cannot take.
    """
    from pruner.schedule import Settings

    if bad := [size for size in options.sizes if size % 32 or size < 64]:
        raise PrunerUsageError(f"--sizes: expected multiples of 32 from 64, got {bad[0]}")
    return Settings(
        epochs=epochs,
        steps=steps,
        minutes=minutes,
        batch=options.batch,
        sizes=tuple(options.sizes),
        learning_rate=options.lr,
        backbone_factor=0.0 if freeze_backbone else options.backbone_lr,
        warmup=options.warmup,
        seed=options.seed,
        workers=options.workers,
        freeze_norms_after=freeze_norms_after,
        fresh_backbone=fresh_backbone,
    )
