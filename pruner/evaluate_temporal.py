"""Score what makes mattes steady over time, step by step, on clips whose mattes are known.

People are cut from pictures and moved over backgrounds in a known way, so that every matte is known
exactly; the same seed makes the same clips. Each model sees each frame once, and every step is then
applied to the same mattes. Clips without known mattes can be given too; of them only the flicker is
measured. What the columns mean stands in pruner/metrics.py.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from rich.table import Table

from pruner.clips import read_clip
from pruner.data import pairs, pictures
from pruner.errors import PrunerUsageError
from pruner.names import short_names
from pruner.option_types import whole
from pruner.score_table import table_console
from pruner.scores import MEASURES, Clip, Predictor, Scores, mean_scores, score_clip
from pruner.scoring import add_models, exit_code, open_models, progress_bar, write_json
from pruner.temporal_clips import KnownClip, known_clips
from pruner.temporal_steps import STEPS, write_strip
from stream.frame import Frame, MattedFrame


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
    names = short_names(map(str, options.videos))
    return planned + [
        partial(_read, path, names[str(path)], options.frames) for path in options.videos
    ]


def _read(path: Path, name: str, limit: int) -> Clip:
    return replace(read_clip(path, limit), name=name)


def _made(clip: KnownClip) -> Clip:
    frames = list(clip.frames())
    images = [np.ascontiguousarray(image[..., ::-1]) for image, _ in frames]
    return Clip(clip.name, images, [alpha for _, alpha in frames])


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.evaluate_temporal`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.evaluate_temporal", description=__doc__)
    add = parser.add_argument
    add_models(parser)
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="people: image/ + alpha/, fg/ + alpha/, or P3M-10k's",
    )
    add("--backgrounds", type=Path, metavar="DIR", help="pictures without people")
    add("--videos", type=Path, nargs="+", default=[], metavar="FILE", help="clips without truth")
    add(
        "--clips",
        type=whole(1),
        default=12,
        metavar="N",
        help="how many clips to make (default: 12)",
    )
    add("--frames", type=whole(1), default=48, metavar="N", help="frames of a clip (default: 48)")
    add(
        "--clip-size",
        type=_size_wh,
        default=(640, 360),
        metavar="WxH",
        help="of the clips that are made (default: 640x360)",
    )
    add("--seed", type=whole(0), default=0, help="makes other clips")
    add("--strips", type=Path, metavar="DIR", help="draw frames of every clip, before and after")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return exit_code(run, argument_parser().parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Evaluate as the options say."""
    if options.data is None and not options.videos:
        raise PrunerUsageError("give --data and --backgrounds to make clips of, or --videos")
    if options.data is not None and options.backgrounds is None:
        raise PrunerUsageError("give --backgrounds, pictures to put behind the people of --data")
    predictors = open_models(options)
    scores: dict[str, dict[str, dict[str, Scores]]] = {model: {} for model in predictors}
    clips = planned_clips(options)
    names = short_names(predictors)
    with progress_bar() as progress:
        task = progress.add_task("clips and models", total=len(clips) * len(predictors))
        for make in clips:
            clip = make()
            for model, predictor in predictors.items():
                frames = matted_frames(clip, predictor)
                scores[model][clip.name] = score_steps(clip, frames)
                if options.strips is not None:
                    name = f"{clip.name}-{names[model]}".replace("/", "-")
                    write_strip(options.strips / f"{name}.jpg", frames)
                progress.advance(task)
    report(scores, options)


def report(
    scores: Mapping[str, Mapping[str, Mapping[str, Scores]]], options: argparse.Namespace
) -> None:
    """Print the means over the clips, and write everything where that is asked for."""
    console, names = table_console(), short_names(scores)
    means: dict[str, dict[str, Scores]] = {}
    for model, clips in scores.items():
        means[model] = {step: mean_scores(rows[step] for rows in clips.values()) for step in STEPS}
        console.print(step_table(f"{names[model]} ({len(clips)} clips)", means[model]))
    if options.json is not None:
        result = {"size": options.size, "seed": options.seed, "means": means, "scores": scores}
        write_json(options.json, result)


def _size_wh(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected a size like 640x360, got {text!r}")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    sys.exit(main())
