"""Makes pictures with mattes of videos without: more to learn from, in the rooms that matter.

What a network takes for people in a video is made better than the network is: only the person in
the middle counts, so no chair does; holes are filled; edges follow the picture. What is left of its
errors has to be looked at: delete what is wrong, picture and matte.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pruner.errors import PrunerError, PrunerUsageError
from pruner.option_types import add_size, positive
from stream.frame import Alpha, Frame, MattedFrame
from stream.mattes.subject import Subject, only_subject
from stream.steps import refined

if TYPE_CHECKING:
    from pruner.scores import Predictor

HOLE = 0.006
"""Share of the picture up to which background inside a person is a badge or a button."""


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.label`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.label", description=__doc__)
    add = parser.add_argument
    add("--clips", type=Path, required=True, metavar="DIR", help="a folder of videos")
    add("--output", type=Path, required=True, metavar="DIR", help="gets image/ and alpha/")
    add("--name", default="clips", help="of the data set: files are called NAME_... (%(default)s)")
    add("--model", default="original", help="name, .xml or checkpoint (default: %(default)s)")
    add_size(parser)
    add(
        "--every",
        type=positive,
        default=0.5,
        metavar="S",
        help="seconds between two (default: 0.5)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    from pruner.scoring import exit_code

    return exit_code(run, argument_parser().parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Label as the options say."""
    from pruner.clips import find_videos, names_of, thinned
    from pruner.predictors import open_predictor
    from stream.source import open_source

    videos = find_videos(options.clips)
    if not videos:
        raise PrunerError(f"{options.clips}: expected a folder of videos")
    names = {video: f"{options.name}_{name}" for video, name in names_of(videos).items()}
    for name in names.values():
        if (there := options.output / "image" / f"{name}_00000.jpg").exists():
            raise PrunerUsageError(f"{there} exists: choose another --output or --name")
    predictor = open_predictor(options.model, size=options.size)
    count = 0
    for video, name in names.items():
        with open_source(str(video)) as source:
            for index, matted in enumerate(labelled(thinned(source, options.every), predictor)):
                _write(options.output, f"{name}_{index:05d}", matted)
                count += 1
    print(f"pictures: {count}, in {options.output}; look at them before you train on them")


def labelled(frames: Iterable[Frame], predictor: Predictor) -> Iterator[MattedFrame]:
    """Frames of one video with mattes of the person in the middle, without holes."""
    mattes = (MattedFrame(frame, predictor.predict(frame.image)) for frame in frames)
    for matted in only_subject(refined(mattes), Subject.CENTRE):
        yield MattedFrame(matted.frame, filled(without_haze(matted.alpha)))


def without_haze(alpha: Alpha) -> Alpha:
    """The matte without what is unsure all over and part of nobody."""
    count, labels = cv2.connectedComponents((alpha > 0).astype(np.uint8))
    sure = np.zeros(count, bool)
    sure[labels[alpha > 127]] = True
    return np.where(sure[labels], alpha, np.uint8(0))


def filled(alpha: Alpha) -> Alpha:
    """The matte without small holes: background that the person surrounds on all sides."""
    height, width = alpha.shape
    background = (alpha < 128).astype(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(background, connectivity=4)
    left, top, columns, rows, area = boxes.T
    inside = (left > 0) & (top > 0) & (left + columns < width) & (top + rows < height)
    holes = np.flatnonzero(inside & (area < HOLE * alpha.size))
    mask = np.isin(labels, holes[holes > 0]).astype(np.uint8)
    soft_edge = cv2.dilate(mask, np.ones((7, 7), np.uint8))
    return np.where(soft_edge > 0, np.uint8(255), alpha)


def _write(folder: Path, name: str, matted: MattedFrame) -> None:
    for kind, suffix, picture in (
        ("image", ".jpg", matted.frame.image),
        ("alpha", ".png", matted.alpha),
    ):
        path = folder / kind / f"{name}{suffix}"
        _, data = cv2.imencode(suffix, picture)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            data.tofile(path)
        except OSError as error:
            raise PrunerError(f"{path}: cannot be written ({error.strerror})") from error


if __name__ == "__main__":
    sys.exit(main())
