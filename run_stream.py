#!/usr/bin/env python3
"""Put people before another background: in a clip, in a camera's picture, in images."""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# Of `stream` nothing is imported up here: OpenCV and OpenVINO take a second that --help can spare.
if TYPE_CHECKING:
    from stream.signals import StopSignals

_EPILOG = """\
examples:
  run_stream.py                                          a sample clip, in a window
  run_stream.py --input 0 --background blur              the first camera, in a window
  run_stream.py --input 0 --background beach.jpg --output virtual
  run_stream.py --input clip.mp4 --background beach.mp4 --output out.mp4
  run_stream.py --input clip.mp4 --background transparent --output out.mov --matte matte.mp4
  run_stream.py --input photos/ --background "#00b140" --output cut_out/

exit codes:
  0 done, 1 internal error, 2 usage, 3 camera, 4 input, 5 output, 6 model, 7 device,
  8 display or virtual camera, 130 after Ctrl-C, 143 after SIGTERM
"""

_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parse(arguments)

    from stream.console import print_error, results_on_stdout, warnings_on_stderr
    from stream.errors import StoppedError, StreamError
    from stream.signals import StopSignals

    with warnings_on_stderr(), StopSignals() as signals:
        try:
            if options.list_devices:
                from stream.inventory import print_devices

                with results_on_stdout():
                    print_devices()
            else:
                _run(options, signals)
        except StoppedError:
            return signals.exit_code
        except Exception as error:
            if options.debug:
                raise
            print_error(error)
            return error.exit_code if isinstance(error, StreamError) else 1
        return signals.exit_code


def _run(options: argparse.Namespace, signals: StopSignals) -> None:
    from stream.allocator import reuse_memory
    from stream.console import frame_progress, print_report, results_on_stdout
    from stream.pipeline import run
    from stream.session import Session, SessionOptions

    reuse_memory()
    wanted = SessionOptions.from_arguments(options)
    with contextlib.closing(Session(wanted, cancelled=signals.stop.is_set)) as session:
        limits = (options.max_frames, session.source.info.frame_count)
        total = min((limit for limit in limits if limit is not None), default=None)
        shows_progress = not (options.quiet or wanted.is_watched)
        with frame_progress(total, shown=shows_progress) as progress:
            report = run(
                session.source,
                session.predictor,
                session.background,
                session.sinks,
                steps=session.steps,
                foreground=wanted.foreground,
                clock=session.clock,
                stop=signals.stop,
                max_frames=options.max_frames,
                progress=progress,
            )
        session.save(report)
    if not options.quiet:
        with results_on_stdout():
            print_report(report)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="run_stream.py",
        usage="%(prog)s [--input WHAT] [--background WHAT] [--output WHERE] [options]",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_main_options(parser.add_argument_group("what"))
    _add_matting_options(parser.add_argument_group("matting"))
    _add_video_options(parser.add_argument_group("matting, over time"))
    _add_detail_options(parser.add_argument_group("details"))
    _add_other_options(parser.add_argument_group("other"))
    return parser.parse_args(arguments)


def _add_main_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--input",
        metavar="WHAT",
        help="camera (0, /dev/video0), video file, address (rtsp://, http://), image or folder of "
        "images; without it a sample clip",
    )
    group.add_argument(
        "--background",
        metavar="WHAT",
        action="append",
        default=[],
        help="blur, blur:0.6 (0 to 1), a colour (#00b140, green), an image, a video, or "
        "transparent; given several times, keys of the window change between them",
    )
    group.add_argument(
        "--output",
        metavar="WHERE",
        help="video (.mp4, .mov, .mkv, .webm), picture (.png, .jpg, .webp), folder of pictures "
        "(out/), virtual, virtual:/dev/video10, window or none; without it a window opens",
    )
    group.add_argument(
        "--matte", metavar="WHERE", help="write the mattes as well: a video or a folder"
    )


