"""What can be asked of the benchmark, in words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EPILOG = """\
examples:
  python -m stream.benchmark                        our models: latency, and the sample clip
  python -m stream.benchmark --quick                the same in a minute, less exactly
  python -m stream.benchmark --clip a.mp4 --clip-size 288 512 --only clip
  python -m stream.benchmark --peers --modnet-onnx modnet.onnx --rvm-onnx rvm_mobilenetv3_fp32.onnx
  python -m stream.benchmark --layers pruned --sizes 512x512
  python -m stream.benchmark --endurance 20000 --models pruned --clip a.mp4
"""


@dataclass(frozen=True)
class Thoroughness:
    """What is measured where nothing else is asked for.

    Attributes:
        sizes: Widths and heights of the networks' input in pixels.
        clip_size: Shorter sides of the networks' input in whole runs, in pixels.
        rounds: Inferences of each network.
        passes: Runs of each network on each clip.
        frames: Of each run; None for the whole clip.
        seconds: What no table's inferences, and no run, take longer than.
    """

    sizes: tuple[tuple[int, int], ...]
    clip_size: tuple[int, ...]
    rounds: int
    passes: int
    frames: int | None
    seconds: float


_THOROUGH = Thoroughness(((512, 288), (896, 512), (512, 512)), (288, 512), 30, 3, None, 60.0)
_QUICK = Thoroughness(((512, 288),), (288,), 5, 1, 30, 5.0)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; what `--quick` would change and nobody asked for is filled in."""
    parser = argparse.ArgumentParser(
        prog="python -m stream.benchmark",
        usage="%(prog)s [--models NAME …] [--sizes WxH …] [--clip FILE …] [options]",
        description="Measure the models and the whole program on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_subjects(parser.add_argument_group("what"))
    _add_runs(parser.add_argument_group("whole runs, from file to file"))
    _add_peers(parser.add_argument_group("others"))
    _add_effort(parser.add_argument_group("how long"))
    _add_output(parser.add_argument_group("results"))
    # How the benchmark starts itself for a run of its own; see `stream.bench.clip`.
    parser.add_argument("--run-clip", metavar="JSON", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.picture and (options.layers or options.endurance):
        parser.error("--layers and --endurance have no --picture")
    for name, value in vars(_QUICK if options.quick else _THOROUGH).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def _add_subjects(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--models",
        nargs="+",
        metavar="NAME",
        help="names in models/weights/README.md, or paths of OpenVINO .xml files; the others are "
        "compared with the first (default: all that are shipped)",
    )
    group.add_argument(
        "--sizes",
        nargs="+",
        type=_size_wh,
        metavar="WxH",
        help="input sizes of one inference, rounded to multiples of 32 "
        "(default: 512x288 896x512 512x512)",
    )
    group.add_argument("--threads", type=_positive_int, metavar="N", help="(default: all cores)")
    group.add_argument("--only", choices=("latency", "clip"), help="leave the other part out")
    group.add_argument(
        "--layers", metavar="NAME", help="only show where the time of this model goes"
    )
    group.add_argument(
        "--endurance",
        type=_positive_int,
        metavar="FRAMES",
        help="only show whether memory, threads and open files stay as they are while each model "
        "runs the first clip, again and again, until there are so many frames",
    )


def _add_runs(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--clip",
        nargs="+",
        metavar="FILE",
        help="videos to run (default: the sample clip)",
    )
    group.add_argument(
        "--clip-size",
        nargs="+",
        type=_positive_int,
        metavar="PIXELS",
        help="the network's shorter side, as --size of run_stream.py (default: 288 512)",
    )
    group.add_argument(
        "--live",
        action="store_true",
        help="clips keep their pace, as a camera does, and nothing is written: shows how old "
        "frames are when they are delivered, and how many are thrown away",
    )
    group.add_argument(
        "--skip",
        type=_whole_number,
        default=0,
        metavar="N",
        help="as of run_stream.py (default: 0)",
    )


def _add_peers(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--peers",
        action="store_true",
        help="also measure MediaPipe's selfie segmentation, if it is installed, and say how to "
        "get the files for the options below",
    )
    group.add_argument(
        "--modnet-onnx",
        nargs="+",
        default=[],
        metavar="FILE",
        help="MODNet or MODNet-P as exported plainly, in ONNX Runtime and in OpenVINO",
    )
    group.add_argument("--rvm-onnx", metavar="FILE", help="RobustVideoMatting's file")


def _add_effort(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--quick", action="store_true", help="take seconds: fewer rounds, 30 frames, one size"
    )
    for name, default, what in (
        ("rounds", _THOROUGH.rounds, "inferences of each network"),
        ("passes", _THOROUGH.passes, "runs of each network on each clip"),
        ("frames", "the whole clip", "of each run"),
    ):
        group.add_argument(
            f"--{name}", type=_positive_int, metavar="N", help=f"{what} (default: {default})"
        )
    group.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        help=f"at most, for the rounds of a size and for each run (default: {_THOROUGH.seconds:g})",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--json", type=Path, metavar="FILE", help="also write the results as JSON")
    group.add_argument(
        "--picture", type=Path, metavar="FILE.png", help="also draw them (needs matplotlib)"
    )
    group.add_argument("--force", action="store_true", help="replace files that exist")
    group.add_argument("--debug", action="store_true", help="show where an error comes from")


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got '{text}'")
    return int(text)


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 on, got '{text}'")
    return int(text)


def _size_wh(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected a size like 512x288, got '{text}'")
    return int(width), int(height)
