"""The command line of `prune.py`. Imports nothing of ours: `--help` should not wait for torch."""

from __future__ import annotations

import argparse
from pathlib import Path

from pruner.option_types import amount, file, size_wh

_EPILOG = """\
examples:
  prune.py --ratio 0.5 --threshold 0.3
  prune.py --ratio 0.5 --target-macs 3.66G --target-params 1.34M --keep last=320
  prune.py --ratio 0.5 --policy greedy --target-macs 3.66G --importance taylor --data portraits/
  prune.py --target-latency 40 --importance taylor --data portraits/
  prune.py --ckpt_path modnet.ckpt --ratio 0.5 --threshold 0.5 --weight_replace True

exit codes: 0 done, 1 a file or device that cannot be used, 2 usage, 130 after Ctrl-C
"""

_SHIPPED = Path(__file__).parents[1] / "models" / "weights" / "modnet.safetensors"


def _group_count(text: str) -> tuple[str, int]:
    name, _, count = text.rpartition("=")
    if not name or not count.isdecimal():
        raise argparse.ArgumentTypeError(f"expected GROUP=COUNT, like last=320, got {text!r}")
    return name, int(count)


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"expected True or False, got {text!r}")
    return text.lower() == "true"


def argument_parser() -> argparse.ArgumentParser:
    """The options of `prune.py`."""
    parser = argparse.ArgumentParser(
        description="Make a smaller MODNet of a larger one: cut the channels that matter least.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_files(parser.add_argument_group("files"))
    _add_strength(
        parser.add_argument_group(
            "how much is cut",
            "A target searches --ratio and --threshold, or the one of them that is not given.",
        )
    )
    _add_choice(parser.add_argument_group("what is cut"))
    _add_report(parser.add_argument_group("what is told"))
    return parser


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        *("--weights", "--ckpt_path"),
        type=Path,
        default=_SHIPPED,
        metavar="FILE",
        help="network to prune: .safetensors, published .ckpt or .pth (default: the shipped one)",
    )
    group.add_argument(
        "--prune-info",
        type=Path,
        metavar="JSON",
        help="channel counts of a checkpoint that the published pruning code wrote "
        "(default: the .json beside it)",
    )
    group.add_argument(
        "--output",
        type=file(".safetensors"),
        default=Path("out/modnet_pruned.safetensors"),
        metavar="FILE",
        help="(default: %(default)s)",
    )
    group.add_argument("--force", action="store_true", help="replace files that exist")


def _add_strength(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--ratio", type=float, help="share of the branches' channels to cut, 0 to 1 (default: 0.5)")
    add(
        "--threshold",
        type=float,
        help="importance, 0 to 1, below which a backbone channel is cut (default: 0.5)",
    )
    add(
        "--policy",
        choices=("threshold", "greedy"),
        default="threshold",
        help="how the backbone is cut: with one threshold for all layers (default), or, with "
        "targets and --importance taylor, always where the least is lost for what it saves",
    )
    add("--target-macs", type=amount, metavar="N", help="at most so many at --size, like 3.6G")
    add("--target-params", type=amount, metavar="N", help="at most so many, like 1.34M")
    add("--target-activations", type=amount, metavar="N", help="values layers put out, like 35M")
    add("--target-latency", type=amount, metavar="MS", help="at most so long on --device")
    add_limits(group)


def add_limits(group: argparse._ArgumentGroup) -> None:
    """What is asked of single groups of channels."""
    group.add_argument(
        "--keep",
        type=_group_count,
        action="append",
        default=[],
        metavar="GROUP=COUNT",
        help="channels one group keeps, like last=320; repeat it (the report names the groups)",
    )
    group.add_argument(
        "--min-keep", type=float, metavar="SHARE", help="at least this of any group (default: 0.25)"
    )


def _add_choice(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--importance",
        choices=("l1", "l2", "bn", "taylor", "random"),
        default="l1",
        help="what makes a channel important (default: %(default)s); taylor needs --data",
    )
    group.add_argument("--data", type=Path, metavar="DIR", help="pictures with mattes, for taylor")
    group.add_argument("--seed", type=int, default=0, help="of random and of fresh weights")
    group.add_argument(
        *("--weight_replace", "--weight-replace"),
        type=_truth,
        default=True,
        metavar="True|False",
        help="carry the weights over, or start with fresh ones (default: %(default)s)",
    )


def _add_report(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--size", type=size_wh, default=(512, 512), metavar="WxH", help="(default: 512x512)")
    add("--latency", action="store_true", help="also measure both networks on --device")
    add("--device", default="CPU", help="OpenVINO device (default: %(default)s)")
    add("--report", type=Path, metavar="JSON", help="write everything that is printed, by name")
    add(
        "--picture",
        type=file(".png", ".svg", ".pdf"),
        metavar="FILE",
        help="draw the widths before and after",
    )
    add(
        "--verbose",
        type=_truth,
        default=True,
        metavar="True|False",
        help="print the width of every layer (default: %(default)s)",
    )
