"""Score models on pictures with mattes, side by side.

Every model sees the pictures as the runtime would give them to it; its mattes are compared at the
pictures' own size. What the columns mean stands in pruner/metrics.py and pruner/scores.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pruner.clips import find_clips, read_clip
from pruner.contact_sheet import worst_cases, write_sheet
from pruner.data import pairs, pictures, spread
from pruner.errors import PrunerUsageError
from pruner.option_types import whole
from pruner.score_table import score_table, table_console
from pruner.scores import score_clips, score_negatives, score_pictures, summary
from pruner.scoring import add_models, exit_code, open_models, progress_bar, write_json
from pruner.sources import sources


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.evaluate`."""
    parser = argparse.ArgumentParser(prog="python -m pruner.evaluate", description=__doc__)
    add = parser.add_argument
    add_models(parser)
    add("--data", type=Path, metavar="DIR", help="image/ + alpha/, fg/ + alpha/, or P3M-10k's")
    add("--negatives", type=Path, metavar="DIR", help="pictures without people")
    add("--clips", type=Path, metavar="DIR", help="videos, or folders of frames (image/ + alpha/)")
    add(
        "--limit", type=whole(1), metavar="N", help="so many pictures at most, and frames of a clip"
    )
    add("--sheet", type=Path, metavar="FILE.png", help="draw the pictures that went worst")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return exit_code(run, argument_parser().parse_args(argv))


def run(options: argparse.Namespace) -> None:
    """Evaluate as the options say."""
    if options.data is None and options.negatives is None and options.clips is None:
        raise PrunerUsageError(
            "give --data, pictures with mattes, or --negatives, pictures without people, or --clips"
        )
    if options.sheet and options.data is None and options.negatives is None:
        raise PrunerUsageError("--sheet shows pictures of --data and --negatives; give one of them")
    predictors = open_models(options)
    items = spread(pairs(options.data), options.limit) if options.data else []
    negatives = spread(pictures(options.negatives), options.limit) if options.negatives else []
    clips = find_clips(options.clips) if options.clips else []
    result: dict[str, Any] = {"size": options.size, "device": options.device}
    cases = []
    with progress_bar() as progress:
        if items:
            scores = score_pictures(predictors, progress.track(items, description="pictures"))
            result["pictures"] = summary(scores, sources(options.data, items))
            cases += worst_cases(predictors, items, scores) if options.sheet else []
        if negatives:
            scores = score_negatives(predictors, progress.track(negatives, description="nobody"))
            result["negatives"] = summary(scores)
            cases += worst_cases(predictors, negatives, scores) if options.sheet else []
        if clips:
            paths = progress.track(clips, description="clips")
            read = (read_clip(path, options.limit) for path in paths)
            result["clips"] = summary(score_clips(predictors, read))
    report(result, options)
    if options.sheet:
        write_sheet(options.sheet, cases)


def report(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Print the means, and write everything where that is asked for."""
    for kind in ("pictures", "negatives", "clips"):
        for group, means in result.get(kind, {"means": {}})["means"].items():
            table_console().print(score_table(f"{kind}: {group}", means))
    if options.json:
        write_json(options.json, result)


if __name__ == "__main__":
    sys.exit(main())
