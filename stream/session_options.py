"""What a user can ask for, in words and numbers."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from stream.background import Fit
from stream.composite import Foreground
from stream.errors import UsageError
from stream.mattes.subject import Subject
from stream.sinks.codecs import Encoding
from stream.source import CameraRequest
from stream.steps import StepOptions


@dataclass(frozen=True)
class SessionOptions:
    """What a user asks for; see `run_stream.py --help`.

    Attributes:
        input: See `stream.source.open_source`; None for the sample clip.
        backgrounds: See `stream.background.open_background`; empty for the one that suits.
        fit: How a background fills the picture.
        output: "window", "virtual", "virtual:DEVICE", what `stream.sink.open_sink` takes, or None.
        matte: A file for the mattes, or None.
        report: A file for what was measured, or None.
        model: See `stream.inference.model_files.find_model`; None for what suits the device.
        device: See `stream.inference.devices.check_device`.
        size: The network's shorter side in pixels; None for what suits the source.
        threads: For inference; None for all cores.
        requests: Inferences in flight; None for what suits the source.
        skip: How many frames after each inference have its matte moved to them.
        still: Whether a matte serves longer while nothing moves.
        target_fps: Frames per second for which the input is made smaller, and then frames are
            skipped, as far as needed; None for none.
        steps: What is done to the mattes.
        foreground: How the colour of people is found where the old background shines through.
        camera: What a camera is asked for.
        encoding: Changes to how video files are encoded.
        overwrite: Whether existing files may be replaced.

    Raises:
        UsageError: Two results are to go to one place.
    """

    input: str | None = None
    backgrounds: tuple[str, ...] = ()
    fit: Fit = Fit.COVER
    output: str | None = None
    matte: str | None = None
    report: Path | None = None
    model: str | None = None
    device: str = "CPU"
    size: int | None = None
    threads: int | None = None
    requests: int | None = None
    skip: int = 0
    still: bool = False
    target_fps: float | None = None
    steps: StepOptions = StepOptions()  # noqa: RUF009  frozen, so safe to share
    foreground: Foreground = Foreground.BLUR_FUSION
    camera: CameraRequest = CameraRequest()  # noqa: RUF009
    encoding: Encoding = Encoding()  # noqa: RUF009
    overwrite: bool = False

    def __post_init__(self) -> None:
        """See that no result replaces another."""
        output = None if self.is_watched or self.output == "none" else self.output
        places = {"--output": output, "--matte": self.matte, "--report": self.report}
        given = [(name, Path(place)) for name, place in places.items() if place is not None]
        for (first, one), (second, other) in combinations(given, 2):
            if one.resolve() == other.resolve():
                raise UsageError(f"{first} and {second} both name {one}", hint="give each its own")

    @classmethod
    def from_arguments(cls, given: argparse.Namespace) -> SessionOptions:
        """What is asked for on the command line of `run_stream.py`."""
        needs_no_window = given.output is not None or given.matte is not None
        return cls(
            input=given.input,
            backgrounds=tuple(given.background),
            fit=Fit(given.fit),
            output=given.output if needs_no_window else "window",
            matte=given.matte,
            report=given.report,
            model=given.model,
            device=f"{given.device}:{given.ncs2_plugin}" if given.ncs2_plugin else given.device,
            size=given.size,
            threads=given.threads,
            requests=given.requests,
            skip=given.skip,
            still=given.still,
            target_fps=given.target_fps,
            steps=StepOptions(
                refine=given.refine,
                subject=Subject(given.subject),
                delay_one_frame=given.delay_one_frame,
                steady=given.steady,
            ),
            foreground=Foreground(given.foreground),
            camera=CameraRequest(size_wh=given.camera_size, fps=given.camera_fps),
            encoding=Encoding(crf=given.crf, preset=given.preset),
            overwrite=given.force,
        )

    @property
    def has_window(self) -> bool:
        """Whether a window is asked for."""
        return self.output == "window"

    @property
    def is_watched(self) -> bool:
        """Whether somebody watches while it runs, so that a file has to keep its pace."""
        return self.output is not None and self.output.partition(":")[0] in ("window", "virtual")