def _add_matting_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--model",
        metavar="NAME",
        help="pruned, pruned-int8, original, one of the other names in models/weights/README.md, "
        "or the path of an OpenVINO .xml (default: pruned-int8 on the CPU, pruned elsewhere)",
    )
    group.add_argument(
        "--device",
        default="CPU",
        metavar="NAME",
        help="CPU, GPU, NPU, AUTO, HETERO:GPU,CPU, NCS2 after `make ncs2` (default: CPU)",
    )
    group.add_argument("--ncs2-plugin", metavar="NAME", help=argparse.SUPPRESS)
    group.add_argument(
        "--size",
        type=_positive_int,
        metavar="PIXELS",
        help="shorter side of what the network sees; less is faster and coarser (default: 288 for "
        "cameras, live streams and what is watched while it runs, else 384)",
    )
    group.add_argument(
        "--threads", type=_positive_int, metavar="N", help="for inference (default: all cores)"
    )
    group.add_argument(
        "--requests",
        type=_positive_int,
        metavar="N",
        help="frames in inference at once (default: 1 for cameras, more for files)",
    )
    group.add_argument(
        "--refine",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="let soft edges follow those of the picture (default: yes)",
    )
    group.add_argument(
        "--foreground",
        choices=("blur-fusion", "multilevel", "none"),
        default="blur-fusion",
        help="how the old background is taken out of the colours of hair and edges; multilevel "
        "needs PyMatting and up to a second per picture (default: blur-fusion)",
    )


def _add_video_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--steady",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="average mattes over time, except where something moves (default: yes)",
    )
    group.add_argument(
        "--delay-one-frame", action="store_true", help="repair single bad mattes, one frame late"
    )
    group.add_argument(
        "--subject",
        choices=("all", "largest", "centre"),
        default="all",
        help="whom to show: everybody, who is largest, or who is near the middle (default: all)",
    )
    group.add_argument(
        "--skip",
        type=_count,
        default=0,
        metavar="N",
        help="after a frame that the network sees, move its matte to N frames (default: 0)",
    )
    group.add_argument(
        "--still", action="store_true", help="keep a matte for up to a second while nothing moves"
    )
    group.add_argument(
        "--target-fps",
        type=_rate,
        metavar="FPS",
        help="hold so many frames per second: with a smaller input of the network, at least 160, "
        "then by skipping frames",
    )


def _add_detail_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fit",
        choices=("cover", "contain", "stretch"),
        default="cover",
        help="how a background fills the picture (default: cover)",
    )
    group.add_argument(
        "--camera-size", type=_size_wh, metavar="WxH", help="what to ask the camera for: 1280x720"
    )
    group.add_argument(
        "--camera-fps", type=_rate, metavar="FPS", help="frames per second to ask the camera for"
    )
    group.add_argument(
        "--crf", type=_crf, metavar="N", help="quality of a video: less is better and larger"
    )
    group.add_argument(
        "--preset", choices=_PRESETS, metavar="NAME", help=f"of x264: {', '.join(_PRESETS)}"
    )
    group.add_argument("--max-frames", type=_positive_int, metavar="N", help="stop after N frames")


def _add_other_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--report", type=Path, metavar="FILE.json", help="write what was measured")
    group.add_argument("--force", action="store_true", help="replace files that exist")
    group.add_argument("--quiet", action="store_true", help="print nothing but warnings and errors")
    group.add_argument(
        "--list-devices", action="store_true", help="list cameras and inference devices, and exit"
    )
    group.add_argument("--debug", action="store_true", help="show where an error comes from")
    group.add_argument("--version", action=_Version, help="print the version and exit")


class _Version(argparse.Action):
    """Prints the version, read only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import tomllib

        project = Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8")
        print(parser.prog, tomllib.loads(project)["project"]["version"])
        parser.exit()


def _count(text: str, *, least: int = 0, most: float = math.inf) -> int:
    if text.isdecimal() and least <= int(text) <= most:
        return int(text)
    limits = f"from {least} on" if most == math.inf else f"from {least} to {most}"
    raise argparse.ArgumentTypeError(f"expected a whole number {limits}, got '{text}'")


def _positive_int(text: str) -> int:
    return _count(text, least=1)


def _crf(text: str) -> int:
    return _count(text, most=63)


def _rate(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) < math.inf:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected frames per second, such as 25, got '{text}'")


def _size_wh(text: str) -> tuple[int, int]:
    with contextlib.suppress(argparse.ArgumentTypeError):
        width, _, height = text.partition("x")
        return _positive_int(width), _positive_int(height)
    raise argparse.ArgumentTypeError(f"expected a size like 1280x720, got '{text}'")


if __name__ == "__main__":
    raise SystemExit(main())
