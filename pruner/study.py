"""python -m pruner.study: which way of retraining, which importance, how much to prune.

Every question is answered by networks that are retrained and scored in the same way. Each has a
folder in --output: run the command again to go on where it was interrupted, or to ask for more.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pruner.arguments import add_limits
from pruner.command import exit_code
from pruner.machine import add_machine, launched_fabric
from pruner.option_types import amount, positive, whole
from pruner.train_options import add_data, add_learning, loss_weights

if TYPE_CHECKING:
    from pruner.study_lab import Lab, Row

QUESTIONS = {
    "modes": "fine-tune, distil or train from scratch; backbone trained or fixed",
    "importance": "importance criteria at the same multiply-accumulates",
    "sweep": "quality against latency, by ratio and threshold",
}
WEIGHTS = Path(__file__).resolve().parents[1] / "models" / "weights"
ORIGINAL, PRUNED = WEIGHTS / "modnet.safetensors", WEIGHTS / "modnet_pruned.safetensors"
STEPS = 300
FREE = {
    *("output", "workers", "accelerator", "device", "shipped"),
    *("criteria", "ratios", "thresholds", "budget_b"),
}
"""Options that may change between two runs for the same results."""


def argument_parser() -> argparse.ArgumentParser:
    """The options of `python -m pruner.study`."""
    parser = argparse.ArgumentParser(
        prog="python -m pruner.study",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    questions = parser.add_subparsers(dest="question", required=True, metavar="QUESTION")
    for name, add_own in (("modes", _modes), ("importance", _importance), ("sweep", _sweep)):
        question = questions.add_parser(name, help=QUESTIONS[name], description=QUESTIONS[name])
        add_own(question)
        _add_common(question)
    return parser


def _modes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--weights", type=Path, required=True, metavar="FILE", help="as pruned, not yet retrained")
    add("--teacher", type=Path, default=ORIGINAL, metavar="FILE", help="it before pruning")
    add("--budget-b", action="store_true", help="also from scratch, for the FLOPs of the teacher")


def _importance(parser: argparse.ArgumentParser) -> None:
    _add_pruning(parser)
    add = parser.add_argument
    add("--ratio", type=_share, default=0.5, metavar="SHARE", help="of branches (default: 0.5)")
    add(
        "--target-macs",
        type=amount,
        default=3.66e9,
        metavar="N",
        help="sets the backbone's threshold (default: 3.66G)",
    )
    add("--target-params", type=amount, metavar="N", help="likewise")
    criteria = ["l1", "l2", "bn", "taylor", "random", "taylor-greedy"]
    add("--criteria", nargs="+", choices=criteria, default=criteria, help="(default: all)")


def _sweep(parser: argparse.ArgumentParser) -> None:
    _add_pruning(parser)
    add = parser.add_argument
    for name, values in (("--ratios", [0.25, 0.5, 0.75]), ("--thresholds", [0.2, 0.4, 0.6])):
        text = f"(default: {' '.join(map(str, values))})"
        add(name, type=_share, nargs="+", default=values, metavar="SHARE", help=text)
    add("--shipped", type=Path, default=PRUNED, metavar="FILE", help="network to compare with")
    add("--device", default="CPU", help="OpenVINO device (default: CPU)")


def _add_pruning(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--weights", type=Path, default=ORIGINAL, metavar="FILE", help="network to prune")
    add("--retraining", choices=("finetune", "distil"), default="finetune", help="(default: first)")
    add_limits(parser.add_argument_group("single groups"))


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        default=Path("out/study"),
        metavar="DIR",
        help="gets a folder for the question (default: out/study)",
    )
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument(
        "--steps", type=whole(1), metavar="N", help=f"of each retraining (default: {STEPS})"
    )
    budget.add_argument(
        "--minutes", type=positive, metavar="N", help="each retraining takes so long"
    )
    add("--size", type=whole(1), default=512, metavar="PIXELS", help="short side that scoring sees")
    add_data(parser)
    add_learning(parser)
    add_machine(parser)
    parser.set_defaults(warmup=30)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to below 1, got {text!r}")
    return value


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    options = argument_parser().parse_args(argv)
    return exit_code(
        lambda chosen: run(chosen, shlex.join(argv)),
        options,
        if_interrupted="interrupted; the same command goes on from here",
    )


def run(options: argparse.Namespace, command: str) -> None:
    """Answer the question that the options ask."""
    from pruner.run_folder import keep_settings
    from pruner.study_questions import ASK

    if options.steps is None and options.minutes is None:
        options.steps = STEPS
    settings = settings_of(options)
    folder = options.output / options.question
    lab = open_lab(options, folder)
    if lab.is_first:
        keep_settings(folder, settings)
    rows = ASK[options.question](lab, options)
    if lab.is_first:
        tell(options.question, rows, folder, command=f"python -m pruner.study {command}")


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the results depend on: options, and digests of the networks' files."""
    from pruner.run_folder import fingerprint

    settings: dict[str, Any] = {}
    for name, value in sorted(vars(options).items()):
        if name in ("weights", "teacher"):
            settings[name] = fingerprint(value)
        elif name not in FREE:
            settings[name] = str(value) if isinstance(value, Path) else value
    return settings


def open_lab(options: argparse.Namespace, folder: Path) -> Lab:
    """Everything that the networks of the study have in common."""
    from pruner.study_lab import Conditions, Lab
    from pruner.train_options import read_data, read_pairs, read_settings

    conditions = Conditions(
        settings=read_settings(options, steps=options.steps, minutes=options.minutes),
        weights=loss_weights(options),
        data=read_data(options),
        held_out=read_pairs(options)[1],
        size=options.size,
    )
    return Lab(
        folder,
        conditions,
        fabric=launched_fabric(options),
        report=lambda line: print(line, flush=True),
    )


def tell(question: str, rows: Sequence[Row], folder: Path, *, command: str) -> None:
    """Print the table; leave it, the numbers and a picture in the folder."""
    from pruner.scoring import write_json
    from pruner.study_report import COLUMNS, DRAW, markdown

    table = markdown(COLUMNS[question], rows)
    write_json(folder / "results.json", {"command": command, "rows": list(rows)})
    (folder / "results.md").write_text(f"    {command}\n\n{table}", encoding="utf-8")
    DRAW[question](rows, folder / "results.png")
    print(f"\n{table}\n{folder}: results.md, results.json, results.png")


if __name__ == "__main__":
    sys.exit(main())
