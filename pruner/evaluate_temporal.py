"""Score what makes mattes steady over time, step by step, on clips whose mattes are known.

People are cut from pictures and moved over backgrounds in a known way, so that every matte is known
exactly; the same seed makes the same clips. Each model sees each frame once, and every step is then
applied to the same mattes. Clips without known mattes can be given too; of them only the flicker is
measured. What the columns mean stands in pruner/metrics.py.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models.checkpoint import CheckpointError
from pruner.data import pairs, pictures
from pruner.errors import PrunerError, PrunerUsageError
from pruner.evaluate import open_predictor
from pruner.scores import MEASURES, Predictor, Scores, mean_scores, score_clip
from pruner.temporal_clips import KnownClip, known_clips
from pruner.temporal_steps import STEPS, write_strip
from stream.errors import StreamError
from stream.frame import Alpha, Frame, Image, MattedFrame
from stream.source import open_source


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip in memory.

    Attributes:
        name: What it is called.
        images: (H, W, 3) uint8 BGR each.
        truths: (H, W) uint8 each, or none.
    """

    name: str
    images: list[Image]
    truths: list[Alpha]


def matted_frames(clip: Clip, predictor: Predictor) -> list[MattedFrame]:
    """Every frame with the matte the model gives it alone."""
    return [
        MattedFrame(Frame(image, index, Fraction(1, 30), 0.0), predictor.predict(image))
        for index, image in enumerate(clip.images)
    ]


def score_steps(clip: Clip, frames: Sequence[MattedFrame]) -> dict[str, Scores]:
    """Scores by step."""
    return {
        name: score_clip([each.alpha for each in step(frames)], clip.images, clip.truths)
        for name, step in STEPS.items()
    }


def step_table(title: str, rows: Mapping[str, Scores]) -> Table:
    """One line per step; in brackets, each score in parts of the first line's."""
    table = Table("step", title=title, title_justify="left")
    first = next(iter(rows.values()))
    for measure in first:
        table.add_column(MEASURES[measure].heading, justify="right")
    for step, row in rows.items():
        table.add_row(step, *(_cell(row[measure], first[measure]) for measure in first))
    return table


def _cell(value: float, first: float) -> str:
    return f"{value:.4f} ({value / first:.2f})" if first else f"{value:.4f}"


def planned_clips(options: argparse.Namespace) -> list[Callable[[], Clip]]:
    """The clips that the options ask for; each is made or read when it is called.

    Raises:
        PrunerError: No people, or no backgrounds.
    """
    planned: list[Callable[[], Clip]] = []
    if options.data is not None:
        made = known_clips(
            pairs(options.data),
            pictures(options.backgrounds),
            count=options.clips,
            size_wh=options.clip_size,
            frame_count=options.frames,
            seed=options.seed,
        )
        planned += [partial(_made, clip) for clip in made]
    return planned + [partial(_read, path, options.frames) for path in options.videos]


def _made(clip: KnownClip) -> Clip:
    frames = list(clip.frames())
    images = [np.ascontiguousarray(image[..., ::-1]) for image, _ in frames]
    return Clip(clip.name, images, [alpha for _, alpha in frames])


def _read(path: Path, limit: int) -> Clip:
    with open_source(str(path)) as source:
        return Clip(path.stem, [frame.image for frame in itertools.islice(source, limit)], [])


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.evaluate_temporal`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.evaluate_temporal", description=__doc__)
    add = parser.add_argument
    add(
        "--models",
        nargs="+",
        default=["original", "pruned"],
        metavar="MODEL",
        help="as for pruner.evaluate (default: original pruned)",
    )
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="people: image/ + alpha/, fg/ + alpha/, or P3M-10k's",
    )
    add("--backgrounds", type=Path, metavar="DIR", help="pictures without people")
    add("--videos", type=Path, nargs="+", default=[], metavar="FILE", help="clips without truth")
    add("--clips", type=int, default=12, metavar="N", help="how many clips to make (default: 12)")
    add("--frames", type=int, default=48, metavar="N", help="frames of a clip (default: 48)")
    add(
        "--clip-size",
        type=_size_wh,
        default=(640, 360),
        metavar="WxH",
        help="of the clips that are made (default: 640x360)",
    )
    add("--seed", type=int, default=0, help="makes other clips")
    add("--device", default="CPU", help="OpenVINO device (default: CPU)")
    add("--size", type=int, default=512, metavar="PIXELS", help="short side seen (default: 512)")
    add("--json", type=Path, metavar="FILE", help="write every score")
    add("--strips", type=Path, metavar="DIR", help="draw frames of every clip, before and after")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = argument_parser().parse_args(argv)
    try:
        run(options)
    except (PrunerError, CheckpointError, StreamError) as error:
        print(f"error: {error}", file=sys.stderr)
        if isinstance(error, StreamError) and error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return getattr(error, "exit_code", 1)
    except KeyboardInterrupt:
        return 130
    return 0


def run(options: argparse.Namespace) -> None:
    """Evaluate as the options say."""
    if options.data is None and not options.videos:
        raise PrunerUsageError("give --data and --backgrounds to make clips of, or --videos")
    if options.data is not None and options.backgrounds is None:
        raise PrunerUsageError("give --backgrounds, pictures to put behind the people of --data")
    predictors = {
        model: open_predictor(model, device=options.device, size=options.size)
        for model in dict.fromkeys(options.models)
    }
    scores: dict[str, dict[str, dict[str, Scores]]] = {model: {} for model in predictors}
    clips = planned_clips(options)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("clips and models", total=len(clips) * len(predictors))
        for make in clips:
            clip = make()
            for model, predictor in predictors.items():
                frames = matted_frames(clip, predictor)
                scores[model][clip.name] = score_steps(clip, frames)
                if options.strips is not None:
                    write_strip(options.strips / f"{clip.name}-{Path(model).name}.jpg", frames)
                progress.advance(task)
    report(scores, options)


def report(
    scores: Mapping[str, Mapping[str, Mapping[str, Scores]]], options: argparse.Namespace
) -> None:
    """Print the means over the clips, and write everything where that is asked for."""
    console = Console()
    means: dict[str, dict[str, Scores]] = {}
    for model, clips in scores.items():
        means[model] = {step: mean_scores(rows[step] for rows in clips.values()) for step in STEPS}
        console.print(step_table(f"{Path(model).name} ({len(clips)} clips)", means[model]))
    if options.json is not None:
        result = {"size": options.size, "seed": options.seed, "means": means, "scores": scores}
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _size_wh(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected a size like 640x360, got {text!r}")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
